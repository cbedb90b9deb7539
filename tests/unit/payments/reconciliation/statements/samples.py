"""Bank statements for tests: one account, one day of receipt, the same movements in every format."""

from datetime import date

from runtime.payments.reconciliation.statements.csv_statement import read_csv
from runtime.payments.reconciliation.statements.model import BankAccount, StatementFile
from runtime.payments.reconciliation.statements.profiles import profile_for

RECEIVED_ON = date(2026, 4, 10)
ACCOUNT = BankAccount("bank_main", number="50200012345678")

HDFC_HEADER = "Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance"
HDFC = f"""HDFC BANK Ltd.,,,,,,
Account No :,50200012345678,,,,,

{HDFC_HEADER}
01/04/26,NEFT CR-UTIB0000001-RAZORPAY-AXISCN1153863727,AXISCN1153863727,01/04/26,,"1,23,456.78","2,23,456.78"
02/04/26,UPI-RAVI KUMAR-ravi.kumar@okhdfc-409912345678-MEAL,0000409912345678,02/04/26,,450.00,"2,23,906.78"
03/04/26,CHQ PAID SCHOOL CATERER,000123,03/04/26,"50,000.00",,"1,73,906.78"
***End of statement***,,,,,,
"""

SIGNED_HEADER = "booked_on,value_on,amount,narration,reference,balance"


def hdfc(text: str = HDFC, received_on: date = RECEIVED_ON) -> StatementFile:
    """A file of HDFC's layout, read."""
    return read_csv(text.encode(), ACCOUNT, profile_for("hdfc", received_on), received_on)


def signed(*rows: str, header: str = SIGNED_HEADER) -> StatementFile:
    """Rows of our own layout, read."""
    text = "\n".join([header, *rows])
    return read_csv(text.encode(), ACCOUNT, profile_for("signed", RECEIVED_ON), RECEIVED_ON)


CAMT_ENTRY = """<Ntry>
  <NtryRef>{reference}</NtryRef><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>
  <Sts>{status}</Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>
  <NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>
  <RmtInf><Ustrd>{narration}</Ustrd></RmtInf></TxDtls></NtryDtls>
</Ntry>"""


def camt_entry(
    amount: str = "1.00",
    direction: str = "CRDT",
    *,
    day: str = "2026-04-01",
    narration: str = "",
    end_to_end: str = "NOTPROVIDED",
    reference: str = "",
    status: str = "BOOK",
    currency: str = "INR",
) -> str:
    return CAMT_ENTRY.format(
        amount=amount,
        direction=direction,
        day=day,
        narration=narration,
        end_to_end=end_to_end,
        reference=reference,
        status=status,
        currency=currency,
    )


def camt_balance(code: str, amount: str, direction: str = "CRDT", currency: str = "INR") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount}</Amt>"
        f"<CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>2026-04-01</Dt></Dt></Bal>"
    )


def camt_statement(*parts: str, number: str = ACCOUNT.number, name: str = "S") -> str:
    account = f"<Acct><Id><Othr><Id>{number}</Id></Othr></Id><Ccy>INR</Ccy></Acct>"
    return f"<Stmt><Id>{name}</Id>{account}{''.join(parts)}</Stmt>"


def camt(*statements: str, version: str = "02") -> bytes:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    body = f"<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId></GrpHdr>{''.join(statements)}</BkToCstmrStmt>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace}">{body}</Document>'.encode()


def mt940(*fields: str, number: str = ACCOUNT.number, name: str = "STMT1") -> str:
    """One message with the given fields after its account."""
    return "\n".join([f":20:{name}", f":25:{number}", ":28C:00001/001", *fields, "-"])

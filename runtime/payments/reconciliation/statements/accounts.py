"""Whether a statement is of the account it is said to be of; banks print all, or the last, of its digits."""

import re
from typing import Final

from runtime.payments.reconciliation.statements.model import BankAccount

_SIGNS = re.compile(r"[^A-Z0-9*]+")
_VISIBLE_MIN: Final = 4


def is_account(printed: str, account: BankAccount) -> bool:
    """Whether ``printed`` (an account number, an IBAN, a masked number, or "") can be ``account``.

    An account whose number we do not know, and a statement that prints none, are taken at their word.
    """
    ours = _SIGNS.sub("", account.number.upper())
    theirs = _SIGNS.sub("", printed.upper().rpartition("/")[2])
    if not ours or not theirs:
        return True
    visible = (re.split(r"[X*]+", theirs)[-1] if re.search(r"[X*]{2}", theirs) else theirs).lstrip("0")
    shorter, longer = sorted((visible, ours.lstrip("0")), key=len)
    return len(shorter) >= _VISIBLE_MIN and longer.endswith(shorter)

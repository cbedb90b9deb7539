"""The books: they balance, and they say what the gateway says."""

from checks.demo.narrative import Step, prove
from checks.demo.stage import Stage
from runtime.ledger.model import TrialBalance
from runtime.platform.money import rupees

DEAD_LETTERS = (
    "hasivu-sandbox-webhooks-dlq",
    "hasivu-sandbox-notifications-dlq",
    "hasivu-sandbox-outbox-dlq",
    "hasivu-sandbox-payment-analytics-dlq",
    "hasivu-sandbox-payment-splits-dlq",
    "payment-dlq-sandbox",
)


def close(stage: Stage, step: Step) -> TrialBalance:
    """Strike the balance and compare it with what was paid."""
    books = stage.records.books()
    prove(f"debits equal credits ({books.debits_paise} and {books.credits_paise})", books.balances)
    for account, balance_paise in sorted(books.balances_paise.items()):
        stage.say(f"{rupees(balance_paise):>14}  {account}")
    owed = -sum(paise for name, paise in books.balances_paise.items() if name.startswith("school_payable:"))
    suspense = -sum(paise for name, paise in books.balances_paise.items() if name.startswith("suspense:"))
    kept_paise = stage.captured_paise - stage.refunded_paise - stage.shared_paise
    prove(f"at least what was paid now and not given back is owed to schools ({owed})", owed >= kept_paise)
    prove(f"nothing is unexplained ({suspense})", suspense == 0)
    dead = {queue: stage.records.messages_in(queue) for queue in DEAD_LETTERS}
    prove(f"no message is dead ({dead})", not any(dead.values()))
    stage.say(
        f"{books.entries} entries: {rupees(books.debits_paise)} debit, {rupees(books.credits_paise)} credit. "
        "They balance, nothing is unexplained, and no message is dead."
    )
    step.evidence |= {
        "entries": books.entries,
        "debits_paise": books.debits_paise,
        "credits_paise": books.credits_paise,
        "captured_now_paise": stage.captured_paise,
        "refunded_now_paise": stage.refunded_paise,
    }
    return books

"""The standard questions about the history of payments, in Athena's SQL: a file each in ``stacks/questions``.

Every question is asked of ``history``: the Parquet and, of what arrived since, the lines; each event once,
whichever has it. A file's leading comment says what is asked and which parameters a question takes.
"""

from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).with_name("questions")
_HISTORY = "history.sql"

TEXTS = (
    *("event_id", "occurred_at", "news", "payment_id", "school_id", "currency", "gateway_payment_id"),
    *("method", "network", "issuer", "bank", "error_reason", "created_at", "captured_at"),
    *("refund_id", "dispute_id", "settlement_id", "captured_on", "settled_on"),
)
NUMBERS = ("version", "amount_paise", "base_amount_paise", "fee_paise", "tax_paise", "net_paise")
FLAGS = ("failed_before", "first_heard")
COLUMNS = {
    name: kind
    for kind, names in {"string": TEXTS, "bigint": NUMBERS, "boolean": FLAGS}.items()
    for name in names
}
"""The columns of the history, with their types in the catalogue."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question: its ``name`` (``success-by-method``), what it ``description`` says, its ``sql``."""

    name: str
    description: str
    sql: str


def questions() -> tuple[Question, ...]:
    """All of them, by their names."""
    history = (_FOLDER / _HISTORY).read_text()
    history = history.format(
        columns=", ".join(COLUMNS), recent_columns=", ".join(f"recent.{name}" for name in COLUMNS)
    )
    files = sorted(path for path in _FOLDER.glob("*.sql") if path.name != _HISTORY)
    return tuple(_question(path, history) for path in files)


def _question(path: Path, history: str) -> Question:
    lines = path.read_text().splitlines()
    comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    body = [line for line in lines if not line.startswith("--")]
    return Question(
        name=path.stem.replace("_", "-"),
        description=" ".join(comment),
        sql="WITH " + history + "\n".join(body) + "\n",
    )

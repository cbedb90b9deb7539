"""RULES.md: the house rules as a table, generated from their code."""

from __future__ import annotations

import inspect
from itertools import groupby
from pathlib import Path

from checks.rules.catalogue import rules
from checks.rules.packs import PACKS, RETIRED
from checks.rules.rule import EVERYWHERE, Rule

DOCUMENT = Path(__file__).parent / "RULES.md"
_ORDER = ("sandbox", "dev", "staging", "prod")

_INTRODUCTION = """\
# House rules

Generated from the code by `python -m checks.rules.rules_document`; a test holds it against the code.

A rule is a function over the synthesised templates of one environment. It runs beside cdk-nag's packs in
`hasivu gate --env ENV`, and its findings are acknowledged like theirs, as
`HASIVU-House-Rules::HASIVU-XXX-n`, at the construct (`stacks/constructs/acknowledge.py`). A rule's id never
changes and is never used again.

"""


def document() -> str:
    """The whole of RULES.md."""
    every = rules()
    parts = [_INTRODUCTION, f"Packs that run: {', '.join(PACKS)}.\n"]
    parts += [f"{text}\n" for text in RETIRED.values()]
    parts.append(f"\n{len(every)} rules.\n")
    for module, group in groupby(sorted(every, key=_place), key=lambda rule: rule.check.__module__):
        found = inspect.getmodule(next(iter(rule.check for rule in every if rule.check.__module__ == module)))
        purpose = (inspect.getdoc(found) or "").splitlines()[0]
        parts.append(f"\n## {module.rpartition('.')[2].title()}\n\n{purpose}\n\n")
        parts.append("| rule | what must be true | where | remedy | controls |\n|---|---|---|---|---|\n")
        parts += [_row(rule) for rule in group]
    return "".join(parts)


def _place(rule: Rule) -> tuple[str, str, int]:
    subject, _, number = rule.rule_id.rpartition("-")
    return rule.check.__module__, subject, int(number)


def _row(rule: Rule) -> str:
    where = (
        "everywhere"
        if rule.environments == EVERYWHERE
        else ", ".join(name for name in _ORDER if name in rule.environments)
    )
    cells = (rule.rule_id, rule.title, where, rule.remedy, ", ".join(rule.controls))
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")

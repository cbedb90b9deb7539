"""RULES.md is what the code says."""

import re

from checks.rules.catalogue import rules
from checks.rules.gate import REQUIRED_PACKS
from checks.rules.packs import PACKS
from checks.rules.rules_document import DOCUMENT, document


def test_the_document_is_not_stale() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), (
        "run `.venv/bin/python -m checks.rules.rules_document`"
    )


def test_every_rule_has_words_a_remedy_and_a_control() -> None:
    for rule in rules():
        assert rule.title, rule.rule_id
        assert rule.remedy.endswith("."), rule.rule_id
        assert rule.controls, rule.rule_id


def test_controls_are_named_as_their_frameworks_name_them() -> None:
    known = re.compile(
        r"PCI DSS [\d.]+(\([\d.-]+\))?([/-][\d.]+|/\.\d)*"
        r"|GDPR \d+(-\d+)?(\(\d\))?(\([a-z]\))?|SOX [A-Za-z]+-\d"
        r"|RBI 2018-04-06|CERT-In 2022"
    )
    unknown = {control for rule in rules() for control in rule.controls if not known.fullmatch(control)}

    assert unknown == set()


def test_the_gate_asks_for_every_pack_that_is_applied() -> None:
    assert set(PACKS) < set(REQUIRED_PACKS)

"""CloudWatch's filter patterns are read as CloudWatch reads them."""

from typing import Any

import pytest

from checks.rules.log_patterns import matcher

LINE = {
    "name": "StopLogging",
    "status": 429,
    "enabled": False,
    "gone": None,
    "who": {"type": "Root", "names": ["a"]},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.name = "StopLogging" }', True),
        ('{ $.name = "Stop*" }', True),
        ('{ $.name = "stoplogging" }', False),
        ('{ $.name = "*" }', True),
        ('{ $.name != "StopLogging" }', False),
        ('{ $.name != "StartLogging" }', True),
        ("{ $.name = StopLogging }", True),
        ('{ $.who.type = "Root" }', True),
        ('{ $.who.type.deeper = "Root" }', False),
        ('{ $.absent = "*" }', False),
        ('{ $.absent != "x" }', False),
        ("{ $.status = 429 }", True),
        ("{ $.status >= 429 }", True),
        ("{ $.status > 429 }", False),
        ("{ $.name > 1 }", False),
        ("{ $.enabled IS FALSE }", True),
        ("{ $.enabled IS TRUE }", False),
        ("{ $.absent IS FALSE }", False),
        ("{ $.gone IS NULL }", True),
        ("{ $.absent IS NULL }", False),
        ("{ $.who EXISTS }", True),
        ("{ $.absent NOT EXISTS }", True),
        ("{ $.who NOT EXISTS }", False),
        ('{ $.name = "x" || $.who.type = "Root" && $.status = 429 }', True),
        ('{ ($.name = "x" || $.who.type = "Root") && $.status = 500 }', False),
        ('{ ($.name = "x") || (($.status = 429) && ($.who EXISTS)) }', True),
    ],
)
def test_a_line_matches_what_is_asked_for(pattern: str, expected: bool) -> None:
    assert matcher(pattern)(LINE) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "ERROR",
        "{ }",
        "{ $.name }",
        '{ $.name = "x"',
        '{ $.name == "x" }',
        "{ $.name = 'x' }",
        '{ ($.name = "x" }',
        '{ $.name = "x" } more',
        '{ $.name = "x" && }',
        '{ name = "x" }',
        "{ $.name IS SOMETHING }",
        "{ $.status > many }",
    ],
)
def test_what_cloudwatch_would_refuse_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"expected|not a filter pattern|is no property|could not convert"):
        matcher(pattern)


def test_a_text_is_compared_as_it_stands() -> None:
    line: dict[str, Any] = {"name": "a[b]?"}

    assert matcher('{ $.name = "a[b]?" }')(line)
    assert not matcher('{ $.name = "a[bc]?" }')(line)

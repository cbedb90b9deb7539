"""What a rule of the web application firewall looks at.

What closes looks at the path made plain, so that no spelling of it gets round; what opens looks at the path
as it was sent, from its first character to its last, so that no spelling gets through with it.

WAF sees the stage in the path where the stage's own address is called (``/live/v1/payments``), and not where
the domain is (``/v1/payments``). Expressions have no capturing groups: WAF refuses them ("Supported regular
expression syntax in AWS WAF").
"""

from collections.abc import Sequence

from aws_cdk import aws_wafv2 as wafv2

from stacks.constructs.service_function import LIVE

Acl = wafv2.CfnWebACL
Statement = Acl.StatementProperty
Field = Acl.FieldToMatchProperty

PLAIN = ("URL_DECODE", "NORMALIZE_PATH", "LOWERCASE")
"""Percent signs, double slashes, dot segments and capitals gone, in this order."""

HEADERS_INSPECTED_BYTES = 8_192
"""All that WAF is shown of the headers; more is oversize."""


def path_as_sent(expression: str) -> Statement:
    """The whole path, below the stage or not, is one that ``expression`` describes."""
    return _regex(f"^(?:/{LIVE})?(?:{expression})$", Field(uri_path={}), ())


def plain_path(expression: str) -> Statement:
    """The path made plain has something in it that ``expression`` describes."""
    return _regex(expression, Field(uri_path={}), PLAIN)


def method(*names: str) -> Statement:
    """The method is one of ``names``."""
    return _regex(f"^(?:{'|'.join(names)})$", Field(method={}), ())


def header(name: str, expression: str) -> Statement:
    """The header ``name``, in lower case, has something in it that ``expression`` describes."""
    return _regex(expression, Field(single_header={"Name": name}), ("LOWERCASE",))


def sent_from(address_sets: Sequence[wafv2.CfnIPSet]) -> Statement:
    """The address is in one of the sets; an address set holds IPv4 or IPv6, never both."""
    return any_of(
        *(Statement(ip_set_reference_statement={"arn": address_set.attr_arn}) for address_set in address_sets)
    )


def within(countries: Sequence[str]) -> Statement:
    """The address belongs to one of ``countries`` (ISO 3166-1 alpha-2), as far as AWS knows."""
    return Statement(
        geo_match_statement=Acl.GeoMatchStatementProperty(country_codes=list(dict.fromkeys(countries)))
    )


def larger_body(size_bytes: int) -> Statement:
    """The body is larger than ``size_bytes``, or than what WAF is shown of it."""
    return _larger(Field(body=Acl.BodyProperty(oversize_handling="MATCH")), size_bytes)


def longer_path(size_bytes: int) -> Statement:
    """The path, as it was sent, is longer than ``size_bytes``."""
    return _larger(Field(uri_path={}), size_bytes)


def longer_query(size_bytes: int) -> Statement:
    """The query string, as it was sent, is longer than ``size_bytes``."""
    return _larger(Field(query_string={}), size_bytes)


def larger_headers() -> Statement:
    """The headers are more than WAF is shown of them: 8 KiB or 200 together."""
    whole = Acl.HeadersProperty(
        match_pattern=Acl.HeaderMatchPatternProperty(all={}), match_scope="ALL", oversize_handling="MATCH"
    )
    return _larger(Field(headers=whole), HEADERS_INSPECTED_BYTES)


def not_(statement: Statement) -> Statement:
    """It is not so."""
    return Statement(not_statement=Acl.NotStatementProperty(statement=statement))


def all_of(*statements: Statement) -> Statement:
    """All are so; WAF wants at least two."""
    if len(statements) == 1:
        return statements[0]
    return Statement(and_statement=Acl.AndStatementProperty(statements=list(statements)))


def any_of(*statements: Statement) -> Statement:
    """One is so; WAF wants at least two."""
    if len(statements) == 1:
        return statements[0]
    return Statement(or_statement=Acl.OrStatementProperty(statements=list(statements)))


def more_than(requests: int, *, window_s: int, only: Statement | None = None) -> Statement:
    """One address sends more than ``requests`` within ``window_s`` seconds, counting ``only`` those."""
    return Statement(
        rate_based_statement=Acl.RateBasedStatementProperty(
            limit=requests,
            aggregate_key_type="IP",
            evaluation_window_sec=window_s,
            scope_down_statement=only,
        )
    )


def managed(name: str, *, counted: Sequence[str] = (), only: Statement | None = None) -> Statement:
    """AWS's group ``name``, whose rules ``counted`` only count; it looks at ``only`` those requests."""
    return Statement(
        managed_rule_group_statement=Acl.ManagedRuleGroupStatementProperty(
            vendor_name="AWS",
            name=name,
            scope_down_statement=only,
            rule_action_overrides=[
                Acl.RuleActionOverrideProperty(name=rule, action_to_use=Acl.RuleActionProperty(count={}))
                for rule in counted
            ]
            or None,
        )
    )


def _larger(field: Field, size_bytes: int) -> Statement:
    return Statement(
        size_constraint_statement=Acl.SizeConstraintStatementProperty(
            field_to_match=field,
            comparison_operator="GT",
            size=size_bytes,
            text_transformations=_transformations(()),
        )
    )


def _regex(expression: str, field: Field, transformations: Sequence[str]) -> Statement:
    return Statement(
        regex_match_statement=Acl.RegexMatchStatementProperty(
            regex_string=expression,
            field_to_match=field,
            text_transformations=_transformations(transformations),
        )
    )


def _transformations(kinds: Sequence[str]) -> list[Acl.TextTransformationProperty]:
    return [
        Acl.TextTransformationProperty(priority=number, type=kind)
        for number, kind in enumerate(kinds or ("NONE",))
    ]

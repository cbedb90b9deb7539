"""Whether some rule names a weakness, asking first the rules that probably do and that are quickly asked."""

import time
from collections import Counter
from collections.abc import Iterator

from checks.rules.catalogue import findings, rules
from checks.rules.estate import Estate, Resource
from checks.rules.rule import Finding, Rule
from tests.checks.rules.planting import Templates

Place = tuple[str, str, str]


class _Watched(Estate):
    """An estate that remembers of which kinds it was asked."""

    asked: set[str]

    def of(self, *kinds: str) -> Iterator[Resource]:
        self.asked |= set(kinds)
        return super().of(*kinds)


class Namer:
    """Names what is new in weak templates of ``clean``."""

    def __init__(self, clean: Estate) -> None:
        self.clean = clean
        watched = _Watched(clean.templates, environment=clean.environment, account=clean.account)
        self._looks_at: dict[str, set[str]] = {}
        self._already: set[Place] = set()
        self._takes_s: dict[str, float] = {}
        self._named: Counter[tuple[str, str]] = Counter()
        for rule in rules():
            watched.asked = set()
            began = time.process_time()
            for _ in findings(rule, watched):
                pass  # a look suffices
            self._takes_s[rule.rule_id] = time.process_time() - began
            self._looks_at[rule.rule_id] = watched.asked
            self._already |= {place(finding) for finding in findings(rule, clean)}

    def first(self, weak: Templates, kind: str) -> Finding | None:
        """What the first rule says that names something new; None if none does."""
        estate = self.clean.with_templates(weak)
        for rule in self._ordered(kind):
            for finding in findings(rule, estate):
                if place(finding) not in self._already:
                    self._named[kind, rule.rule_id] += 1
                    return finding
        return None

    def _ordered(self, kind: str) -> list[Rule]:
        def late(rule: Rule) -> tuple[bool, float]:
            named = 1 + self._named[kind, rule.rule_id]
            return kind not in self._looks_at[rule.rule_id], self._takes_s[rule.rule_id] / named

        return sorted(rules(), key=late)


def place(finding: Finding) -> Place:
    return finding.rule_id, finding.logical_id, finding.path

"""Approved templates: a name, a language, a body with numbered placeholders."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.notifications.messages import LANGUAGE, TEMPLATES

BODY_LENGTH_MAX = 1024
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PLACEHOLDER = re.compile(r"\{\{(\d{1,2})\}\}")


@dataclass(frozen=True)
class Template:
    """What Meta approved. Placeholders are `{{1}}`, `{{2}}` and so on, without a gap."""

    name: str
    language: str
    body: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not _LANGUAGE.fullmatch(self.language):
            raise ValueError("a template has a name of a-z, 0-9 and _, and a language like en or en_US")
        if not 1 <= len(self.body) <= BODY_LENGTH_MAX:
            raise ValueError(f"a template's body has 1 to {BODY_LENGTH_MAX} characters")
        numbers = {int(number) for number in _PLACEHOLDER.findall(self.body)}
        if numbers != set(range(1, len(numbers) + 1)):
            raise ValueError("placeholders are numbered from {{1}} without a gap")

    @property
    def parameter_count(self) -> int:
        return len(set(_PLACEHOLDER.findall(self.body)))

    def filled(self, texts: Sequence[str]) -> str:
        """The body as the person reads it. What looks like a placeholder inside a text stays a text."""
        return _PLACEHOLDER.sub(lambda found: texts[int(found.group(1)) - 1], self.body)


def platform_templates() -> tuple[Template, ...]:
    """The templates that the platform submits for approval."""
    return tuple(Template(template.name, LANGUAGE, template.body) for template in TEMPLATES.values())

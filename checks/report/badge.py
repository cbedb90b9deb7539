"""A badge: environment, verdict and score, as an SVG of its own."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from checks.checklist.model import Results
from checks.escaping import xml_text
from checks.report import wording

_GREEN, _RED, _GREY = "#1a7f37", "#b42318", "#3d444d"
_CHARACTER, _PADDING, _HEIGHT = 7, 10, 20
_NAME_MAX = 24


def badge(results: Results) -> str:
    """``go-live prod | NO-GO 118/171``, with the words for who cannot see it."""
    satisfied, applying = results.score
    left = f"go-live {xml_text(results.environment)[:_NAME_MAX]}"
    right = f"{wording.verdict(results.go)} {satisfied}/{applying}"
    first, second = (len(text) * _CHARACTER + 2 * _PADDING for text in (left, right))
    colour = _GREEN if results.go else _RED
    label = f"{left}: {right} items satisfied"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="{_HEIGHT}" role="img" '
        f"aria-label={quoteattr(label)}><title>{escape(label)}</title>"
        f'<clipPath id="r"><rect width="{first + second}" height="{_HEIGHT}" rx="4"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{first}" height="{_HEIGHT}" fill="{_GREY}"/>'
        f'<rect x="{first}" width="{second}" height="{_HEIGHT}" fill="{colour}"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{first // 2}" y="14">{escape(left)}</text>'
        f'<text x="{first + second // 2}" y="14" font-weight="bold">{escape(right)}</text></g></svg>\n'
    )

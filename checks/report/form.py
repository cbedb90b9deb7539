"""The forms that a report has."""

from enum import StrEnum


class Form(StrEnum):
    """What can be written."""

    HTML = "html"
    PDF = "pdf"
    MARKDOWN = "markdown"
    CSV = "csv"
    JUNIT = "junit"
    SARIF = "sarif"
    OCSF = "ocsf"
    OSCAL = "oscal"
    BADGE = "badge"

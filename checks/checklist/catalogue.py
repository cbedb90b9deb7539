"""What is asked: the checklist's items, the frameworks' controls, and the records that people keep.

All of it is data below this package; a framework is added by adding a file to ``frameworks``. What the data
says wrongly is found when it is read, all of it at once.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from checks.checklist import references
from checks.checklist.applicability import ENVIRONMENTS, REASONS
from checks.checklist.model import Frozen, Level
from checks.checklist.references import FRAMEWORK, Reference
from checks.errors import ExitCode, HasivuError
from checks.probes.table import PROBES
from checks.rules.catalogue import rules as house_rules
from runtime.platform.settings import SETTINGS_BY_FUNCTION

HERE: Final = Path(__file__).resolve().parent
ITEM_ID: Final = re.compile(r"HC-\d{3}")

ROLES: Final = (
    "Development Team Lead",
    "DevOps Engineer",
    "Security Officer",
    "Quality Assurance",
    "Product Owner",
    "Business Analyst",
    "Operations Manager",
    "Project Manager",
    "Technical Director",
)
"""Who signs the checklist off; every item is one of theirs."""


class Proven(Frozen):
    """What something is proved by, level by level."""

    T: tuple[str, ...] = ()
    L: tuple[str, ...] = ()
    R: tuple[str, ...] = ()
    P: tuple[str, ...] = ()

    def written(self, level: Level) -> tuple[str, ...]:
        """The references that the data writes down at ``level``."""
        found: tuple[str, ...] = getattr(self, level.value)
        return found


class Item(Proven):
    """One item of the checklist: ``needs`` maps an environment to the levels that it asks for (``TL``),
    ``blocks`` are the environments that do not go live without it, ``not_where`` maps an environment to the
    predicate that may take the item out there."""

    id: str
    section: tuple[str, ...] = Field(min_length=1)
    text: str
    owner: str
    needs: dict[str, str]
    blocks: tuple[str, ...] = ENVIRONMENTS
    not_where: dict[str, str] = Field(default={})
    intent: str = ""

    @property
    def number(self) -> int:
        """Its place in the checklist, from 1."""
        return int(self.id.removeprefix("HC-"))

    def required(self, environment: str) -> tuple[Level, ...]:
        """The levels that ``environment`` asks for."""
        return tuple(level for level in Level if level.value in self.needs[environment])


class Control(Proven):
    """One control of a framework. House rules and probes that name it, by its id or by one of ``named``,
    prove it. ``people`` are the levels that no machine proves here, with the reason: a person's record has to
    stand for them.
    """

    id: str
    meaning: str
    levels: str = Field(pattern=r"^[TLRP]+$")
    named: tuple[str, ...] = ()
    people: dict[str, str] = Field(default={})

    @property
    def required(self) -> tuple[Level, ...]:
        """The levels that the control asks for, with a person's in the place of those in ``people``."""
        asked = (set(self.levels) - set(self.people)) | ({Level.PERSON.value} if self.people else set())
        return tuple(level for level in Level if level.value in asked)

    @property
    def said(self) -> str:
        """Why people answer for what no machine proves here, in sentences; empty where none does."""
        return " ".join(dict.fromkeys(self.people.values()))


class Framework(Frozen):
    """A framework: ``slug`` in references, ``prefix`` in the rules' ``controls``, ``name`` in reports."""

    slug: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str
    prefix: str
    source: str
    control: tuple[Control, ...] = Field(min_length=1)


class RecordKind(Frozen):
    """A record that a person keeps: what it must state, who may, and for how long at most it counts.

    ``least`` maps each figure that must be told to the least that satisfies, in whole numbers. ``signed``: a
    role's signature over the report (``hasivu signoff``), and no file or waiver stands for that.
    """

    title: str
    asks: str
    roles: tuple[str, ...] = Field(min_length=1)
    valid_days: int = Field(ge=1, le=731)
    files_min: int = Field(default=0, ge=0)
    least: dict[str, int] = Field(default={})
    signed: bool = False


@dataclass(frozen=True)
class Catalogue:
    """Everything that is asked."""

    items: tuple[Item, ...]
    frameworks: tuple[Framework, ...]
    records: Mapping[str, RecordKind]

    def references(self, subject: Item | Control, level: Level) -> tuple[Reference, ...]:
        """What proves ``subject`` at ``level``: references of whole subjects and frameworks spelt out."""
        found = [
            spelt for text in subject.written(level) for spelt in self._spelt_out(references.parse(text))
        ]
        if isinstance(subject, Control):
            found += self._naming.get((id(subject), level), ())
        return tuple(dict.fromkeys(found))

    def _spelt_out(self, reference: Reference) -> Iterator[Reference]:
        if reference.kind == "rules":
            for rule in house_rules():
                if rule.rule_id.rpartition("-")[0] == reference.name:
                    yield Reference("rule", rule.rule_id)
        else:
            yield reference

    @cached_property
    def _naming(self) -> dict[tuple[int, Level], list[Reference]]:
        """The rules and probes that name a control, by the control's identity and their level."""
        known = {
            f"{framework.prefix} {name}": control
            for framework in self.frameworks
            for control in framework.control
            for name in (control.id, *control.named)
        }
        proving = [(Reference("rule", rule.rule_id), rule.controls) for rule in house_rules()]
        proving += [(Reference("probe", probe.name), probe.controls) for probe in PROBES]
        found: dict[tuple[int, Level], list[Reference]] = {}
        for reference, controls in proving:
            for name in controls:
                if name in known:
                    place = (id(known[name]), references.level_of(reference))
                    found.setdefault(place, []).append(reference)
        return found

    def framework(self, slug: str) -> Framework:
        """The framework of that slug."""
        return next(each for each in self.frameworks if each.slug == slug)


def load(folder: Path = HERE, *, frameworks: Iterable[Path] = ()) -> Catalogue:
    """The catalogue in ``folder``, with the files ``frameworks`` beside its own.

    Error: ``CATALOGUE_INVALID``, with everything that is wrong with it.
    """
    problems: list[str] = []
    items = tuple(
        item
        for path in sorted((folder / "items").glob("*.toml"))
        for item in _read(path, "item", Item, problems)
    )
    found = tuple(
        framework
        for path in (*sorted((folder / "frameworks").glob("*.toml")), *frameworks)
        for framework in _one(path, Framework, problems)
    )
    records = _records(folder / "records.toml", problems)
    catalogue = Catalogue(items, found, records)
    if not problems:
        problems += _problems(catalogue)
    if problems:
        raise HasivuError(
            "CATALOGUE_INVALID",
            f"The checklist's data has {len(problems)} mistakes." if problems[1:] else problems[0],
            detail="\n".join(problems),
            next_step="correct it below checks/checklist; docs/guides/checklist.md says how it is written",
            exit_code=ExitCode.USAGE,
        )
    return catalogue


def _document(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path.name} cannot be read: {error}")
        return {}


def _read(path: Path, key: str, model: type[Item], problems: list[str]) -> Iterator[Item]:
    document = _document(path, problems)
    entries = document.get(key, [])
    if not isinstance(entries, list):
        problems.append(f"{path.name}: {key} is no list")
        return
    for number, entry in enumerate(entries, 1):
        try:
            yield model.model_validate(entry)
        except ValidationError as error:
            problems.append(f"{path.name}, {key} {number}: {_said(error)}")


def _one(path: Path, model: type[Framework], problems: list[str]) -> Iterator[Framework]:
    document = _document(path, problems)
    if document:
        try:
            yield model.model_validate(document)
        except ValidationError as error:
            problems.append(f"{path.name}: {_said(error)}")


def _records(path: Path, problems: list[str]) -> dict[str, RecordKind]:
    found = {}
    for name, entry in _document(path, problems).items():
        try:
            found[name] = RecordKind.model_validate(entry)
        except ValidationError as error:
            problems.append(f"{path.name}, {name}: {_said(error)}")
    return found


def _said(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
    )


def _problems(catalogue: Catalogue) -> Iterator[str]:
    yield from _wrong_ids(catalogue.items)
    for item in catalogue.items:
        for problem in (*_wrong_fields(item), *_wrong_references(catalogue, item, required=True)):
            yield f"{item.id}: {problem}"
    for slug, times in Counter(each.slug for each in catalogue.frameworks).items():
        if times > 1:
            yield f"the framework {slug} is there {times} times"
    for framework in catalogue.frameworks:
        for name, times in Counter(each.id for each in framework.control).items():
            if times > 1:
                yield f"{framework.slug} {name}: the id is there {times} times"
        for control in framework.control:
            for problem in (
                *_wrong_references(catalogue, control, required=False),
                *_wrong_levels(catalogue, control),
            ):
                yield f"{framework.slug} {control.id}: {problem}"
    for name, kind in catalogue.records.items():
        for role in kind.roles:
            if role not in ROLES:
                yield f"record {name}: {role!r} is none of the nine roles"


def _wrong_ids(items: tuple[Item, ...]) -> Iterator[str]:
    for name, times in Counter(item.id for item in items).items():
        if times > 1:
            yield f"{name} is there {times} times: an id is never used again"
        if not ITEM_ID.fullmatch(name):
            yield f"{name!r} is no id of an item (HC-001)"
    expected = [f"HC-{number:03}" for number in range(1, len(items) + 1)]
    if not items or sorted(item.id for item in items) != expected:
        yield "the items are not numbered from HC-001 without a gap"


def _wrong_fields(item: Item) -> Iterator[str]:
    if item.owner not in ROLES:
        yield f"its owner {item.owner!r} is none of the nine roles"
    if set(item.needs) != set(ENVIRONMENTS):
        yield f"it must say what each of {', '.join(ENVIRONMENTS)} needs"
    for environment, letters in item.needs.items():
        if not letters or not set(letters) <= {level.value for level in Level}:
            yield f"{environment} needs {letters!r}, which are no levels (T, L, R, P)"
    for environment in {*item.blocks, *item.not_where} - set(ENVIRONMENTS):
        yield f"{environment!r} is no environment"
    for predicate in item.not_where.values():
        if predicate not in REASONS:
            yield f"{predicate!r} is no predicate ({', '.join(REASONS)})"


def _wrong_references(catalogue: Catalogue, subject: Item | Control, *, required: bool) -> Iterator[str]:
    for level in Level:
        asked = isinstance(subject, Item) and any(level.value in each for each in subject.needs.values())
        if required and asked and not subject.written(level):
            yield f"an environment needs level {level.value}, and nothing is named that proves it"
        for text in subject.written(level):
            try:
                reference = references.parse(text)
            except ValueError as error:
                yield str(error)
                continue
            if references.level_of(reference) is not level:
                yield f"{text!r} is no proof of level {level.value}"
            elif not _is_known(catalogue, reference):
                yield f"{text!r} names nothing that is known"


def _wrong_levels(catalogue: Catalogue, control: Control) -> Iterator[str]:
    """Every level of a control has a proof, or says that it is a person's."""
    for letter, why in control.people.items():
        if letter not in control.levels or letter == Level.PERSON.value or not why:
            yield f"level {letter} is none that people could answer for, with a reason"
    for level in control.required:
        try:
            proofs = catalogue.references(control, level)
        except ValueError:
            continue  # told already
        if not proofs:
            yield f"nothing is named that proves level {level.value}, nor is it said to be a person's"
    for letter in set(control.people) & {level.value for level in Level}:
        if catalogue.references(control, Level(letter)):
            yield f"level {letter} is said to be a person's, and has a proof"


def _is_known(catalogue: Catalogue, reference: Reference) -> bool:
    """Whether what is named exists. Demonstrations and tests are looked for when they are judged: one that is
    missing is not evaluated."""
    rule_ids = {rule.rule_id for rule in house_rules()}
    match reference.kind:
        case "rule":
            return reference.name in rule_ids
        case "rules":
            return any(rule_id.rpartition("-")[0] == reference.name for rule_id in rule_ids)
        case "probe":
            return any(reference.name == probe.name for probe in PROBES)
        case "function":
            return reference.name in SETTINGS_BY_FUNCTION
        case "record":
            return reference.name in catalogue.records
    if reference.kind == FRAMEWORK:
        return any(each.slug == reference.name[:-2] for each in catalogue.frameworks)
    return True

"""When the decisions of the roles hold, and each way in which they do not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.checklist.model import Results
from checks.release.approval import CLOCKS_DIFFER, RoleState, RoleVerdict
from checks.release.documents import write
from checks.release.roles import PATH, Policy, policy
from checks.release.signoff import Decision
from tests.checks.release.world import (
    NOW,
    REPORTED,
    ROLES,
    SIGNER_OF,
    B,
    Case,
    MadeUpSigner,
    conditions,
    decision,
    item,
    keep,
    person_of,
    results,
)

WHO = "security-officer"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(folder=tmp_path)


def of(case: Case, role: str = WHO, **asked: Any) -> RoleVerdict:
    approval = case.decide(**asked)
    verdict = approval.of(role)
    assert verdict is not None
    assert approval.holds == (all(each.state is RoleState.APPROVED for each in approval.roles))
    return verdict


def void(case: Case, why: str, **asked: Any) -> None:
    verdict = of(case, **asked)
    assert verdict.state is RoleState.VOID
    assert any(why in reason for reason in verdict.reasons), verdict.reasons


def test_all_nine_of_the_checklist_approve_in_prod(case: Case) -> None:
    case.approve(*ROLES)
    approval = case.decide()
    assert approval.holds
    assert len(approval.roles) == 9


def test_prod_asks_every_role_of_the_checklist() -> None:
    assert set(policy().of("prod").required) == set(ROLES)
    assert len(ROLES) == 9


def test_an_environment_that_nobody_wrote_down_asks_for_everything() -> None:
    assert set(policy().of("prod-2").required) == set(ROLES)


def test_a_policy_that_asks_for_a_role_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="chief"):
        Policy.model_validate(
            {
                "max_age_hours": 72,
                "drill_max_age_days": 90,
                "roles": {},
                "environments": {"prod": {"required": ["chief"], "drill_required": True}},
            }
        )
    assert "72" in PATH.read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_be_missing(case: Case, role: str) -> None:
    case.approve_all_but(role)
    assert of(case, role).state is RoleState.MISSING
    assert not case.decide().holds


def test_a_rejection_wins(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO, decision=Decision.REJECT))
    assert of(case).state is RoleState.REJECTED
    assert not case.decide().holds


def test_a_rejection_does_not_grow_old(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO, decision=Decision.REJECT))
    assert of(case, now=NOW + timedelta(days=30)).state is RoleState.REJECTED


def test_a_rejection_by_a_role_that_is_not_asked_wins_too(tmp_path: Path) -> None:
    case = Case(folder=tmp_path, found=results(environment="staging"))
    case.approve("development-team-lead", "quality-assurance")
    assert case.decide().holds
    keep(case.folder, decision(case.found, WHO, decision=Decision.REJECT))
    assert not case.decide().holds


def test_whoever_rejected_may_think_again(case: Case) -> None:
    case.approve_all_but(WHO)
    first = decision(case.found, WHO, decision=Decision.REJECT)
    keep(case.folder, first)
    keep(case.folder, decision(case.found, WHO, before=first))
    assert of(case).state is RoleState.APPROVED


def test_an_approval_does_not_hide_that_its_first_was_taken_away(case: Case) -> None:
    case.approve_all_but(WHO)
    first = decision(case.found, WHO, decision=Decision.REJECT)
    keep(case.folder, decision(case.found, WHO, before=first))
    void(case, "does not follow")


def test_open_conditions_are_no_approval_until_they_are_closed(case: Case) -> None:
    case.approve_all_but(WHO)
    first = decision(
        case.found, WHO, decision=Decision.CONDITIONS, conditions=conditions("rotate the key", "tell support")
    )
    keep(case.folder, first)
    assert of(case).state is RoleState.CONDITIONS_OPEN
    assert of(case).reasons == ("rotate the key", "tell support")
    closed = conditions("rotate the key", "tell support", closed_by="OPS-2")
    again = decision(case.found, WHO, decision=Decision.CONDITIONS, conditions=closed, before=first)
    keep(case.folder, again)
    assert of(case).state is RoleState.APPROVED


@pytest.mark.parametrize("part", ["assembly_sha256", "waivers_sha256", "catalogue_sha256"])
def test_a_change_of_what_was_decided_on_makes_it_void(case: Case, part: str) -> None:
    case.approve(*ROLES)
    changed = results(**{part: B})
    words = {"assembly_sha256": "assembly", "waivers_sha256": "waivers", "catalogue_sha256": "catalogue"}
    void(case, f"the {words[part]}", about=changed)
    assert not case.decide(about=changed).holds


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (results(items=(item("other"),)), "the report is not"),
        (results(commit="d" * 40), "the commit is not"),
        (results(environment="staging"), "the environment is not"),
        (results(audit_checkpoint="42:def"), "checkpoint is not"),
    ],
)
def test_so_does_any_other_part_of_the_report(case: Case, changed: Results, why: str) -> None:
    case.approve(*ROLES)
    role = "quality-assurance"
    verdict = case.decide(about=changed).of(role)
    assert verdict is not None
    assert verdict.state is RoleState.VOID
    assert any(why in reason for reason in verdict.reasons)


def test_nobody_decides_before_the_report(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO, at=REPORTED - timedelta(seconds=1)))
    void(case, "before the report")


def test_nobody_decides_in_the_future(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO, at=NOW + CLOCKS_DIFFER))
    assert of(case).state is RoleState.APPROVED
    void(case, "in the future", now=NOW - timedelta(seconds=1))


def test_a_decision_counts_for_72_hours_to_the_second(case: Case) -> None:
    case.approve(*ROLES)
    end = REPORTED + timedelta(hours=1 + 72)
    assert of(case, now=end).state is RoleState.APPROVED
    void(case, "older than 72 hours", now=end + timedelta(seconds=1))


def test_it_counts_no_longer_than_it_says_itself(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO, valid_for=timedelta(hours=2)))
    void(case, "it ended", now=REPORTED + timedelta(hours=3, seconds=1))


def test_it_counts_no_longer_than_72_hours_whatever_it_says(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO, valid_for=timedelta(days=365)))
    void(case, "older than 72 hours", now=REPORTED + timedelta(hours=74))


@pytest.mark.parametrize("address", [person_of(WHO), f"{WHO}-2@hasivu.example"])
def test_nobody_approves_what_they_wrote(tmp_path: Path, address: str) -> None:
    case = Case(folder=tmp_path, authors=frozenset({address}))
    case.approve(*ROLES)
    void(case, "wrote a part of it")


@pytest.mark.parametrize("address", [person_of(WHO), f"{WHO}-2@HASIVU.example"])
def test_nobody_approves_what_they_deploy(tmp_path: Path, address: str) -> None:
    case = Case(folder=tmp_path, deployer=address)
    case.approve(*ROLES)
    void(case, "deploys it")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"deployer": "author@hasivu.example"}, "deploys what they wrote"),
        ({"authors": frozenset()}, "who wrote"),
        ({"deployer": ""}, "who deploys"),
        ({"found": results(commit="c" * 40 + "+changes")}, "in no commit"),
    ],
)
def test_who_writes_and_who_deploys_are_known_and_two(
    tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    case = Case(folder=tmp_path, **changed)
    case.approve(*ROLES)
    approval = case.decide()
    assert all(role.state is RoleState.APPROVED for role in approval.roles)
    assert not approval.holds
    assert why in approval.faults[0]


def _two_roles(case: Case, second: str, monkeypatch: pytest.MonkeyPatch, person: str, key: str) -> None:
    """Let the signer of WHO be allowed to speak as another role as well."""
    from checks.release.allowed_signers import AllowedSigners  # noqa: PLC0415
    from tests.checks.release import world  # noqa: PLC0415

    line = MadeUpSigner(key).public_key().line
    extra = f'{person},{second} namespaces="hasivu-signoff" {line}'
    monkeypatch.setattr(world, "SIGNERS", AllowedSigners.parse(f"{world.SIGNERS_TEXT}\n{extra}\n"))
    keep(case.folder, decision(case.found, second, person=person), MadeUpSigner(key))


def test_one_key_for_two_roles_counts_for_neither(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.approve_all_but("project-manager")
    _two_roles(case, "project-manager", monkeypatch, person_of(WHO), WHO)
    void(case, "signs for 2 roles")
    void(case, "signs for 2 roles", role="project-manager")


def test_one_person_with_two_keys_counts_for_neither(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.approve_all_but("project-manager")
    _two_roles(case, "project-manager", monkeypatch, person_of(WHO), "a second key")
    void(case, "signs for 2 roles")


def test_a_key_that_has_ended_since_approves_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever still has it could date a decision back."""
    from checks.release.allowed_signers import AllowedSigners  # noqa: PLC0415
    from tests.checks.release import world  # noqa: PLC0415

    end = f'{{}},valid-before="{NOW - timedelta(hours=1):%Y%m%d%H%M}Z"'
    lines = [
        line.replace('namespaces="hasivu-signoff"', end.format('namespaces="hasivu-signoff"'))
        if f",{WHO} " in line
        else line
        for line in world.SIGNERS_TEXT.splitlines()
    ]
    monkeypatch.setattr(world, "SIGNERS", AllowedSigners.parse("\n".join(lines)))
    case.approve(*ROLES)
    void(case, "the key counts no more")


def test_an_unknown_role_is_shown_and_ignored(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.approve(*ROLES)
    _two_roles(case, "chief-cook", monkeypatch, "cook@hasivu.example", "cook")
    approval = case.decide()
    assert approval.holds
    verdict = approval.of("chief-cook")
    assert verdict is not None
    assert verdict.state is RoleState.IGNORED


def test_a_rejection_is_not_taken_back_by_somebody_else(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from checks.release.allowed_signers import AllowedSigners  # noqa: PLC0415
    from tests.checks.release import world  # noqa: PLC0415

    deputy = MadeUpSigner("deputy")
    line = f'deputy@hasivu.example,{WHO} namespaces="hasivu-signoff" {deputy.public_key().line}'
    monkeypatch.setattr(world, "SIGNERS", AllowedSigners.parse(f"{world.SIGNERS_TEXT}\n{line}\n"))
    case.approve_all_but(WHO)
    first = decision(case.found, WHO, decision=Decision.REJECT)
    keep(case.folder, first)
    keep(case.folder, decision(case.found, WHO, before=first, person="deputy@hasivu.example"), deputy)
    assert of(case).state is RoleState.REJECTED


def test_a_key_that_is_allowed_for_another_role_is_refused(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO), SIGNER_OF["project-manager"])
    void(case, "refused")
    assert case.decide().refused[0].code == "not-allowed"


def test_whoever_names_somebody_else_is_refused(case: Case) -> None:
    case.approve_all_but(WHO)
    keep(case.folder, decision(case.found, WHO, person="somebody@hasivu.example"))
    void(case, "refused")


BAD_FILES = {
    "not JSON": (b"{", "malformed"),
    "not an object": (b"[]", "malformed"),
    "deep": (b'{"a":' * 40_000, "malformed"),
    "unknown schema": (b'{"schema":"hasivu.signoff/2"}', "unknown-schema"),
    "a field too few": (b'{"schema":"hasivu.signoff/1"}', "malformed"),
    "huge": (b" " * 300_000, "too-large"),
    "empty": (b"", "malformed"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_and_spoils_its_role(case: Case, name: str) -> None:
    case.approve(*ROLES)
    content, code = BAD_FILES[name]
    write(case.folder / "signoffs" / f"{WHO}.1.json", content)
    void(case, "refused")
    assert [each.code for each in case.decide().refused] == [code]


def test_spaces_in_a_decision_are_an_alteration(case: Case) -> None:
    case.approve(*ROLES)
    path = case.folder / "signoffs" / f"{WHO}.1.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert [each.code for each in case.decide().refused] == ["not-canonical"]


def test_a_link_among_the_decisions_is_followed_nowhere(case: Case, tmp_path: Path) -> None:
    case.approve(*ROLES)
    path = case.folder / "signoffs" / f"{WHO}.1.json"
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere.json"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert [each.code for each in case.decide().refused] == ["symlink"]
    assert not case.decide().holds


def test_a_decision_without_its_signature_is_none(case: Case) -> None:
    case.approve(*ROLES)
    (case.folder / "signoffs" / f"{WHO}.1.json.sig").unlink()
    assert [each.code for each in case.decide().refused] == ["missing"]


def test_another_roles_decision_under_this_name_is_refused(case: Case) -> None:
    case.approve_all_but(WHO)
    for end in ("", ".sig"):
        source = case.folder / "signoffs" / f"project-manager.1.json{end}"
        (case.folder / "signoffs" / f"{WHO}.1.json{end}").write_bytes(source.read_bytes())
    void(case, "refused")


def test_what_is_no_decision_is_named(case: Case) -> None:
    case.approve(*ROLES)
    write(case.folder / "signoffs" / "notes.txt", b"hello")
    assert [each.code for each in case.decide().refused] == ["unexpected"]


def test_too_many_files_are_not_read(case: Case) -> None:
    folder = case.folder / "signoffs"
    folder.mkdir()
    for number in range(401):
        (folder / f"x{number}").touch()
    assert [each.code for each in case.decide().refused] == ["too-large"]


@pytest.mark.parametrize(
    "changed",
    [
        {"conditions": conditions("a condition without the decision for it")},
        {"decision": Decision.CONDITIONS},
        {"valid_for": timedelta(0)},
        {"number": 2},
        {"supersedes": B},
    ],
)
def test_a_decision_that_contradicts_itself_cannot_be_made(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        decision(results(), WHO, **changed)


@given(st.sets(st.sampled_from(ROLES)), st.integers(-100, 100))
def test_prod_goes_only_with_everybody_and_in_time(
    tmp_path_factory: pytest.TempPathFactory, roles: set[str], hours: int
) -> None:
    case = Case(folder=tmp_path_factory.mktemp("case"))
    case.approve(*roles)
    now = REPORTED + timedelta(hours=hours)
    assert case.decide(now=now).holds == (roles == set(ROLES) and 1 <= hours <= 73)

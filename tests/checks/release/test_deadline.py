"""The alarm at the rollback deadline: set before the window is written down, taken away after it ended."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from checks.errors import HasivuError
from checks.release.deadline import ScheduledPage
from checks.release.store import Records
from checks.toolchain import REPOSITORY
from stacks.environment_file import load_environment
from tests.checks.release.test_records import HOUR, Estate
from tests.checks.release.world import NOW, go_live, results

LIVE = go_live()
PROD = load_environment("prod", directory=REPOSITORY / "environments", today=date(2026, 12, 1))
CONFLICT = "ConflictException"


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path)


# --- the order of things, and a crash between any two ---


def test_a_go_live_sets_it_and_a_closing_takes_it_away(estate: Estate) -> None:
    live = estate.release(2)
    assert estate.alarm.set_for == live
    estate.close()
    assert estate.alarm.set_for is None


def test_a_rollback_takes_it_away(estate: Estate) -> None:
    estate.release(2)
    estate.roll_back()
    assert estate.alarm.set_for is None


def test_without_an_alarm_no_window_opens(estate: Estate) -> None:
    estate.prepare()
    estate.deploy(2)
    estate.alarm.broken = "set"
    with pytest.raises(HasivuError) as refused:
        estate.open()
    assert refused.value.code == "ALARM_NOT_SET"
    assert estate.records.last_live() is None
    estate.alarm.broken = ""
    assert estate.open() == estate.alarm.set_for


def test_a_crash_after_it_is_set_leaves_no_window_without_it(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.prepare()
    estate.deploy(2)
    with monkeypatch.context() as crashing:
        crashing.setattr(Records, "write_go_live", _crash)
        with pytest.raises(KeyboardInterrupt):
            estate.open()
    assert estate.alarm.set_for is not None
    assert estate.records.last_live() is None
    estate.now += HOUR
    live = estate.open()
    assert estate.alarm.set_for == live


def _crash(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_closing_that_could_not_take_it_away_is_run_again(estate: Estate) -> None:
    estate.release(2)
    estate.alarm.broken = "silence"
    found = results(generated_at=NOW + HOUR)
    for _ in range(2):
        with pytest.raises(HasivuError) as refused:
            estate.close(found)
        assert refused.value.code == "ALARM_NOT_SILENCED"
    estate.alarm.broken = ""
    estate.close(found)
    assert estate.alarm.set_for is None
    last = estate.records.last_live()
    assert last is not None
    assert last.window is not None
    assert last.window.closed is not None
    assert last.window.closed.at == NOW + HOUR


def test_a_closing_on_another_report_is_refused_once_it_is_closed(estate: Estate) -> None:
    estate.release(2)
    estate.close()
    estate.now += HOUR
    with pytest.raises(HasivuError) as refused:
        estate.close()
    assert refused.value.code == "WINDOW_NOT_OPEN"


def test_a_rollback_that_could_not_take_it_away_is_run_again(estate: Estate) -> None:
    estate.release(2)
    estate.alarm.broken = "silence"
    with pytest.raises(HasivuError):
        estate.roll_back()
    estate.alarm.broken = ""
    estate.roll_back()
    assert estate.alarm.set_for is None


def test_a_rollback_that_stopped_half_way_leaves_it_set(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.release(2)
    with monkeypatch.context() as crashing:
        crashing.setattr(Records, "write_rolled_back", _crash)
        with pytest.raises(KeyboardInterrupt):
            estate.roll_back()
    assert estate.alarm.set_for is not None


# --- what AWS is asked ---


class Asked:
    """A client of EventBridge Scheduler that answers what a test says, and the page on top of it."""

    def __init__(self) -> None:
        client = boto3.Session("AKIAEXAMPLE", "secret").client("scheduler", region_name="ap-south-1")
        self.stub = Stubber(client)
        self.stub.activate()
        self.page = ScheduledPage(client, PROD)
        self.schedules: list[dict[str, Any]] = []
        client.meta.events.register("provide-client-params.scheduler.*", self._kept)

    def _kept(self, params: dict[str, Any], **_: Any) -> None:
        self.schedules.append(params)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_it_fires_once_a_minute_after_the_deadline_on_the_topic_that_pages(asked: Asked) -> None:
    asked.stub.add_response("create_schedule", {"ScheduleArn": "arn:aws:scheduler:::x"})
    asked.page.set(LIVE, now=NOW)
    (schedule,) = asked.schedules
    assert LIVE.rollback_deadline == datetime(2026, 12, 2, 14, 0, tzinfo=UTC)
    assert schedule["Name"] == "hasivu-prod-rollback-deadline"
    assert schedule["ScheduleExpression"] == "at(2026-12-02T14:01:00)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["ActionAfterCompletion"] == "DELETE"
    target = schedule["Target"]
    assert target["Arn"] == f"arn:aws:sns:{PROD.region}:{PROD.account}:hasivu-prod-alarms-page"
    assert target["RoleArn"] == f"arn:aws:iam::{PROD.account}:role/hasivu-prod-rollback-deadline"
    assert LIVE.deployment_id in target["Input"]
    assert LIVE.rollback_command in target["Input"]
    assert "@" not in target["Input"]


def test_a_deadline_that_went_by_already_pages_at_once(asked: Asked) -> None:
    asked.stub.add_response("create_schedule", {"ScheduleArn": "arn:aws:scheduler:::x"})
    late = LIVE.rollback_deadline + timedelta(days=1)
    asked.page.set(LIVE, now=late)
    assert asked.schedules[0]["ScheduleExpression"] == "at(2026-12-03T14:02:00)"


def test_one_that_a_crash_left_is_replaced(asked: Asked) -> None:
    asked.stub.add_client_error("create_schedule", CONFLICT, http_status_code=409)
    asked.stub.add_response("update_schedule", {"ScheduleArn": "arn:aws:scheduler:::x"})
    asked.page.set(LIVE, now=NOW)
    asked.stub.assert_no_pending_responses()
    first, second = ({**each, "ClientToken": ""} for each in asked.schedules)
    assert first == second


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ThrottlingException"])
def test_what_aws_refuses_is_a_refusal(asked: Asked, code: str) -> None:
    asked.stub.add_client_error("create_schedule", code)
    with pytest.raises(HasivuError) as refused:
        asked.page.set(LIVE, now=NOW)
    assert refused.value.code == "ALARM_NOT_SET"
    assert code in refused.value.message


def test_taking_it_away_is_done_once_and_may_be_done_again(asked: Asked) -> None:
    asked.stub.add_response("delete_schedule", {}, {"Name": "hasivu-prod-rollback-deadline"})
    asked.stub.add_client_error("delete_schedule", "ResourceNotFoundException", http_status_code=404)
    asked.page.silence()
    asked.page.silence()
    asked.stub.assert_no_pending_responses()


def test_one_that_stays_is_told(asked: Asked) -> None:
    asked.stub.add_client_error("delete_schedule", "AccessDeniedException")
    with pytest.raises(HasivuError) as refused:
        asked.page.silence()
    assert refused.value.code == "ALARM_NOT_SILENCED"


def test_without_a_network_it_is_a_refusal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.Session("AKIAEXAMPLE", "secret").client("scheduler", region_name="ap-south-1")
    monkeypatch.setattr(client, "create_schedule", _unreachable)
    with pytest.raises(HasivuError) as refused:
        ScheduledPage(client, PROD).set(LIVE, now=NOW)
    assert "EndpointConnectionError" in refused.value.message


def _unreachable(**_: Any) -> None:
    raise EndpointConnectionError(endpoint_url="https://scheduler")

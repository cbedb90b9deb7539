"""The end of a day: the gateway pays out, the bank tells so twice, everything is matched, and counted."""

import base64
import hashlib
from typing import Any
from urllib.parse import quote

import urllib3

from checks.demo.narrative import Step, prove
from checks.demo.records import ENVIRONMENT, wait_for
from checks.demo.stage import Stage, new_key
from checks.history.asking import History
from checks.sandbox.api_client import Answer
from checks.sandbox.people import SCHOOL_ID
from runtime.platform.clock import SystemClock, business_date
from runtime.platform.money import rupees

HTTP_ACCEPTED = 202
BROKEN_ROW = "2026-04-07,much,NEFT,X"


def reconcile(stage: Stage, step: Step) -> None:
    """Gateway, books and bank agree to the paisa; a file that comes twice posts nothing twice."""
    stage.gateway.settle(force=True)
    bank_lines: list[dict[str, Any]] = stage.gateway.call("GET", "bank-statement")["items"]
    rows = [_row(line) for line in bank_lines]
    first = _upload(stage, [*rows, BROKEN_ROW])
    prove(f"the statement is taken (got {first.status} {first.code or ''})", first.status == 201)
    prove("every good line is kept or known", first.body["kept"] + first.body["known"] == len(rows))
    (broken,) = first.body["broken_rows"]
    again = _upload_by_link(stage, rows)
    prove("the same lines again keep nothing", (again["kept"], again["known"]) == (0, len(rows)))
    stage.say(
        f"The gateway pays out. The bank's file has {len(rows)} good lines, which are kept once though they "
        f"come in a call and by a link, and a broken one: line {broken['row_no']}, {broken['code']}."
    )

    office = stage.people["admin"].api
    day = business_date(SystemClock().now()).isoformat()
    started = office.call("POST", "/v1/reconciliations", {"day": day}, key=new_key())
    prove(
        f"a reconciliation begins (got {started.status} {started.code or ''})", started.status in (201, 202)
    )
    path = f"/v1/reconciliations/{started.body['reconciliation_id']}"
    stage.start("payments-reconciliation-worker", "work")

    def done() -> dict[str, Any] | None:
        answer = office.call("GET", path)
        return answer.body if answer.status == 200 and answer.body.get("completed_at") else None

    run = wait_for("the reconciliation's end", done)
    for leg in run["legs"]:
        told = ", ".join(
            f"{status['count']} {str(status['status']).replace('_', ' ')} {rupees(status['paise'])}"
            for status in leg["statuses"]
            if status["count"]
        )
        stage.say(f"  {leg['leg']}: {told or 'nothing'}")
        counted = sum(status["count"] for status in leg["statuses"]) + leg["repeated"]["count"]
        prove("every item is in exactly one status", counted == leg["inputs"]["count"])
        paise = sum(status["paise"] for status in leg["statuses"]) + leg["repeated"]["paise"]
        prove("and every paisa", paise == leg["inputs"]["paise"])
    stage.say(f"{run['exceptions']} exceptions; {run['lines_booked']} lines of the bank are booked.")
    _reversals_match(stage, path, day)
    step.evidence |= {
        "reconciliation_id": run["reconciliation_id"],
        "exceptions": run["exceptions"],
        "bank_lines": len(rows),
    }


def _reversals_match(stage: Stage, path: str, day: str) -> None:
    """The shares that a refund took back are among the gateway's rows, and nobody has to look at them."""
    year, month, date = day.split("-")
    recon = f"settlements/recon/combined?year={year}&month={month}&day={date}&count=1000"
    rows = {row["entity_id"] for row in stage.at_gateway(recon)["items"]}
    prove("the gateway settled every reversal", rows.issuperset(stage.reversals))
    office, found = stage.people["admin"].api, set[str]()
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={quote(cursor)}" if cursor else ""
        page = office.call("GET", f"{path}/exceptions?limit=100{more}").body
        found |= {each["group_id"] for each in page["items"]}
        cursor = page["next_cursor"]
    prove("and every one is matched", found.isdisjoint(stage.reversals))
    stage.say(f"The {len(stage.reversals)} reversals of shares are matched, each by its name.")


def figures(stage: Stage, step: Step) -> None:
    """What was paid today is what the figures of today say."""
    day = business_date(SystemClock().now()).isoformat()
    query = f"school_id={SCHOOL_ID}&from={day}&to={day}"
    office = stage.people["finance"].api

    def counted() -> dict[str, Any] | None:
        answer = office.call("GET", f"/v1/analytics/payments?{query}&group_by=method")
        prove(f"the figures can be read (got {answer.status} {answer.code or ''})", answer.status == 200)
        return answer.body if answer.body["total"]["captured_paise"] >= stage.captured_paise else None

    seen = wait_for("all payments in the figures", counted)
    total = seen["total"]
    stage.say(
        f"Today: {total['attempts']} attempts, {total['captured']} captured, {total['failed']} failed "
        f"({total['success_rate_bps'] / 100:.2f} % succeed), {rupees(total['captured_paise'])}."
    )
    for group in seen["groups"]:
        stage.say(f"  {group['value']:>10}  {rupees(group['figures']['captured_paise']):>14}")
    step.evidence |= {"captured_paise": total["captured_paise"], "attempts": total["attempts"]}
    step.evidence["compacted_events"] = _same_in_parquet(stage, day)


def _same_in_parquet(stage: Stage, day: str) -> int:
    """The day becomes Parquet, and SQL over it gives the figures of the platform; the events in it."""
    office = stage.people["admin"].api
    asked = office.call("POST", "/v1/analytics/payments/compactions", {"first_day": day, "last_day": day})
    prove(
        f"the day is to be compacted (got {asked.status} {asked.code or ''})", asked.status == HTTP_ACCEPTED
    )

    def compacted() -> bool:
        stage.start("payments-analytics", "compact")
        return office.call("GET", "/v1/analytics/payments/compactions").body["run"] is None

    wait_for("the day's Parquet", compacted)
    history = History(stage.records.session, ENVIRONMENT)
    live = office.call("GET", f"/v1/analytics/payments?from={day}&to={day}&group_by=method").body["groups"]
    counted = {
        group["value"]: (figures["attempts"], figures["captured"], figures["captured_paise"])
        for group in live
        if (figures := group["figures"])["attempts"]
    }
    _, *rows = history.ask("success-by-method", day, day)
    prove(
        "SQL over the history gives the figures of the live tables",
        {row[0]: (int(row[1]), int(row[2]), int(row[5])) for row in rows} == counted,
    )
    _, (events,) = history.select("SELECT count(*) AS events FROM payment_events_compacted")
    stage.say(
        f"The day is Parquet: {events} events, and Athena's SQL gives the same figures of every method."
    )
    return int(events)


def _row(line: dict[str, Any]) -> str:
    rupees_, paise = divmod(line["amount_paise"], 100)
    return f"{line['value_date']},{rupees_}.{paise:02d},NEFT RAZORPAY {line['utr']},{line['utr']}"


def _file(rows: list[str]) -> bytes:
    return "\n".join(["booked_on,amount,narration,reference", *rows]).encode()


def _upload_by_link(stage: Stage, rows: list[str]) -> dict[str, Any]:
    """What becomes of a file that is put into the bucket by a link, as a large one is."""
    content, office = _file(rows), stage.people["admin"].api
    asked = {
        "account": "settlements",
        "profile": "signed",
        "format": "csv",
        "file_name": "statement.csv",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    upload = office.call("POST", "/v1/bank-statement-uploads", asked, key=new_key())
    prove(f"an upload is given (got {upload.status} {upload.code or ''})", upload.status == 201)
    link = upload.body["link"]
    put = urllib3.request("PUT", link["url"], body=content, headers=link["headers"], timeout=10.0)
    prove(f"the bucket takes the file (got {put.status})", put.status == 200)
    stage.start("payments-reconciliation-worker", "import")

    def done() -> dict[str, Any] | None:
        seen = office.call("GET", f"/v1/bank-statement-uploads/{upload.body['upload_id']}")
        return seen.body if seen.body["state"] == "done" else None

    result: dict[str, Any] = wait_for("the import's end", done)["result"]
    return result


def _upload(stage: Stage, rows: list[str]) -> Answer:
    return stage.people["admin"].api.call(
        "POST",
        "/v1/bank-statements",
        {
            "account": "settlements",
            "profile": "signed",
            "content_base64": base64.b64encode(_file(rows)).decode(),
        },
        key=new_key(),
    )

"""Downtimes of banks, networks and UPI apps: started -> updated -> resolved."""

from checks.sandbox.razorpay import webhooks
from checks.sandbox.razorpay.errors import ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, collection, public

SEVERITIES = frozenset({"low", "medium", "high"})
METHODS = frozenset({"card", "netbanking", "upi", "wallet", "fpx"})


def control(gw: Gateway, wanted: Record) -> Record:
    """`action` start takes method, instrument, severity; update and resolve take the downtime's id."""
    action = wanted.get("action", "start")
    if action == "start":
        return _start(gw, wanted)
    if action not in {"update", "resolve"}:
        raise ControlError("action is start, update or resolve.")
    downtime = gw.find("downtimes", str(wanted.get("id")))
    if downtime["status"] == "resolved":
        raise ControlError("The downtime is resolved already; start another.")
    downtime["severity"] = _severity(wanted, str(downtime["severity"]))
    downtime["updated_at"] = gw.now()
    if action == "resolve":
        downtime.update(status="resolved", end=gw.now())
    else:
        downtime["status"] = "updated"
    webhooks.emit(gw, f"payment.downtime.{downtime['status']}", downtime=downtime)
    return public(downtime)


def _severity(wanted: Record, default: str) -> str:
    severity = str(wanted.get("severity", default))
    if severity not in SEVERITIES:
        raise ControlError(f"severity is one of {', '.join(sorted(SEVERITIES))}.")
    return severity


def _start(gw: Gateway, wanted: Record) -> Record:
    method = wanted.get("method", "netbanking")
    instrument = wanted.get("instrument") or {"bank": "HDFC"}
    if method not in METHODS or not isinstance(instrument, dict):
        raise ControlError('Give method and instrument, e.g. "netbanking" and {"bank": "HDFC"}.')
    downtime = gw.keep(
        "downtimes",
        {
            "id": gw.ids.new("down"),
            "entity": "payment.downtime",
            "method": method,
            "begin": gw.now(),
            "end": None,
            "status": "started",
            "scheduled": bool(wanted.get("scheduled", False)),
            "severity": _severity(wanted, "high"),
            "instrument": {str(name): str(value) for name, value in instrument.items()},
            "instrument_schema": sorted(str(name) for name in instrument),
            "created_at": gw.now(),
            "updated_at": gw.now(),
        },
    )
    webhooks.emit(gw, "payment.downtime.started", downtime=downtime)
    return public(downtime)


def list_open(gw: Gateway) -> Record:
    """GET /v1/payments/downtimes: those that last."""
    return collection([public(each) for each in gw.each("downtimes") if each["status"] != "resolved"])


def fetch(gw: Gateway, downtime_id: str) -> Record:
    return public(gw.find("downtimes", downtime_id))

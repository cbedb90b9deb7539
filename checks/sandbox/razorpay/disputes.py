"""Disputes: open -> under_review -> won or lost; closed for fraud and retrieval inquiries.

Accepting, or losing, deducts the amount from the balance. Source: Razorpay's dispute API.
"""

import re
from collections.abc import Mapping

from checks.sandbox.razorpay import paging, postings, validation, webhooks
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, public

PHASES = frozenset({"fraud", "retrieval", "chargeback", "pre_arbitration", "arbitration"})
PROOFS = (
    "shipping_proof",
    "billing_proof",
    "cancellation_proof",
    "customer_communication",
    "proof_of_service",
    "explanation_letter",
    "refund_confirmation",
    "access_activity_log",
    "refund_cancellation_policy",
    "term_and_conditions",
)
CONTEST_MEMBERS = frozenset({"amount", "summary", "others", "action", *PROOFS})
DOCUMENT = re.compile(r"doc_[0-9A-Za-z]{14}")
BAD_DOCUMENT = "Invalid file id provided or merchant is unauthorized to access the fileId(s) provided"
VERDICTS = frozenset({"won", "lost", "closed"})


def open_dispute(gw: Gateway, payment_id: str, wanted: Record) -> Record:
    """The customer's bank disputes a payment. Control API."""
    payment = gw.find("payments", payment_id)
    if payment["status"] not in {"captured", "refunded"}:
        raise ControlError(f"The payment is {payment['status']}; only captured ones are disputed.")
    amount = wanted.get("amount", payment["amount"])
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= payment["amount"]:
        raise ControlError("The disputed amount is in paise, at most the payment's.")
    phase = str(wanted.get("phase", "chargeback"))
    if phase not in PHASES:
        raise ControlError(f"phase is one of {', '.join(sorted(PHASES))}.")
    respond_by = wanted.get("respond_by", gw.now() + gw.config.timings.dispute_response_seconds)
    dispute: Record = gw.keep(
        "disputes",
        {
            "id": gw.ids.new("disp"),
            "entity": "dispute",
            "payment_id": payment_id,
            "amount": amount,
            "currency": payment["currency"],
            "amount_deducted": 0,
            "reason_code": str(wanted.get("reason_code", "goods_or_services_not_received")),
            "respond_by": respond_by,
            "status": "open",
            "phase": phase,
            "evidence": _no_evidence(amount),
            "created_at": gw.now(),
        },
    )
    _announce(gw, dispute, "created")
    return public(dispute)


def _no_evidence(amount: int) -> Record:
    proofs = dict.fromkeys(PROOFS)
    return {"amount": amount, "summary": None, **proofs, "others": None, "submitted_at": None}


def _announce(gw: Gateway, dispute: Record, event: str) -> None:
    payment = gw.find("payments", str(dispute["payment_id"]))
    webhooks.emit(gw, f"payment.dispute.{event}", payment=payment, dispute=dispute)


def _open_one(gw: Gateway, dispute_id: str) -> Record:
    dispute = gw.find("disputes", dispute_id)
    if dispute["status"] != "open":
        raise ApiError(f"Action not allowed when dispute is in {dispute['status']} status.")
    if dispute["respond_by"] < gw.now():
        raise ApiError("Action not allowed as deadline to respond has elapsed.")
    return dispute


def accept(gw: Gateway, dispute_id: str, body: Record) -> Record:
    """POST /v1/disputes/:id/accept: lost, and deducted."""
    validation.only_known(body, frozenset())
    dispute = _open_one(gw, dispute_id)
    _lose(gw, dispute)
    return public(dispute)


def _lose(gw: Gateway, dispute: Record) -> None:
    dispute.update(status="lost", amount_deducted=dispute["amount"])
    postings.adjustment(
        gw,
        debit=_share_paise(dispute, gw.find("payments", str(dispute["payment_id"]))),
        description=f"Dispute {dispute['id']} lost",
        payment=gw.find("payments", str(dispute["payment_id"])),
        dispute_id=str(dispute["id"]),
    )
    _announce(gw, dispute, "lost")


def _share_paise(dispute: Record, payment: Record) -> int:
    """What a disputed amount is of what the payment was converted to."""
    return int(payment["base_amount"]) * int(dispute["amount"]) // int(payment["amount"])


def contest(gw: Gateway, dispute_id: str, body: Record) -> Record:
    """PATCH /v1/disputes/:id/contest: a draft, or with `action: submit` under review."""
    validation.only_known(body, CONTEST_MEMBERS)
    dispute = _open_one(gw, dispute_id)
    action = body.get("action", "draft")
    if action not in {"draft", "submit"}:
        raise ApiError("The selected action is invalid.", field="action")
    evidence = dict(dispute["evidence"])
    if "amount" in body:
        evidence["amount"] = validation.whole_number(body["amount"], "amount")
        if evidence["amount"] > dispute["amount"]:
            raise ApiError("contest amount cannot be greater than dispute amount.", field="amount")
    if "summary" in body:
        evidence["summary"] = validation.text(body, "summary", longest=1000)
    for name in PROOFS:
        if name in body:
            evidence[name] = _documents(body[name])
    if "others" in body:
        evidence["others"] = _others(body["others"])
    if action == "submit":
        if not any(evidence[name] for name in (*PROOFS, "others")):
            raise ApiError("At least one document is needed to contest a dispute.")
        evidence["submitted_at"] = gw.now()
        dispute["status"] = "under_review"
    dispute["evidence"] = evidence
    if action == "submit":
        _announce(gw, dispute, "under_review")
    return public(dispute)


def _documents(given: object) -> list[str]:
    if not isinstance(given, list) or not all(DOCUMENT.fullmatch(str(each)) for each in given):
        raise ApiError(BAD_DOCUMENT)
    return [str(each) for each in given]


def _others(given: object) -> list[Record]:
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise ApiError("The others must be an array.", field="others")
    return [
        {"type": str(each.get("type", "")), "document_ids": _documents(each.get("document_ids", []))}
        for each in given
    ]


def ask_action(gw: Gateway, dispute_id: str) -> Record:
    """The bank wants more evidence: open again. Control API."""
    dispute = gw.find("disputes", dispute_id)
    if dispute["status"] not in {"open", "under_review"}:
        raise ControlError(f"The dispute is {dispute['status']}; no more can be asked of it.")
    dispute["status"] = "open"
    _announce(gw, dispute, "action_required")
    return public(dispute)


def decide(gw: Gateway, dispute_id: str, verdict: str) -> Record:
    """The bank's verdict: won, lost or closed. Control API."""
    dispute = gw.find("disputes", dispute_id)
    if verdict not in VERDICTS:
        raise ControlError(f"verdict is one of {', '.join(sorted(VERDICTS))}.")
    if dispute["status"] not in {"open", "under_review"}:
        raise ControlError(f"The dispute is {dispute['status']} already.")
    if verdict == "lost":
        _lose(gw, dispute)
    else:
        dispute["status"] = verdict
        _announce(gw, dispute, verdict)
    return public(dispute)


def fetch(gw: Gateway, dispute_id: str, expand: frozenset[str]) -> Record:
    return _show(gw, gw.find("disputes", dispute_id), expand)


def list_all(gw: Gateway, query: Mapping[str, str], expand: frozenset[str]) -> Record:
    return paging.page(
        gw.each("disputes"),
        query,
        most=gw.config.limits.page,
        show=lambda dispute: _show(gw, dispute, expand),
    )


def _show(gw: Gateway, dispute: Record, expand: frozenset[str]) -> Record:
    shown = public(dispute)
    if "payment" in expand:
        shown["payment"] = public(gw.find("payments", str(dispute["payment_id"])), without=("card",))
    return shown

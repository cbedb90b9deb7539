"""Whether what results say of the template is what the assembly shows, where that is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from checks.checklist.applicability import Setting
from checks.checklist.contradictions import Contradiction, shown
from checks.checklist.model import SATISFIED, Results, Status
from checks.checklist.template_proofs import prove, resource_proof
from checks.rules.estate import Estate

_GOOD: Final = SATISFIED | {Status.NOT_APPLICABLE}


def not_shown(results: Results, estate: Estate, setting: Setting) -> Iterator[Contradiction]:
    """Every house rule and every resource that is said to be good, and is not so in ``estate``.

    What is acknowledged is waived, not good; what is said to be worse than it is harms nobody.
    """
    rules = {each.proof_id: each for each in prove(estate, setting, {}).proofs}
    for said in results.proofs:
        kind, _, name = said.proof_id.partition(":")
        if kind not in {"rule", "resource"} or said.status not in _GOOD:
            continue
        found = resource_proof(name, estate) if kind == "resource" else rules.get(said.proof_id)
        if said != found:
            status = "unknown" if found is None else found.status
            yield Contradiction(shown(said.proof_id), f"it is {said.status}, and {status} by the assembly")

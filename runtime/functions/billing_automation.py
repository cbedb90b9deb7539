"""billing-automation: find what is due, bill it, announce and execute the debit.

No operation of the API starts it. Not built yet.
"""

from runtime.platform.api import Route
from runtime.platform.not_built import not_built

FUNCTION = "billing-automation"

ROUTES: tuple[Route, ...] = ()

handler = not_built(ROUTES)

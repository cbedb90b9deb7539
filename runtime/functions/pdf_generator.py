"""pdf-generator: documents as PDF/A, archived immutably.

No operation of the API starts it. Not built yet.
"""

from runtime.platform.api import Route
from runtime.platform.not_built import not_built

FUNCTION = "pdf-generator"

ROUTES: tuple[Route, ...] = ()

handler = not_built(ROUTES)

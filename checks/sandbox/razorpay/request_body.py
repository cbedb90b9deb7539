"""The body of a call, as the API and the control API take it."""

from werkzeug.wrappers import Request

from checks.sandbox.razorpay.records import Record
from checks.sandbox.simulation.http_exchange import BadBody, json_value


def json_object(request: Request) -> Record:
    """The body as an object; nothing at all is `{}`, and so is the `[]` of a PHP client. Raises BadBody."""
    value = json_value(request)
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise BadBody("The request body must be a JSON object.")
    return value

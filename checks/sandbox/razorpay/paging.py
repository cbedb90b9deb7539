"""Lists: newest first, `from`/`to` on created_at, `count` (default 10, at most 100) and `skip`."""

from collections.abc import Callable, Iterable, Mapping

from checks.sandbox.razorpay.errors import ApiError
from checks.sandbox.razorpay.records import Record, collection, public

DEFAULT_COUNT = 10


def _number(query: Mapping[str, str], name: str, default: int, *, lowest: int, highest: int | None) -> int:
    given = query.get(name)
    if given is None or given == "":
        return default
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise ApiError(f"The {name} must be an integer.", field=name)
    number = int(given)
    if number < lowest:
        raise ApiError(f"The {name} must be at least {lowest}.", field=name)
    if highest is not None and number > highest:
        raise ApiError(f"The {name} may not be greater than {highest}.", field=name)
    return number


def window(query: Mapping[str, str], *, most: int, default: int = DEFAULT_COUNT) -> slice:
    """Which part of the list is asked for."""
    skip = _number(query, "skip", 0, lowest=0, highest=None)
    count = _number(query, "count", default, lowest=1, highest=most)
    return slice(skip, skip + count)


def page(
    records: Iterable[Record],
    query: Mapping[str, str],
    *,
    most: int,
    show: Callable[[Record], Record] = public,
) -> Record:
    """The asked page of `records` (given oldest first) as a collection."""
    earliest = _number(query, "from", 0, lowest=0, highest=None)
    latest = _number(query, "to", 10**18 - 1, lowest=0, highest=None)
    matching = [record for record in records if earliest <= record["created_at"] <= latest]
    matching.reverse()
    return collection([show(record) for record in matching[window(query, most=most)]])

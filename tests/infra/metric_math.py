"""CloudWatch's metric math, as far as the alarms use it, for one period."""

import ast
import operator
from collections.abc import Callable, Mapping

from stacks.constructs.metric import Formula

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISON: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.GtE: operator.ge,
}


def evaluated(formula: Formula, **values: float | None) -> float:
    """The formula's result where its metrics have ``values``; None is a metric that said nothing."""
    known: dict[str, float | None] = dict(values)
    for step_id, step in formula.steps.items():
        if isinstance(step, str):
            known[step_id] = _value(ast.parse(step.replace(" OR ", " or "), mode="eval").body, known)
    result = known[formula.result]
    assert result is not None
    return result


def _value(node: ast.expr, known: Mapping[str, float | None]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            value = known[name]
            assert value is not None, f"{name} has no value here, and no FILL"
            return value
        case ast.BinOp(left=left, op=sign, right=right):
            return _ARITHMETIC[type(sign)](_value(left, known), _value(right, known))
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return _COMPARISON[type(sign)](_value(left, known), _value(right, known))
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(_value(part, known) for part in parts)
        case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), otherwise]):
            value = known[name]
            return _value(otherwise, known) if value is None else value
        case ast.Call(func=ast.Name(id="MAX"), args=[ast.List(elts=series)]):
            return max(_value(item, known) for item in series)
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no]):
            return _value(yes if _value(condition, known) else no, known)
    raise AssertionError(f"the alarms do not use {ast.unparse(node)}")

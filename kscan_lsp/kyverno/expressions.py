"""JMESPath as Kyverno has it: what is not there is an error, unless what asks for it says what to do then.

The `jmespath` library reads expressions and has the functions of the standard; evaluating is ours, because Kyverno's
fork differs in what an unknown key is, because work has to have a budget, and because a value has to be traced back to
the fields that it comes from.

Source: interpreter.go of kyverno/go-jmespath.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from jmespath.exceptions import ArityError, JMESPathError, JMESPathTypeError, UnknownFunctionError
from jmespath.parser import Parser
from jmespath.visitor import TreeInterpreter

from kscan_lsp.kyverno.budget import Budget, OverBudget
from kscan_lsp.kyverno.functions import MAX_TEXT, KyvernoFunctions, NoValueHere
from kscan_lsp.kyverno.scalars import Refused

Node = dict[str, Any]
MAX_SOURCE: Final = 10_000
"""Characters of an expression."""


class NotFound(Exception):  # noqa: N818 - null, in most places
    """There is no such key; most of what is around it takes that for null."""

    def __init__(self, key: str) -> None:
        super().__init__(f'Unknown key "{key}" in path')


class QueryError(Exception):
    """An expression has no value: its syntax is wrong, or a function cannot take what it is given."""


class Unknown(NamedTuple):
    """Stands in a context for what no file says; to read it ends the evaluation."""

    what: str


class Unanswerable(Exception):  # noqa: N818 - an answer, and nothing that is wrong
    """An expression needs what no file says."""


@lru_cache(maxsize=4_096)
def parsed(source: str) -> Node | QueryError:
    """An expression as a tree, or what is wrong with it."""
    if len(source) > MAX_SOURCE:
        return QueryError(f"an expression of more than {MAX_SOURCE:,} characters")
    try:
        tree: Node = Parser().parse(source).parsed
    except RecursionError:
        return QueryError("an expression that is nested too deep")
    except (JMESPathError, ValueError, Warning, AttributeError, TypeError, IndexError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        return QueryError(lines[0].removeprefix("Invalid jmespath expression: ").rstrip(":")[:200])
    return tree


class Query(TreeInterpreter):  # type: ignore[misc]
    """Evaluates expressions, with a budget for all of them together."""

    def __init__(self, budget: Budget | None = None) -> None:
        super().__init__()
        self.budget = budget or Budget()
        self._functions = KyvernoFunctions()

    def search(self, source: str, context: Any) -> Any:
        """The value of an expression.

        Args:
            source: the expression.
            context: what it can name.

        Raises:
            NotFound: a key is not there.
            QueryError: it has no value.
            Unanswerable: it needs what no file says.
            OverBudget: it takes too much work.
        """
        tree = parsed(source.strip())
        if isinstance(tree, QueryError):
            raise QueryError(str(tree))
        return self.value(tree, context)

    def value(self, tree: Node, context: Any) -> Any:
        """The value of a tree; as for `search`."""
        try:
            found = self.visit(tree, context)
        except NoValueHere as error:
            raise Unanswerable(str(error)) from None
        except Refused as error:
            raise QueryError(str(error)) from None
        except JMESPathTypeError as error:
            raise QueryError(f"{error.function_name}() cannot take a value of this type") from None
        except (UnknownFunctionError, ArityError) as error:
            raise QueryError(str(error)) from None
        except (JMESPathError, ValueError, ArithmeticError, TypeError, AttributeError, LookupError):
            raise QueryError("a function cannot take what it is given") from None
        except RecursionError:
            raise OverBudget("an expression is nested too deep") from None
        if isinstance(found, Unknown):
            raise Unanswerable(found.what)
        return found

    def visit(self, node: Node, *args: Any, **kwargs: Any) -> Any:
        """The value of a node."""
        self.budget.spend()
        kind = node["type"]
        found = self._method_cache.get(kind)
        if found is None:
            found = self._method_cache[kind] = getattr(self, f"visit_{kind}", self.default_visit)
        return found(node, *args, **kwargs)

    def is_true(self, node: Node, value: Any) -> bool:
        """Whether a node has a value that counts as true."""
        return bool(self._is_true(self.lenient(node, value)))

    def lenient(self, node: Node, value: Any) -> Any:
        """The value of a node, or null where a key is not there."""
        try:
            return self.visit(node, value)
        except NotFound:
            return None

    def visit_field(self, node: Node, value: Any) -> Any:
        """`key`."""
        if isinstance(value, Unknown):
            raise Unanswerable(value.what)
        if not isinstance(value, dict):
            return None
        if node["value"] not in value:
            raise NotFound(node["value"])
        found = value[node["value"]]
        if isinstance(found, Unknown):
            raise Unanswerable(found.what)
        return found

    def visit_comparator(self, node: Node, value: Any) -> Any:
        """`a == b`."""
        left, right = (self.lenient(child, value) for child in node["children"])
        sign = node["value"]
        if sign in self._EQUALITY_OPS:
            self.spend(left)
            self.spend(right)
            return self.COMPARATOR_FUNC[sign](left, right)
        numbers = (int, float)
        if any(isinstance(one, bool) or not isinstance(one, numbers) for one in (left, right)):
            return None
        return self.COMPARATOR_FUNC[sign](left, right)

    def visit_function_expression(self, node: Node, value: Any) -> Any:
        """`f(a)`."""
        given = [self.lenient(child, value) for child in node["children"]]
        if node["value"] != "length":  # which looks at nothing that stands in a list
            for one in given:
                self.spend(one)
        found = self._functions.call_function(node["value"], given)
        if isinstance(found, str) and len(found) > MAX_TEXT:
            raise OverBudget(f"it makes a text of more than {MAX_TEXT:,} characters")
        return found

    def spend(self, value: Any) -> None:
        """Take what it costs to look through a value: what it holds twice counts twice."""
        open_values = [value]
        while open_values:
            one = open_values.pop()
            self.budget.spend(1 + (len(one) // 1_000 if isinstance(one, str) else 0))
            if isinstance(one, dict):
                open_values += one.values()
            elif isinstance(one, list):
                open_values += one

    def visit_filter_projection(self, node: Node, value: Any) -> Any:
        """`a[?b]`."""
        base = self.lenient(node["children"][0], value)
        if not isinstance(base, list):
            return None
        kept = (
            self.lenient(node["children"][1], one) for one in base if self.is_true(node["children"][2], one)
        )
        return [one for one in kept if one is not None]

    def visit_flatten(self, node: Node, value: Any) -> Any:
        """`a[]`."""
        base = self.lenient(node["children"][0], value)
        if not isinstance(base, list):
            return None
        found = [inner for one in base for inner in (one if isinstance(one, list) else (one,))]
        self.budget.spend(len(found))
        return found

    def visit_projection(self, node: Node, value: Any) -> Any:
        """`a[*].b`."""
        base = self.lenient(node["children"][0], value)
        if not isinstance(base, list):
            return None
        return [found for one in base if (found := self.lenient(node["children"][1], one)) is not None]

    def visit_value_projection(self, node: Node, value: Any) -> Any:
        """`a.*`."""
        base = self.lenient(node["children"][0], value)
        if not isinstance(base, dict):
            return None
        return [
            found for one in base.values() if (found := self.lenient(node["children"][1], one)) is not None
        ]

    def visit_multi_select_dict(self, node: Node, value: Any) -> Any:
        """`{a: b}`."""
        if value is None:
            return None
        return {child["value"]: self.lenient(child, value) for child in node["children"]}

    def visit_multi_select_list(self, node: Node, value: Any) -> Any:
        """`[a, b]`."""
        return None if value is None else [self.lenient(child, value) for child in node["children"]]

    def visit_or_expression(self, node: Node, value: Any) -> Any:
        """`a || b`."""
        left = self.lenient(node["children"][0], value)
        return self.lenient(node["children"][1], value) if self._is_false(left) else left

    def visit_and_expression(self, node: Node, value: Any) -> Any:
        """`a && b`."""
        left = self.lenient(node["children"][0], value)
        return left if self._is_false(left) else self.visit(node["children"][1], value)

    def visit_not_expression(self, node: Node, value: Any) -> Any:
        """`!a`."""
        return self._is_false(self.lenient(node["children"][0], value))

    def visit_pipe(self, node: Node, value: Any) -> Any:
        """`a | b`."""
        for child in node["children"]:
            value = self.lenient(child, value)
        return value

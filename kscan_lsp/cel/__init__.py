"""Compile and evaluate CEL: the only room that knows the CEL runtime (cel-expr-python, the C++ one).

Nothing here raises on what a control or a manifest contains, crashes on it or works without end. Compiling
gives an `Expression` or a `CelError` with a place in the source; evaluating gives JSON data or `Failed` with
a reason that names no value of the manifest, so that reasons may be shown and logged.

Decisions behind it:

* What expressions may name is an `Environment`, a parameter: controls have one (`policy/environment.py`).
* `let` names become nested `cel.bind` calls around the expression, so that one activation per judged element
  serves every control.
* The runtime counts iterations and nothing else. What else an expression can cost is reckoned from its tree
  before it runs (`cost`, `guard`), and regular expressions have a budget (`patterns`).
* Most questions only look fields up and compare them. Those are answered on the values as they are (`native`), by
  what CEL says of a few types of values; for whatever else there is, and for all that is wrong, the runtime is asked.
* A manifest is seen as a `view`: no nulls in maps, no cycles, nothing that grows when it is copied.
* The runtime has abstract types only in name, so quantities, addresses, URLs and versions are tagged bytes in
  canonical form: equality works, and a manifest (which has no bytes) cannot forge one.

There are CEL's standard functions and its optional types, bindings, strings and math extensions; the
Kubernetes library (quantities, `find`, `sets`, IP addresses and CIDR ranges, URLs, semantic versions,
`isSorted`, `sort`, `sum`, `min`, `max`); and `matchesAny(text, patterns)`, `decodeBase64(text)`, `encodeBase64(text)`,
`imageRef(text)`, `imageListed(name, registries)`, `selects(selector, labels)`,
`granted(rule, groups, resources, verbs)`; and what seems to be a credential, in words, or
an empty text: `credential(name, value, names, patterns)`, `credentialInAnnotation` of the same, and
`credentialInArgument(program, before, argument, names, patterns)`; `isSecret(name, value)`.

Left out, because this runtime cannot express it: `indexOf` and `lastIndexOf` of lists (the names are taken by
texts), `format.named` and its validators (functions cannot return optionals), `string()` of an address or
URL, comprehensions with two variables; and the authorizer, as there is no cluster. `matches` takes only a
pattern written out, and is compiled at every call: `matchesAny` is faster even for one pattern.
"""

from __future__ import annotations

from kscan_lsp.cel.activation import Activation, bind, parts_read
from kscan_lsp.cel.compiling import (
    MAX_SOURCE,
    OPTIONAL,
    CelError,
    compile_expression,
    serialized,
    type_of,
    work_of,
)
from kscan_lsp.cel.environment import Declared, Environment, Stored
from kscan_lsp.cel.evaluating import MAX_RESULT, Failed, Json, deny, evaluate, work_on
from kscan_lsp.cel.expression import Expression, fields_read, fields_read_of_entries, reads_of, variables_of
from kscan_lsp.cel.kinds import Kind
from kscan_lsp.cel.messages import MAX_MESSAGE, Template, render, template
from kscan_lsp.cel.patterns import list_error as check_patterns
from kscan_lsp.cel.patterns import matches_any
from kscan_lsp.cel.placeholders import literals
from kscan_lsp.cel.reading import ANY, Reads, ReadSet
from kscan_lsp.cel.views import MAX_DEPTH, MAX_WEIGHT, View, view, view_edited

__all__ = [
    "ANY",
    "MAX_DEPTH",
    "MAX_MESSAGE",
    "MAX_RESULT",
    "MAX_SOURCE",
    "MAX_WEIGHT",
    "OPTIONAL",
    "Activation",
    "CelError",
    "Declared",
    "Environment",
    "Expression",
    "Failed",
    "Json",
    "Kind",
    "ReadSet",
    "Reads",
    "Stored",
    "Template",
    "View",
    "bind",
    "check_patterns",
    "compile_expression",
    "deny",
    "evaluate",
    "fields_read",
    "fields_read_of_entries",
    "literals",
    "matches_any",
    "parts_read",
    "reads_of",
    "render",
    "serialized",
    "template",
    "type_of",
    "variables_of",
    "view",
    "view_edited",
    "work_of",
    "work_on",
]

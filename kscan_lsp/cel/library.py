"""Declares our functions to the runtime: names, parameter types, and values in and out.

Quantities, addresses, ranges, URLs and versions travel as bytes: a tag, a colon, the canonical text. The
runtime picks an overload by the type of a value when it runs, and there is one overload per type: that is why
functions of different Kubernetes types with one name (`isLessThan`) share an implementation that looks at the
tag.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from cel_expr_python import cel  # type: ignore[import-untyped]

from kscan_lsp.cel import functions, network, patterns, quantities
from kscan_lsp.cel.calling import Function, guarded, in_python
from kscan_lsp.kubernetes import (
    builtin_roles,
    credentials,
    images,
    kinds,
    labels,
    network_policies,
    node_paths,
    rbac,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Data: TypeAlias = Any
_BOOL, _BYTES, _DOUBLE, _DYN = cel.Type.BOOL, cel.Type.BYTES, cel.Type.DOUBLE, cel.Type.DYN
_INT, _STRING = cel.Type.INT, cel.Type.STRING
_LIST, _TEXTS = cel.Type.List(_DYN), cel.Type.List(_STRING)
_INTS = cel.Type.List(_INT)
_MAP, _TEXT_MAP = cel.Type.Map(_STRING, _DYN), cel.Type.Map(_STRING, _STRING)


# Values of Kubernetes' own types


def _pack(tag: str, text: object) -> bytes:
    return f"{tag}:{text}".encode()


def _unpack(value: bytearray, tag: str) -> str:
    """The text of a tagged value.

    Raises:
        ValueError: the value has another tag.
    """
    found, _, text = value.decode().partition(":")
    if found != tag:
        raise ValueError(f"not {_NAMES.get(tag, tag)}")
    return text


_NAMES = {"quantity": "a quantity", "ip": "an IP address", "cidr": "a CIDR range", "url": "a URL",
          "semver": "a semantic version"}  # fmt: skip


def text_of(value: bytes) -> str:
    """Bytes as text for messages: a Kubernetes value as it is usually written, other bytes as UTF-8."""
    tag, _, text = value.decode("utf-8", "replace").partition(":")
    if tag == "quantity":
        return quantities.quantity_text(int(text))
    return text if tag in _NAMES else value.decode("utf-8", "replace")


def _nanos(value: bytearray) -> int:
    return int(_unpack(value, "quantity"))


def _semver(value: bytearray) -> str:
    return _unpack(value, "semver")


def _ip(value: bytearray) -> network.Address:
    return network.address(_unpack(value, "ip"))


def _cidr(value: bytearray) -> network.AddressRange:
    return network.address_range(_unpack(value, "cidr"))


def _url(value: bytearray) -> network.Url:
    return network.url(_unpack(value, "url"))


def _compare(one: bytearray, other: bytearray) -> int:
    if one.startswith(b"semver:"):
        left, right = quantities.version_order(_semver(one)), quantities.version_order(_semver(other))
        return -1 if left < right else int(left != right)
    amount, limit = _nanos(one), _nanos(other)
    return (amount > limit) - (amount < limit)


def _quantity(nanos: int) -> bytes:
    return _pack("quantity", nanos)


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def test(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return test


def _version(text: str, normalize: bool = False) -> str:
    return quantities.loose_version(text) if normalize else quantities.version(text)


def _is_version(text: str, normalize: bool = False) -> bool:
    return _parses(quantities.loose_version if normalize else quantities.version)(text)


# Declarations


def _function(name: str, *overloads: tuple[cel.Type, list[cel.Type], Callable[..., Any]]) -> Function:
    """A function called `name(a, b)`, or `a.name(b)` when its name starts with a dot."""
    member = name.startswith(".")
    bare = name.removeprefix(".")
    declared = cel.FunctionDecl(
        bare,
        [
            cel.Overload(f"kscan_{bare}_{index}", result, parameters, member, guarded(call))
            for index, (result, parameters, call) in enumerate(overloads)
        ],
    )
    plain = tuple(
        (in_python(result), tuple(map(in_python, parameters)), call) for result, parameters, call in overloads
    )
    return Function(bare, declared, plain)


@cache
def all_functions() -> tuple[Function, ...]:
    """Every function of ours."""
    return (*_own(), *_lists(), *_quantities(), *_versions(), *_network())


def _own() -> list[Function]:
    return [
        _function("matchesAny", (_BOOL, [_STRING, _TEXTS], patterns.matches_any)),
        _function(".find", (_STRING, [_STRING, _STRING], patterns.find_first)),
        _function(
            ".findAll", *((_TEXTS, [_STRING, _STRING, *more], patterns.find_all) for more in ([], [_INT]))
        ),
        _function("decodeBase64", (_STRING, [_STRING], functions.decode_base64)),
        _function("encodeBase64", (_STRING, [_STRING], functions.encode_base64)),
        _function("imageRef", (_TEXT_MAP, [_STRING], images.image_ref)),
        _function("imageListed", (_BOOL, [_STRING, _TEXTS], images.listed)),
        _function("exposure", (_TEXTS, [_BOOL, _LIST, _LIST, _LIST, _TEXTS], functions.exposed)),
        _function("selects", (_BOOL, [_MAP, _MAP], labels.selects)),
        _function("isolates", (_TEXTS, [_STRING, _LIST], network_policies.isolates)),
        _function("restricts", (_TEXTS, [_STRING, _LIST], network_policies.restricts)),
        _function("opens", (_TEXTS, [_STRING, _LIST], network_policies.opens)),
        _function(
            "granted",
            (_INTS, [_MAP, _TEXTS, _TEXTS, _TEXTS], rbac.granted),
            (_INTS, [_LIST, _TEXTS, _TEXTS, _TEXTS], rbac.granting),
        ),
        _function("builtinGrants", (_BOOL, [_MAP, _TEXTS, _TEXTS, _TEXTS], builtin_roles.builtin_grants)),
        _function(
            "addedToBuiltin", (_INTS, [_MAP, _MAP, _TEXTS, _TEXTS, _TEXTS], builtin_roles.added_to_builtin)
        ),
        _function("nodePath", (_STRING, [_STRING], node_paths.node_path)),
        _function("runtimeSockets", (_TEXTS, [_STRING], node_paths.runtime_sockets)),
        _function(
            "nodePaths", *((_LIST, [_MAP, *more], node_paths.node_paths) for more in ([], [_LIST, _STRING]))
        ),
        _function("meantKind", (_STRING, [_STRING, _STRING], kinds.meant_kind)),
        _function(
            "credential", (_STRING, [_STRING, _STRING, _TEXTS, _TEXTS], _or_pattern(credentials.credential))
        ),
        _function(
            "credentialInAnnotation",
            (_STRING, [_STRING, _STRING, _TEXTS, _TEXTS], _or_pattern(credentials.credential_in_annotation)),
        ),
        _function(
            "credentialInArgument",
            (
                _STRING,
                [_STRING, _STRING, _STRING, _TEXTS, _TEXTS],
                _or_pattern(credentials.credential_in_argument),
            ),
        ),
        _function("isSecret", (_BOOL, [_STRING, _STRING], credentials.secret)),
    ]


def _or_pattern(find: Callable[..., str]) -> Callable[..., str]:
    """A search for credentials by rules and then, in its last text, by the patterns of its last argument."""

    def search(*arguments: Data) -> str:
        *given, text, names, listed = arguments
        found = find(*given, text, names)
        if found or not (own := credentials.own_patterns(tuple(listed))):
            return found
        texts = (text, credentials.decoded(text))
        return "a credential" if any(patterns.matches_any(each, own) for each in texts if each) else ""

    return search


def _lists() -> list[Function]:
    return [
        _function("sets.contains", (_BOOL, [_LIST, _LIST], functions.sets_contains)),
        _function("sets.equivalent", (_BOOL, [_LIST, _LIST], functions.sets_equivalent)),
        _function("sets.intersects", (_BOOL, [_LIST, _LIST], functions.sets_intersects)),
        _function(".isSorted", (_BOOL, [_LIST], functions.is_sorted)),
        _function(".sort", (_LIST, [_LIST], functions.in_order)),
        _function(".sum", (_DYN, [_LIST], functions.total)),
        _function(".min", (_DYN, [_LIST], functions.smallest)),
        _function(".max", (_DYN, [_LIST], functions.largest)),
    ]


def _quantities() -> list[Function]:
    q = quantities
    return [
        _function("quantity", (_BYTES, [_STRING], lambda text: _quantity(q.quantity(text)))),
        _function("isQuantity", (_BOOL, [_STRING], _parses(q.quantity))),
        _function(".isLessThan", (_BOOL, [_BYTES, _BYTES], lambda one, other: _compare(one, other) < 0)),
        _function(".isGreaterThan", (_BOOL, [_BYTES, _BYTES], lambda one, other: _compare(one, other) > 0)),
        _function(".compareTo", (_INT, [_BYTES, _BYTES], _compare)),
        _function(".isInteger", (_BOOL, [_BYTES], lambda value: q.is_integer(_nanos(value)))),
        _function(".asInteger", (_INT, [_BYTES], lambda value: q.as_integer(_nanos(value)))),
        _function(".asApproximateFloat", (_DOUBLE, [_BYTES], lambda value: q.as_float(_nanos(value)))),
        _function(".sign", (_INT, [_BYTES], lambda value: (_nanos(value) > 0) - (_nanos(value) < 0))),
        _function(
            ".add",
            (_BYTES, [_BYTES, _BYTES], lambda value, more: _quantity(q.plus(_nanos(value), _nanos(more)))),
            (_BYTES, [_BYTES, _INT], lambda value, more: _quantity(q.plus(_nanos(value), more * 10**9))),
        ),
        _function(
            ".sub",
            (_BYTES, [_BYTES, _BYTES], lambda value, less: _quantity(q.plus(_nanos(value), -_nanos(less)))),
            (_BYTES, [_BYTES, _INT], lambda value, less: _quantity(q.plus(_nanos(value), -less * 10**9))),
        ),
    ]


def _versions() -> list[Function]:
    numbers = quantities.version_numbers

    def made(text: str, normalize: bool = False) -> bytes:
        return _pack("semver", _version(text, normalize))

    return [
        _function("semver", (_BYTES, [_STRING], made), (_BYTES, [_STRING, _BOOL], made)),
        _function("isSemver", (_BOOL, [_STRING], _is_version), (_BOOL, [_STRING, _BOOL], _is_version)),
        _function(".major", (_INT, [_BYTES], lambda value: numbers(_semver(value))[0])),
        _function(".minor", (_INT, [_BYTES], lambda value: numbers(_semver(value))[1])),
        _function(".patch", (_INT, [_BYTES], lambda value: numbers(_semver(value))[2])),
    ]


def _network() -> list[Function]:
    n = network
    return [
        Function(
            "ip",
            cel.FunctionDecl(
                "ip",
                [
                    cel.Overload(
                        "kscan_ip_text",
                        _BYTES,
                        [_STRING],
                        False,
                        guarded(lambda text: _pack("ip", n.address(text))),
                    ),
                    cel.Overload(
                        "kscan_ip_cidr",
                        _BYTES,
                        [_BYTES],
                        True,
                        guarded(lambda value: _pack("ip", _cidr(value).address)),
                    ),
                ],
            ),
        ),
        _function("isIP", (_BOOL, [_STRING], _parses(n.address))),
        _function("ip.isCanonical", (_BOOL, [_STRING], n.is_canonical)),
        _function(".family", (_INT, [_BYTES], lambda value: _ip(value).version)),
        _function(".isUnspecified", (_BOOL, [_BYTES], lambda value: _ip(value).is_unspecified)),
        _function(".isLoopback", (_BOOL, [_BYTES], lambda value: _ip(value).is_loopback)),
        _function(
            ".isLinkLocalMulticast", (_BOOL, [_BYTES], lambda value: n.is_link_local_multicast(_ip(value)))
        ),
        _function(".isLinkLocalUnicast", (_BOOL, [_BYTES], lambda value: _ip(value).is_link_local)),
        _function(".isGlobalUnicast", (_BOOL, [_BYTES], lambda value: n.is_global_unicast(_ip(value)))),
        _function("cidr", (_BYTES, [_STRING], lambda text: _pack("cidr", n.address_range(text)))),
        _function("isCIDR", (_BOOL, [_STRING], _parses(n.address_range))),
        _function(
            ".containsIP",
            (
                _BOOL,
                [_BYTES, _STRING],
                lambda outer, inner: n.contains_address(_cidr(outer), n.address(inner)),
            ),
            (_BOOL, [_BYTES, _BYTES], lambda outer, inner: n.contains_address(_cidr(outer), _ip(inner))),
        ),
        _function(
            ".containsCIDR",
            (
                _BOOL,
                [_BYTES, _STRING],
                lambda outer, inner: n.contains_range(_cidr(outer), n.address_range(inner)),
            ),
            (_BOOL, [_BYTES, _BYTES], lambda outer, inner: n.contains_range(_cidr(outer), _cidr(inner))),
        ),
        _function(".masked", (_BYTES, [_BYTES], lambda value: _pack("cidr", _cidr(value).network))),
        _function(".prefixLength", (_INT, [_BYTES], lambda value: _cidr(value).bits)),
        _function("url", (_BYTES, [_STRING], lambda text: (n.url(text), _pack("url", text))[1])),
        _function("isURL", (_BOOL, [_STRING], _parses(n.url))),
        _function(".getScheme", (_STRING, [_BYTES], lambda value: _url(value).scheme)),
        _function(".getHost", (_STRING, [_BYTES], lambda value: _url(value).host)),
        _function(".getHostname", (_STRING, [_BYTES], lambda value: _url(value).hostname)),
        _function(".getPort", (_STRING, [_BYTES], lambda value: _url(value).port)),
        _function(".getEscapedPath", (_STRING, [_BYTES], lambda value: _url(value).path)),
        _function(".getQuery", (cel.Type.Map(_STRING, _TEXTS), [_BYTES], lambda value: _url(value).query)),
    ]

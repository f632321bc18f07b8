"""IP addresses, address ranges and URLs, as the Kubernetes CEL library treats them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qs, quote, urlsplit

from msgspec import Struct

from kscan_lsp.regex import regex

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address(text: str) -> Address:
    """An IPv4 or IPv6 address; no zone, no IPv4 inside IPv6.

    Raises:
        ValueError: not an address.
    """
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("not an IP address") from None
    if isinstance(found, ipaddress.IPv6Address) and (
        found.scope_id is not None or found.ipv4_mapped is not None
    ):
        raise ValueError("an IP address must have no zone and no IPv4 address inside IPv6")
    return found


def is_canonical(text: str) -> bool:
    """Whether an address is written as it is printed.

    Raises:
        ValueError: not an address.
    """
    return str(address(text)) == text


def is_global_unicast(found: Address) -> bool:
    """Global unicast in Go's sense, private ranges included."""
    return not (
        found.is_unspecified
        or found.is_loopback
        or found.is_multicast
        or found.is_link_local
        or found == ipaddress.ip_address("255.255.255.255")
    )


def is_link_local_multicast(found: Address) -> bool:
    """224.0.0.0/24, or ff02::/16 whatever its flags."""
    if isinstance(found, ipaddress.IPv4Address):
        return found.packed[:3] == b"\xe0\x00\x00"
    return found.packed[0] == 0xFF and found.packed[1] & 0x0F == 0x02


class AddressRange(Struct, frozen=True):
    """An address with a prefix length; the address keeps its host bits, as in Go's `netip.Prefix`."""

    address: Address
    bits: int

    @property
    def network(self) -> Network:
        """The range without host bits."""
        return ipaddress.ip_network((self.address, self.bits), strict=False)

    def __str__(self) -> str:
        return f"{self.address}/{self.bits}"


_BITS = regex(r"0|[1-9][0-9]{0,2}", re.ASCII)


def address_range(text: str) -> AddressRange:
    """A range in CIDR notation.

    Raises:
        ValueError: not a range.
    """
    first, slash, bits = text.rpartition("/")
    if not slash or not _BITS.fullmatch(bits):
        raise ValueError("not a CIDR range")
    try:
        found = address(first)
    except ValueError:
        raise ValueError("not a CIDR range") from None
    if int(bits) > found.max_prefixlen:
        raise ValueError("not a CIDR range")
    return AddressRange(found, int(bits))


def contains_address(outer: AddressRange, inner: Address) -> bool:
    """Whether an address lies in a range; never across versions."""
    return outer.address.version == inner.version and inner in outer.network


def contains_range(outer: AddressRange, inner: AddressRange) -> bool:
    """Whether a range lies in a range; never across versions."""
    return outer.bits <= inner.bits and contains_address(outer, inner.address)


class Url(Struct, frozen=True):
    """The parts of a URL that CEL can ask for."""

    scheme: str
    host: str
    hostname: str
    port: str
    path: str
    query: dict[str, list[str]]


_SCHEME = regex(r"[A-Za-z][A-Za-z0-9+.-]*", re.ASCII)
_HOST = regex(r"(\[[0-9A-Fa-f:.]+(?:%25[^\]]*)?\]|[^\[\]:<>\"\\^`{|}]*)(?::([0-9]*))?", re.ASCII)


def url(text: str) -> Url:
    """An absolute URL or an absolute path, as Go's `url.ParseRequestURI` accepts them.

    Raises:
        ValueError: not a URL.
    """
    scheme, colon, _ = text.partition(":")
    absolute = bool(colon) and _SCHEME.fullmatch(scheme)
    if not text or not (absolute or text.startswith("/")) or re.search(r"[\x00-\x20\x7f]", text):
        raise ValueError("not a URL")
    try:
        parts = urlsplit(text if absolute else "x:" + text)
    except ValueError:
        raise ValueError("not a URL") from None
    host = parts.netloc.rpartition("@")[2]
    match = _HOST.fullmatch(host)
    if match is None or re.search(r"%(?![0-9A-Fa-f]{2})", parts.path):
        raise ValueError("not a URL")
    name = match[1][1:-1] if match[1].startswith("[") else match[1]
    query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=None)
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    return Url(parts.scheme if absolute else "", host, name, match[2] or "", path, query)

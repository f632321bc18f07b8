"""Fetching a blob and a manifest from an OCI registry, as the distribution specification 1.1 has it.

Only `kscan pack update` comes here. The few requests that this takes are made with the standard library: the Python
library for it (oras) brings three more packages, runs what a file of Docker names as credential helpers, and takes what
a registry sends into memory whatever its size.

Anything that is answered is held against its digest and a limit before it is used. Credentials are those that
`docker login` has written into `auths` of its configuration; no helper is run. They go to the registry and where it
says that tokens are given, over https. Only a registry on this machine is spoken to without.
"""

from __future__ import annotations

import base64
import os
import time
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib import error, parse, request

from msgspec import DecodeError, json

from kscan_lsp.cli.options import UsageError
from kscan_lsp.cli.pack_artifacts import MANIFEST_TYPE, described, layer_in
from kscan_lsp.files import encoding
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    import re

MAX_MANIFEST: Final = 1_000_000
"""Bytes of a manifest, of a token, and of Docker's configuration."""
_SECONDS: Final = 120
"""How long a registry may take for an answer."""
_PARAMETER: Final = regex(r'(\w+)="([^"]*)"')
_HERE: Final = frozenset({"localhost", "127.0.0.1"})


def pull(source: str, named: re.Match[str]) -> bytes:
    """The archive of a pack.

    Args:
        source: what settings call it.
        named: its `host`, `name`, and a `tag` or `digest`, or both: the digest decides.

    Raises:
        UsageError: it is not there, may not be had, or is not what its digest says.
    """
    registry = _Registry(source, named["host"], named["name"])
    manifest = registry.get(f"manifests/{named['digest'] or named['tag']}", MAX_MANIFEST, MANIFEST_TYPE)
    if named["digest"] and described(manifest, "").digest != named["digest"]:
        raise UsageError(f"'{source}': the registry gave another manifest than the one with this digest")
    layer = layer_in(manifest)
    if isinstance(layer, str):
        raise UsageError(f"'{source}': {layer}")
    archive = registry.get(f"blobs/{parse.quote(layer.digest, safe=':')}", layer.size, "*/*")
    if described(archive, "").digest != layer.digest:
        raise UsageError(f"'{source}': the registry gave another archive than its manifest names")
    return archive


class _Registry:
    """A repository of a registry, and what it wants to be told of who asks."""

    def __init__(self, source: str, host: str, name: str) -> None:
        self._source, self._host, self._name = source, host, name
        self._scheme = "http" if _is_here(host) else "https"
        self._opener = _opener()
        self._authorization = ""

    def get(self, what: str, most: int, accept: str) -> bytes:
        """What the registry answers, of at most so many bytes."""
        url = f"{self._scheme}://{self._host}/v2/{self._name}/{what}"
        try:
            try:
                return self._read(url, most, accept, self._authorization)
            except error.HTTPError as refused:
                if refused.code != 401 or self._authorization:
                    raise
                refused.close()
                self._authorization = self._authorized(refused.headers.get("WWW-Authenticate") or "")
                return self._read(url, most, accept, self._authorization)
        except error.HTTPError as refused:
            refused.close()
            raise UsageError(self._refusal(refused.code)) from None
        except (OSError, HTTPException, ValueError) as failed:
            why = getattr(failed, "reason", None) or failed
            raise UsageError(
                f"'{self._source}': {self._host} did not answer as a registry does: {why}"
            ) from None

    def _read(self, url: str, most: int, accept: str, authorization: str = "") -> bytes:
        asking = request.Request(url, headers={"Accept": accept, "User-Agent": "kscan"})  # noqa: S310 - see `_opener`
        if authorization:
            asking.add_unredirected_header("Authorization", authorization)  # not where it leads on to
        end = time.monotonic() + _SECONDS
        data = bytearray()
        with self._opener.open(asking, timeout=_SECONDS) as answer:
            while part := answer.read1(65_536):
                data += part
                if len(data) > most:
                    raise ValueError(f"more than {most:,} bytes")
                if time.monotonic() > end:
                    raise ValueError(f"longer than {_SECONDS} seconds")
        return bytes(data)

    def _authorized(self, challenge: str) -> str:
        """What to say, who asks, where a registry wants to know (RFC 6750 and Docker's token specification)."""
        basic = _credentials(self._host)
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic" and basic:
            return f"Basic {basic}"
        said = dict(_PARAMETER.findall(rest))
        if kind.lower() != "bearer" or "realm" not in said:
            raise ValueError("it asks for credentials, and there are none for it; run 'docker login'")
        realm = parse.urlsplit(said["realm"])
        if realm.scheme != "https" and not (
            self._scheme == realm.scheme == "http" and _is_here(realm.netloc)
        ):
            raise ValueError("it wants credentials to be sent without https")
        wanted = {"service": said.get("service", ""), "scope": f"repository:{self._name}:pull"}
        url = parse.urlunsplit((realm.scheme, realm.netloc, realm.path, parse.urlencode(wanted), ""))
        told = json.decode(
            self._read(url, MAX_MANIFEST, "application/json", f"Basic {basic}" if basic else "")
        )
        token = (told.get("token") or told.get("access_token")) if isinstance(told, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ValueError("it gave no token")
        return f"Bearer {token}"

    def _refusal(self, code: int) -> str:
        if code in {401, 403}:
            return (
                f"'{self._source}': {self._host} does not let you have it; run 'docker login {self._host}' (what "
                "a helper keeps is not used)"
            )
        if code == 404:
            return f"'{self._source}' is not at {self._host}"
        return f"'{self._source}': {self._host} answered with status {code}"


class _Onward(request.HTTPRedirectHandler):
    """Follows to where a registry keeps its blobs, over https."""

    def redirect_request(self, req: request.Request, *answer: Any) -> request.Request | None:
        before, after = parse.urlsplit(req.full_url), parse.urlsplit(answer[-1])
        if after.scheme != "https" and not (
            before.scheme == after.scheme == "http" and _is_here(after.netloc)
        ):
            answer[0].close()
            raise ValueError("it leads on to where there is no https")
        return super().redirect_request(req, *answer)


def _opener() -> request.OpenerDirector:
    """What opens http and https and nothing else: no file, and no ftp."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        _Onward(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _is_here(host: str) -> bool:
    return host.partition(":")[0] in _HERE


def _credentials(host: str) -> str:
    """User and password for a host in base64, as `docker login` writes them without a helper; empty without any."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    raw = encoding.read_bytes(folder / "config.json", MAX_MANIFEST)
    try:
        said = json.decode(raw)["auths"][host]["auth"] if isinstance(raw, bytes) else ""
        base64.b64decode(said, validate=True)
    except (DecodeError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""

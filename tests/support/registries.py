"""An OCI registry on this machine that gives what a test says, and notes what it was asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Registry(ThreadingHTTPServer):
    """`answers` are bodies, or status, headers and body, by path without the query."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, bytes | tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []
        """Paths with their queries, and who asks."""
        self.token = ""
        """What has to be said to be answered; anything where it is empty."""

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.server_port}"

    def serve(self, name: str, files: dict[str, bytes], tag: str) -> str:
        """Give what an OCI layout has, under a tag; the digest of its manifest."""
        (entry,) = json.loads(files["index.json"])["manifests"]
        for path, data in files.items():
            if path.startswith("blobs/sha256/"):
                self.answers[f"/v2/{name}/blobs/sha256:{path.rpartition('/')[2]}"] = data
        manifest = files["blobs/" + entry["digest"].replace(":", "/")]
        for reference in (tag, entry["digest"]):
            self.answers[f"/v2/{name}/manifests/{reference}"] = manifest
        return str(entry["digest"])


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        """Answer one question."""
        registry, said = self.server, self.headers.get("Authorization")
        registry.asked.append((self.path, said))
        path = self.path.partition("?")[0]
        answer = registry.answers.get(path, (404, {}, b""))
        if registry.token and path.startswith("/v2/") and said != f"Bearer {registry.token}":
            realm = f'Bearer realm="http://{registry.host}/token",service="test"'
            answer = (401, {"WWW-Authenticate": realm}, b"")
        status, headers, body = (200, {}, answer) if isinstance(answer, bytes) else answer
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def registry() -> Iterator[Registry]:
    """A registry, for as long as it is needed."""
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()

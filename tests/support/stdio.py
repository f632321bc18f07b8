"""Messages as bytes that come in pieces."""

from __future__ import annotations

from kscan_lsp.lsp.server.stdio import messages


class Pieces:
    """A source that gives its bytes in pieces of some sizes, over and over."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.data, self.sizes, self.turn = data, sizes, 0

    def read(self, size: int, /) -> bytes:
        size = min(size, self.sizes[self.turn % len(self.sizes)])
        self.turn += 1
        piece, self.data = self.data[:size], self.data[size:]
        return piece


def received(data: bytes, sizes: list[int]) -> list[bytes]:
    return list(messages(Pieces(data, sizes)))


def framed(body: bytes, header: bytes = b"Content-Length: %d\r\n\r\n") -> bytes:
    return header % len(body) + body

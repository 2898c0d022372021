"""A WebSocket client for text messages, over a plain socket (RFC 6455)."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from typing import Any, Self


class Closed(Exception):
    """The server closed the connection."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class WebSocket:
    """An open connection.

    Args:
        subprotocol: The protocol that is spoken over it.
    """

    def __init__(self, port: int, path: str, subprotocol: str, **headers: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._read = self._socket.makefile("rb")
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            f"Sec-WebSocket-Protocol: {subprotocol}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.status = int(self._read.readline().split()[1])
        while self._read.readline().strip():
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._read.close()
        self._socket.close()

    def send(self, message: Any) -> None:
        """Send a message as JSON, in one masked frame."""
        raw = json.dumps(message).encode()
        mask = os.urandom(4)
        length = bytes([0x80 | len(raw)]) if len(raw) < 126 else b"\xfe" + struct.pack(">H", len(raw))
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(raw))
        self._socket.sendall(b"\x81" + length + mask + masked)

    def receive(self) -> Any:
        """Return the next message. Raises: Closed."""
        while True:
            first, second = self._read.read(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(self._read.read(2 if length == 126 else 8))
            raw = self._read.read(length)
            match first & 0x0F:
                case 1:
                    return json.loads(raw)
                case 8:
                    raise Closed(int.from_bytes(raw[:2]) if raw else 1005)

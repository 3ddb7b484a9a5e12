"""One TCP connection to an OpenIGTLink server: opened, listened to and closed without ever waiting long.

It notices an orderly close, a reset, and (where the system offers it) a peer that has vanished without a word.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
import threading
import time

_SLICE_S = 0.1
_RECEIVE_BYTES = 1 << 18
_CONNECT_TIMEOUT_S, _SEND_TIMEOUT_S = 2.0, 2.0
# A vanished peer: asked after a second of silence, given up after three questions a second apart.
_KEEP_ALIVE_OPTIONS = {"TCP_KEEPIDLE": 1, "TCP_KEEPALIVE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
_UNACKNOWLEDGED_MS = 3000


class Connection:
    """An open connection. receive() belongs to one thread; send() and close() may be called from any."""

    def __init__(self, opened: socket.socket):
        self._socket = opened
        self._socket.settimeout(_SEND_TIMEOUT_S)
        self._sending = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(opened, selectors.EVENT_READ)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in {**_KEEP_ALIVE_OPTIONS, "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_MS}.items():
            if hasattr(socket, name):
                try:
                    opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
                except OSError:
                    # Known by name, not by this system's network: only the detection of vanished peers is slower.
                    pass

    @classmethod
    def open(cls, host: str, port: int, stopping: threading.Event) -> Connection:
        """Connect within two seconds, or at once raise InterruptedError when `stopping` is set.

        Raises OSError when the host is unknown or nobody listens.
        """
        problem: OSError = ConnectionRefusedError(f"{host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            opening = socket.socket(family, kind, protocol)
            try:
                _connect(opening, address, stopping)
                # Without a listener, a port that the system itself hands out can be connected to itself.
                if opening.getsockname() == opening.getpeername():
                    raise ConnectionRefusedError("nobody listens there")
                return cls(opening)
            except OSError as error:
                opening.close()
                problem = error
                if isinstance(error, InterruptedError):
                    break
        raise problem

    def receive(self, timeout_s: float = _SLICE_S) -> bytes | None:
        """The bytes that are there; None when nothing came in time; b'' when the peer has closed.

        Raises OSError when the connection is lost.
        """
        if not self._selector.select(timeout_s):
            return None
        return self._socket.recv(_RECEIVE_BYTES)

    def send(self, data: bytes) -> None:
        """Send all of `data`. Raises OSError when the peer does not take it; the connection is then of no more use."""
        with self._sending:
            try:
                self._socket.sendall(data)
            except OSError:
                # A message may have gone out in part: nothing sensible can follow it.
                self._shut_down()
                raise

    def close(self) -> None:
        self._shut_down()
        self._selector.close()
        self._socket.close()

    def _shut_down(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _connect(opening: socket.socket, address, stopping: threading.Event) -> None:
    opening.setblocking(False)
    end = time.monotonic() + _CONNECT_TIMEOUT_S
    try:
        opening.connect(address)
    except (BlockingIOError, InterruptedError):
        pass
    while True:
        if stopping.is_set():
            raise InterruptedError("stopped while connecting")
        # Windows tells a refusal through the third list.
        _, writable, failed = select.select([], [opening], [opening], _SLICE_S)
        if writable or failed:
            break
        if time.monotonic() > end:
            raise TimeoutError("no answer")
    error = opening.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))

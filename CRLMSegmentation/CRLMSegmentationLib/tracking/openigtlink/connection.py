"""One open TCP connection to an OpenIGTLink server: listened to, sent on and closed without ever waiting long.

It notices an orderly close, a reset, and (where the system offers it) a peer that has vanished without notice.
"""

from __future__ import annotations

import selectors
import socket
import threading

_SLICE_S = 0.1
_RECEIVE_BYTES = 1 << 18
_SEND_TIMEOUT_S = 2.0
# A peer that has vanished without notice: its computer is asked after a second of silence, and what was sent to it has
# to be acknowledged in time, so that the link is back within two seconds where the peer is.
_KEEP_ALIVE_OPTIONS = {"TCP_KEEPIDLE": 1, "TCP_KEEPALIVE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 2}
_UNACKNOWLEDGED_MS = 1200


class Connection:
    """An open connection. receive() belongs to one thread; send() and close() may be called from any."""

    def __init__(self, opened: socket.socket) -> None:
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

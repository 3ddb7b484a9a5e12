"""Connecting to an OpenIGTLink server in steps of which none waits longer than it may.

A computer's name may take seconds to be found, and a network cannot be hurried: that is asked in a thread of its own,
so that a window that pumps its receiver never stands still for it.
"""

from __future__ import annotations

import ipaddress
import os
import selectors
import socket
import threading
import time
from typing import Any

from .connection import Connection

_CONNECT_TIMEOUT_S = 2.0
# What socket.getaddrinfo() says of one: family, kind, protocol, address of that family.
_Address = tuple[int, int, int, tuple[Any, ...]]


class Opening:
    """A connection that is being opened: call advance() until it gives one or raises."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._addresses: list[_Address] | None = None
        self._problem: Exception | None = None
        self._resolved = threading.Event()
        self._socket: socket.socket | None = None
        self._end = 0.0
        if _is_known_at_once(host):
            self._resolve()
        else:
            threading.Thread(target=self._resolve, name="OpenIGTLink name resolution", daemon=True).start()

    def advance(self, timeout_s: float) -> Connection | None:
        """The connection once it is there; None when that takes longer than `timeout_s`.

        Raises OSError or UnicodeError when the host or port cannot be reached.
        """
        if not self._resolved.wait(timeout_s):
            return None
        if self._addresses is None or not (self._addresses or self._socket):
            raise self._problem or ConnectionRefusedError(f"{self._host} has no address")
        try:
            if self._socket is None:
                self._socket = self._begin(*self._addresses.pop(0))
            if not self._is_through(self._socket, timeout_s):
                return None
            opened, self._socket = self._socket, None
            return Connection(opened)
        except OSError as error:
            self._problem = error
            self.close()
            if self._addresses:
                return None
            raise

    def close(self) -> None:
        """Give up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _resolve(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._addresses = [(family, kind, protocol, address) for family, kind, protocol, _, address in found]
        except (OSError, UnicodeError) as error:
            self._problem = error
        self._resolved.set()

    def _begin(self, family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        self._end = time.monotonic() + _CONNECT_TIMEOUT_S
        try:
            opened.connect(address)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            opened.close()
            raise
        return opened

    def _is_through(self, opened: socket.socket, timeout_s: float) -> bool:
        # No select(): that takes no descriptor above 1023.
        with selectors.DefaultSelector() as selector:
            selector.register(opened, selectors.EVENT_WRITE)
            is_ready = bool(selector.select(timeout_s))
        if not is_ready:
            if time.monotonic() > self._end:
                raise TimeoutError("no answer")
            return False
        error = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        # Without a listener, a port that the system itself hands out can be connected to itself.
        if opened.getsockname() == opened.getpeername():
            raise ConnectionRefusedError("nobody listens there")
        return True


def _is_known_at_once(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""An OpenIGTLink server for many clients: one thread does all the sending and listening.

Each client has a queue of its own. One that does not take what it is sent is let go, and nobody waits for it. As PLUS
does, the server speaks header version 1 to a client until that client has shown version 2, answers GET_STATUS, and
sends STATUS when there is nothing else to send (vtkPlusOpenIGTLinkServer::KeepAlive).
"""

from __future__ import annotations

import functools
import logging
import math
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from pyigtl import MessageBase

from ...errors import StreamError
from . import crc
from .commands import Command, CommandReply, command_of, reply_message
from .framing import MessageParser, pack_message
from .messages import MESSAGE_CLASSES, StatusMessage, TrackingDataMessage
from .port import checked_port

_logger = logging.getLogger(__name__)
_READ_BYTES = 1 << 16
_TICK_S = 0.25
_KEEP_ALIVE_S = 0.5
_MOST_CLIENTS = 32
# Then it is the next client's turn.
_SENDS_AT_ONCE = 16
# A client that takes nothing for so long while something waits for it has hung, unless the server itself was held up,
# as by a computer that slept.
_LONGEST_STALL_S, _STANDSTILL_S = 10.0, 1.0


class _Client:
    """One peer: what waits to be sent to it, and what it has said."""

    def __init__(self, connection: socket.socket, address):
        self.connection = connection
        self.address = f"{address[0]}:{address[1]}"
        self.parser = MessageParser()
        self.waiting: deque[memoryview] = deque()
        self.waiting_bytes = 0
        self.took_something = time.monotonic()
        self.closing = False
        self.finished = False
        # Seconds between two tracking data messages, None as long as none was asked for.
        self.tracking_interval_s: float | None = None
        self.tracking_sent = -math.inf

    def is_due_for_tracking(self, now: float) -> bool:
        return self.tracking_interval_s is not None and now - self.tracking_sent >= self.tracking_interval_s


class Server:
    """Listens on `host`:`port` (0 takes a free port) from the moment it is made; start() begins to serve.

    on_command   answers the commands of clients at once (sending waits for it); None refuses them all
    queue_bytes  what may wait for one client before it is let go
    on_message   given everything else that clients send, at once as well; the messages that it returns, such as those
                 that a GET_ message asks for, go to that client alone
    Raises StreamError when the port cannot be had. Methods may be called from any thread.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        on_command: Callable[[Command], CommandReply] | None = None,
        queue_bytes: int = 64 << 20,
        on_message: Callable[[MessageBase], Sequence[MessageBase] | None] | None = None,
    ):
        checked_port(port, lowest=0)
        try:
            self._listener = socket.create_server((host, port))
        except socket.gaierror:
            raise StreamError(f"The address {host} is not known on this computer; use 127.0.0.1 or 0.0.0.0.") from None
        except OSError as error:
            reason = getattr(error, "strerror", None) or error
            raise StreamError(
                f"Port {port} on {host} cannot be used ({reason}); stop the program that has it or choose another port."
            ) from None
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.clients_let_go = 0
        self._on_command, self._on_message = on_command, on_message
        self._queue_bytes = queue_bytes
        self._clients: list[_Client] = []
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._stopping = False
        self._taking_clients = True
        self._last_sent = time.monotonic()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._thread: threading.Thread | None = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self) -> Server:
        """Begin to serve; once is enough."""
        if self._thread is not None:
            return self
        crc.prepare()
        self._thread = threading.Thread(target=self._run, name="OpenIGTLink server", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close everything at once."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._wake()
        if self._thread is not None:
            self._thread.join()
        else:
            self._close_all()

    @property
    def client_count(self) -> int:
        with self._lock:
            return sum(not client.closing for client in self._clients)

    def wait_for_client(self, timeout_s: float | None = None) -> bool:
        """True once a client is there; False after `timeout_s` or stop()."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or any(not c.closing for c in self._clients), timeout_s)
            return not self._stopping and any(not client.closing for client in self._clients)

    def wait_for_room(self, timeout_s: float) -> None:
        """Return when every client has taken most of what was sent; one that has not after `timeout_s` is let go."""

        def slow() -> list[_Client]:
            return [client for client in self._clients if client.waiting_bytes > self._queue_bytes // 8]

        with self._changed:
            if not self._changed.wait_for(lambda: self._stopping or not slow(), timeout_s):
                for client in slow():
                    self._let_go(client, "does not take what it is sent")
        self._wake()

    @property
    def wants_tracking_data(self) -> bool:
        """True while a client has asked for TDATA with STT_TDATA."""
        return any(client.tracking_interval_s is not None for client in self._clients)

    def send(self, messages: Sequence[MessageBase], tracking_data: TrackingDataMessage | None = None) -> None:
        """Send `messages` to all clients, in the header version of each. Returns at once; what they do not take waits.

        tracking_data  goes to those alone who have asked for it, no more often than they want it
        """
        now = time.monotonic()
        with self._lock:
            receivers = [(client, client.parser.highest_version) for client in self._clients if not client.closing]
        # A client that shows another version meanwhile still gets these messages, in the version that it had.
        versions = {version for _, version in receivers}
        packed = {version: _pack_all(messages, version) for version in versions}
        packed_tracking = {}
        if tracking_data is not None and self.wants_tracking_data:
            packed_tracking = {version: _pack_all([tracking_data], version) for version in versions}
        left = False
        with self._lock:
            for client, version in receivers:
                data = packed[version]
                if packed_tracking and client.is_due_for_tracking(now):
                    client.tracking_sent = now
                    data += packed_tracking[version]
                if data and not client.closing:
                    rest = self._send_at_once(client, data)
                    if rest:
                        left = True
                        self._queue(client, rest)
        if left:
            self._wake()

    def finish(self, timeout_s: float) -> bool:
        """Take no more clients, send what waits, and close every connection in order.

        Waits for that; True when all had taken everything.
        """
        with self._changed:
            self._taking_clients = False
            for client in self._clients:
                client.closing = True
        self._wake()
        with self._changed:
            done = self._changed.wait_for(lambda: self._stopping or not self._clients, timeout_s)
            return done and not self._stopping

    def _send_at_once(self, client: _Client, data: bytes) -> memoryview:
        """Send what the system takes without waiting, unless something waits already; the rest.

        A frame then needs no other thread to be on its way.
        """
        rest = memoryview(data)
        if not client.waiting:
            try:
                rest = rest[client.connection.send(rest) :]
                self._last_sent = time.monotonic()
            except OSError:
                # Full, or lost: the thread finds out.
                pass
        return rest

    def _queue(self, client: _Client, data: bytes | memoryview) -> None:
        if client.waiting_bytes + len(data) > self._queue_bytes and client.waiting:
            self._let_go(client, "is too slow")
            return
        if not client.waiting:
            client.took_something = time.monotonic()
        client.waiting.append(memoryview(data))
        client.waiting_bytes += len(data)

    def _let_go(self, client: _Client, why: str) -> None:
        _logger.warning("The OpenIGTLink client %s %s and is let go.", client.address, why)
        self.clients_let_go += 1
        client.waiting.clear()
        client.waiting_bytes = 0
        client.closing = True

    def _wake(self) -> None:
        try:
            self._wake_writer.send(b"\0")
        except OSError:
            # Full: the thread has been woken already. Closed: there is nobody to wake.
            pass

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            looked = time.monotonic()
            while not self._stopping:
                ready = selector.select(_TICK_S)
                missed_s, looked = time.monotonic() - looked, time.monotonic()
                if missed_s > _STANDSTILL_S:
                    self._forgive_standstill(missed_s)
                for key, events in ready:
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif key.fileobj is self._wake_reader:
                        self._wake_reader.recv(4096)
                    else:
                        self._attend(selector, key.data, events)
                self._look_after_clients(selector)
        self._close_all()

    def _forgive_standstill(self, missed_s: float) -> None:
        with self._lock:
            for client in self._clients:
                client.took_something += missed_s

    def _accept(self, selector) -> None:
        try:
            connection, address = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= _MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client = _Client(connection, address)
        selector.register(connection, selectors.EVENT_READ, client)
        with self._changed:
            # What it asks for comes first, before a word that only keeps the connection alive.
            self._last_sent = time.monotonic()
            self._clients.append(client)
            self._changed.notify_all()

    def _attend(self, selector, client: _Client, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                data = client.connection.recv(_READ_BYTES)
                if not data:
                    self._remove(selector, client)
                    return
                for message in client.parser.feed(data):
                    self._answer(client, message)
            if events & selectors.EVENT_WRITE:
                self._send_waiting(client)
        except (BlockingIOError, InterruptedError):
            pass
        except (OSError, StreamError):
            self._remove(selector, client)

    def _send_waiting(self, client: _Client) -> None:
        for _ in range(_SENDS_AT_ONCE):
            with self._lock:
                data = client.waiting[0] if client.waiting else None
            if data is None:
                return
            sent = client.connection.send(data)
            with self._changed:
                client.took_something = self._last_sent = time.monotonic()
                if client.waiting and client.waiting[0] is data:
                    client.waiting_bytes -= sent
                    if sent == len(data):
                        client.waiting.popleft()
                    else:
                        client.waiting[0] = data[sent:]
                self._changed.notify_all()

    def _look_after_clients(self, selector) -> None:
        now = time.monotonic()
        if not self._taking_clients and self._listener.fileno() >= 0:
            selector.unregister(self._listener)
            self._listener.close()
        with self._lock:
            clients = list(self._clients)
            if now - self._last_sent > _KEEP_ALIVE_S:
                self._last_sent = now
                for client in clients:
                    if not client.waiting and not client.closing:
                        self._queue(client, pack_message(StatusMessage(), client.parser.highest_version))
            for client in clients:
                if client.waiting and now - client.took_something > _LONGEST_STALL_S:
                    self._let_go(client, "takes nothing any more")
        for client in clients:
            if client.closing and not client.waiting:
                self._close_in_order(selector, client, now)
            elif client.connection.fileno() >= 0:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
                if selector.get_key(client.connection).events != events:
                    selector.modify(client.connection, events, client)

    def _close_in_order(self, selector, client: _Client, now: float) -> None:
        """Say 'that was all', then wait a moment for the client's own end: a close with unread bytes would reset the
        connection and take the last messages with it.
        """
        try:
            if not client.finished:
                client.finished = True
                client.took_something = now
                client.connection.shutdown(socket.SHUT_WR)
                selector.modify(client.connection, selectors.EVENT_READ, client)
            elif now - client.took_something > 2 * _TICK_S:
                self._remove(selector, client)
        except OSError:
            self._remove(selector, client)

    def _remove(self, selector, client: _Client) -> None:
        with self._changed:
            if client not in self._clients:
                return
            self._clients.remove(client)
            client.closing = True
            selector.unregister(client.connection)
            client.connection.close()
            self._changed.notify_all()

    def _answer(self, client: _Client, message: MessageBase) -> None:
        version = client.parser.highest_version
        found = command_of(message)
        if found is not None:
            command, version = found
            answers = [reply_message(self._reply_to(command), command, version)]
        elif message.message_type == "GET_STATUS":
            answers = [StatusMessage()]
        elif message.message_type == "STT_TDATA":
            # A sender's interval that makes no sense asks for all.
            client.tracking_interval_s = max(message.interval_ms, 0) / 1000
            answers = [MESSAGE_CLASSES["RTS_TDATA"](status=0)]
        elif message.message_type == "STP_TDATA":
            client.tracking_interval_s = None
            answers = [MESSAGE_CLASSES["RTS_TDATA"](status=0)]
        else:
            answers = self._pass_on(message)
        data = _pack_all(answers, version)
        with self._lock:
            if data and not client.closing:
                self._queue(client, data)

    def _pass_on(self, message: MessageBase) -> Sequence[MessageBase]:
        if self._on_message is not None:
            try:
                return self._on_message(message) or ()
            except Exception:
                _logger.exception("A %s message could not be handled.", message.message_type)
        return ()

    def _reply_to(self, command: Command) -> CommandReply:
        if self._on_command is None:
            return CommandReply(False, "This server takes no commands.")
        try:
            return self._on_command(command)
        except Exception as error:
            _logger.exception("The command %s failed.", command.name)
            return CommandReply(False, f"The command failed: {error}")

    def _close_all(self) -> None:
        with self._changed:
            for client in self._clients:
                client.connection.close()
            self._clients.clear()
            self._changed.notify_all()
        for each in (self._listener, self._wake_reader, self._wake_writer):
            each.close()


@functools.lru_cache(maxsize=256)
def _warn_once(reason: str) -> None:
    _logger.warning("A message is not sent: %s.", reason)


def _pack_all(messages: Sequence[MessageBase], version: int) -> bytes:
    packed = []
    for message in messages:
        try:
            packed.append(pack_message(message, version))
        except ValueError as error:
            # In version 1 a long name would arrive as another name: better not at all.
            _warn_once(str(error))
    return packed[0] if len(packed) == 1 else b"".join(packed)

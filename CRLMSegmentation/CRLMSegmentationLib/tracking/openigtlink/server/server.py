"""An OpenIGTLink server for many clients: one thread does all the sending and listening.

Each client has a queue of its own. One that does not take what it is sent is released, and nobody waits for it. As PLUS
does, the server speaks header version 1 to a client until that client has shown version 2, answers GET_STATUS, and
sends STATUS when there is nothing else to send (vtkPlusOpenIGTLinkServer::KeepAlive).
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Sequence

from pyigtl import MessageBase

from ....errors import StreamError
from ....words import tr
from .. import crc
from ..messages import StatusMessage, TrackingDataMessage
from ..packing import pack_message
from ..port import checked_port
from .answers import CommandHandler, MessageHandler, ServerAnswers
from .client import ServerClient, pack_all

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


class Server:
    """Listens on `host`:`port` (0 takes a free port) from the moment it is made; start() begins to serve.

    on_command   answers the commands of clients at once (sending waits for it); None refuses them all
    queue_bytes  what may wait for one client before it is released
    on_message   given everything else that clients send, at once as well; the messages that it returns, such as those
                 that a GET_ message asks for, go to that client alone
    Raises StreamError when the port cannot be had. Methods may be called from any thread.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        on_command: CommandHandler | None = None,
        queue_bytes: int = 64 << 20,
        on_message: MessageHandler | None = None,
    ) -> None:
        checked_port(port, lowest=0)
        try:
            self._listener = socket.create_server((host, port))
        except socket.gaierror:
            raise StreamError(
                tr("The address {host} is not known on this computer; use 127.0.0.1 or 0.0.0.0.", host=host)
            ) from None
        except OSError as error:
            reason = getattr(error, "strerror", None) or error
            raise StreamError(
                tr(
                    "Port {port} on {host} cannot be used ({reason}); stop the program that has it or choose "
                    "another port.",
                    port=port,
                    host=host,
                    reason=reason,
                )
            ) from None
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.released_clients = 0
        self._answers = ServerAnswers(on_command, on_message)
        self._queue_bytes = queue_bytes
        self._clients: list[ServerClient] = []
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._stopping = False
        self._taking_clients = True
        self._last_sent = time.monotonic()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
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
        """Return when every client has taken most of what was sent; one that has not after `timeout_s` is released."""

        def slow() -> list[ServerClient]:
            return [client for client in self._clients if client.waiting_bytes > self._queue_bytes // 8]

        with self._changed:
            if not self._changed.wait_for(lambda: self._stopping or not slow(), timeout_s):
                for client in slow():
                    self._release(client, "does not take what it is sent")
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
            receivers = [(client, client.version) for client in self._clients if not client.closing]
        # A client that shows another version meanwhile still gets these messages, in the version that it had.
        versions = {version for _, version in receivers}
        packed = {version: pack_all(messages, version) for version in versions}
        packed_tracking: dict[int, bytes] = {}
        if tracking_data is not None and self.wants_tracking_data:
            packed_tracking = {version: pack_all([tracking_data], version) for version in versions}
        left = False
        with self._lock:
            for client, version in receivers:
                data = packed[version]
                if packed_tracking and client.is_due_for_tracking(now):
                    client.tracking_sent = now
                    data += packed_tracking[version]
                if data and not client.closing:
                    rest = client.send_at_once(data)
                    if len(rest) < len(data):
                        self._last_sent = time.monotonic()
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

    def _queue(self, client: ServerClient, data: bytes | memoryview) -> None:
        if client.waiting_bytes + len(data) > self._queue_bytes and client.waiting:
            self._release(client, "is too slow")
        else:
            client.queue(data)

    def _release(self, client: ServerClient, why: str) -> None:
        _logger.warning("The OpenIGTLink client %s %s and is released.", client.address, why)
        self.released_clients += 1
        client.release()

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
            awake_s = time.monotonic()
            while not self._stopping:
                ready = selector.select(_TICK_S)
                missed_s, awake_s = time.monotonic() - awake_s, time.monotonic()
                if missed_s > _STANDSTILL_S:
                    self._extend_deadlines(missed_s)
                for key, events in ready:
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif key.fileobj is self._wake_reader:
                        self._wake_reader.recv(4096)
                    else:
                        self._handle_events(selector, key.data, events)
                self._check_clients(selector)
        self._close_all()

    def _extend_deadlines(self, missed_s: float) -> None:
        with self._lock:
            for client in self._clients:
                client.last_progress += missed_s

    def _accept(self, selector: selectors.BaseSelector) -> None:
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
        client = ServerClient(connection, address)
        selector.register(connection, selectors.EVENT_READ, client)
        with self._changed:
            # What it asks for comes first, before a message that only keeps the connection alive.
            self._last_sent = time.monotonic()
            self._clients.append(client)
            self._changed.notify_all()

    def _handle_events(self, selector: selectors.BaseSelector, client: ServerClient, events: int) -> None:
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

    def _send_waiting(self, client: ServerClient) -> None:
        for _ in range(_SENDS_AT_ONCE):
            with self._lock:
                data = client.waiting[0] if client.waiting else None
            if data is None:
                return
            sent = client.connection.send(data)
            with self._changed:
                self._last_sent = time.monotonic()
                client.has_taken(data, sent)
                self._changed.notify_all()

    def _check_clients(self, selector: selectors.BaseSelector) -> None:
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
                        self._queue(client, pack_message(StatusMessage(), client.version))
            for client in clients:
                if client.waiting and now - client.last_progress > _LONGEST_STALL_S:
                    self._release(client, "takes nothing any more")
        for client in clients:
            if client.closing and not client.waiting:
                self._close_in_order(selector, client, now)
            elif client.connection.fileno() >= 0:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
                if selector.get_key(client.connection).events != events:
                    selector.modify(client.connection, events, client)

    def _close_in_order(self, selector: selectors.BaseSelector, client: ServerClient, now: float) -> None:
        """Say 'that was all', then wait a moment for the client's own end: a close with unread bytes would reset the
        connection and take the last messages with it.
        """
        try:
            if not client.finished:
                client.finished = True
                client.last_progress = now
                client.connection.shutdown(socket.SHUT_WR)
                selector.modify(client.connection, selectors.EVENT_READ, client)
            elif now - client.last_progress > 2 * _TICK_S:
                self._remove(selector, client)
        except OSError:
            self._remove(selector, client)

    def _remove(self, selector: selectors.BaseSelector, client: ServerClient) -> None:
        with self._changed:
            if client not in self._clients:
                return
            self._clients.remove(client)
            client.closing = True
            selector.unregister(client.connection)
            client.connection.close()
            self._changed.notify_all()

    def _answer(self, client: ServerClient, message: MessageBase) -> None:
        data = self._answers.to(message, client)
        with self._lock:
            if data and not client.closing:
                self._queue(client, data)

    def _close_all(self) -> None:
        with self._changed:
            for client in self._clients:
                client.connection.close()
            self._clients.clear()
            self._changed.notify_all()
        for each in (self._listener, self._wake_reader, self._wake_writer):
            each.close()

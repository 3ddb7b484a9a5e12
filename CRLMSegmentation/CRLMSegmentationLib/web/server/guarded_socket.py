"""The WebSocket of the page: wslink's own, behind a list of what a tab may say and limits on how much of it.

A browser's message comes in pieces, each with the message's number, the place of the piece and the size of the whole.
wslink makes room for the whole as soon as the first piece names its size, runs whatever was registered by any library,
and answers a fault with its trace. Here the size is bounded, what is called is listed in allowed.py, and a fault is
answered in one sentence.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgpack
from aiohttp import WSMessage, WSMsgType, web
from wslink.backends.aiohttp import AioHttpWsHandler
from wslink.chunking import generate_chunks
from wslink.protocol import EXCEPTION_ERROR, METHOD_NOT_FOUND

from .allowed import Allowed
from .outbox import Outbox
from .refusals import Refusals, Refused
from .seen_views import SeenViews

MOST_CONNECTIONS = 16
# Of one message, and of all that is unfinished of one tab: the largest that the page sends is a few kilobytes.
LARGEST_MESSAGE_BYTES = 256 * 1024
_HEADER_BYTES = 12
_MOST_UNFINISHED = 8
_MOST_PIECES = 64
# A button's action that takes longer goes on by itself, so that its tab can say something else meanwhile.
_ACTION_S = 0.2
_PICTURES, _SIZE = "trame.rca.topic.stream", "trame.rca.size"

_logger = logging.getLogger(__name__)
_NOT_TAKEN = "The page does not take this."


class Unpacker:
    """Puts the pieces of messages together, with bounded memory. Has the face of wslink's UnChunker."""

    def __init__(self) -> None:
        self._unfinished: dict[int, tuple[int, list[bytes]]] = {}

    def set_max_message_size(self, _bytes: int) -> None:
        """wslink lifts its limit here once a tab is known; this one's stays."""

    def release_pending_messages(self) -> None:
        self._unfinished.clear()

    def process_chunk(self, piece: bytes) -> Any:
        """The message that `piece` completes; None while more of it is to come. Raises Refused."""
        if len(piece) <= _HEADER_BYTES:
            raise Refused("a piece of a message without content")
        key, place, size = (int.from_bytes(piece[start : start + 4], "little") for start in (0, 4, 8))
        if size > LARGEST_MESSAGE_BYTES:
            raise Refused("a message that is larger than a tab sends")
        size_before, pieces = self._unfinished.pop(key, (size, []))
        had = sum(map(len, pieces))
        content = bytes(piece[_HEADER_BYTES:])
        if size != size_before or place != had or had + len(content) > size or len(pieces) >= _MOST_PIECES:
            raise Refused("a message whose pieces do not fit together")
        if had + len(content) < size:
            if len(self._unfinished) >= _MOST_UNFINISHED:
                raise Refused("too many messages begun at once")
            self._unfinished[key] = size, [*pieces, content]
            return None
        try:
            return msgpack.unpackb(b"".join([*pieces, content]))
        except Exception as error:
            raise Refused(f"a message that cannot be read ({type(error).__name__})") from None


class GuardedSocket(AioHttpWsHandler):  # type: ignore[misc]  # wslink has no types
    """Serves /ws for the protocol of a trame server.

    allowed   says what may be called;  refusals  notes what was refused;  seen  is told of the views of each tab
    """

    def __init__(self, protocol: Any, web_app: Any, allowed: Allowed, refusals: Refusals, seen: SeenViews) -> None:
        super().__init__(protocol, web_app)
        self._allowed, self._refusals, self._seen = allowed, refusals, seen
        self._actions: set[asyncio.Task[None]] = set()

    async def handleWsRequest(self, request: web.Request) -> web.StreamResponse:
        if len(self.connections) >= MOST_CONNECTIONS:
            self._refusals.note("more connections than the page has for its tabs")
            return web.Response(status=503, text=f"{MOST_CONNECTIONS} tabs are open already; close one of them.")
        response: web.StreamResponse = await super().handleWsRequest(request)
        return response

    async def onConnect(self, request: web.Request, client_id: str) -> None:
        await super().onConnect(request, client_id)
        self.unchunkers[client_id] = Unpacker()
        self.connections[client_id] = Outbox(self.connections[client_id], request)

    async def onClose(self, client_id: str) -> None:
        # wslink counts on onConnect() here, which is not reached by a request that is no WebSocket's.
        self.unchunkers.setdefault(client_id, None)
        self._seen.forget(client_id)
        outbox = self.connections[client_id]
        if isinstance(outbox, Outbox):
            outbox.end()
        await super().onClose(client_id)

    async def onMessage(self, is_binary: bool, msg: WSMessage, client_id: str) -> None:
        """One piece of a message. What is no message of a tab ends its connection: a browser begins anew."""
        if msg.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
            return
        try:
            if not is_binary:
                raise Refused("text in the place of a message")
            message = self.unchunkers[client_id].process_chunk(msg.data)
            if message is not None:
                await self.onCompleteMessage(message, client_id)
        except Refused as refused:
            self._refusals.note(str(refused))
            await self.connections[client_id].close()

    async def onCompleteMessage(self, rpc: Any, client_id: str) -> None:
        """Take a message that is allowed; refuse any other."""
        if not isinstance(rpc, dict) or not all(isinstance(rpc.get(name), str) for name in ("id", "method")):
            raise Refused("a message that calls nothing")
        arguments = rpc.get("args", [])
        if not isinstance(arguments, list) or rpc.get("kwargs"):
            raise Refused("a call with arguments of no kind")
        if rpc["id"].startswith("system:"):
            await super().onCompleteMessage({**rpc, "args": arguments[:1], "kwargs": {}}, client_id)
            return
        if not self.isClientAuthenticated(client_id):
            raise Refused("a call before the greeting")
        refused_names: list[str] = []
        checked: list[Any] | None
        try:
            if rpc["method"] == "trame.state.update":
                changes, refused_names = self._allowed.changes(arguments)
                checked = [changes]
            else:
                checked = self._allowed.call(rpc["method"], arguments)
        except Refused as refused:
            self._refusals.note(str(refused))
            await self.sendWrappedError(rpc["id"], METHOD_NOT_FOUND, _NOT_TAKEN, client_id=client_id)
            return
        if checked is None or (rpc["method"] == _SIZE and not self._sees(client_id, *checked)):
            await self.sendWrappedMessage(rpc["id"], None, client_id=client_id)
            return
        if rpc["method"] == "trame.trigger":
            action = asyncio.create_task(self._act(rpc["id"], checked, client_id))
            self._actions.add(action)
            action.add_done_callback(self._actions.discard)
            # What is quick is done before the next message, which may count on it.
            await asyncio.wait({action}, timeout=_ACTION_S)
            return
        await super().onCompleteMessage({**rpc, "args": checked, "kwargs": {}}, client_id)
        self._put_back(refused_names, client_id)

    def _sees(self, client_id: str, view: str, _origin: str, size: dict[str, float]) -> bool:
        return self._seen.take_size(client_id, view, size["w"], size["h"])

    async def _act(self, rpc_id: str, arguments: list[Any], client_id: str) -> None:
        """What a button calls. Its tab may be gone when that is done."""
        try:
            await self.serverProtocol.trigger(*arguments)
        except Exception:
            _logger.exception("What a button called has failed.")
        if self.isClientAuthenticated(client_id):
            await self.sendWrappedMessage(rpc_id, None, client_id=client_id)

    def publish(
        self, topic: str, data: Any, client_id: str | None = None, skip_last_active_client: bool = False
    ) -> None:
        """Pictures go straight to the tabs, where a newer one takes the place of one that waits."""
        if topic != _PICTURES:
            super().publish(topic, data, client_id, skip_last_active_client)
            return
        message = msgpack.packb({"wslink": "1.0", "id": f"publish:{topic}:0", "result": data})
        for outbox in self.getAuthenticatedWebsockets(client_id):
            for piece in generate_chunks(message, 0):
                outbox.put_picture(data["name"], piece)

    async def sendWrappedError(
        self, rpcid: str, code: int, message: str, data: Any = None, client_id: str | None = None
    ) -> None:
        """Without `data`: it holds the trace of a fault, with the places of files."""
        text = "That did not work; the terminal of the program says why." if code == EXCEPTION_ERROR else message
        await super().sendWrappedError(rpcid, code, text, None, client_id=client_id)

    def _put_back(self, names: list[str], client_id: str) -> None:
        """A tab shows what it asked for; what was refused is shown there as it is."""
        state = self.serverProtocol.server.state
        for name in names:
            self._refusals.note(f"a tab may not set {name} so")
        known = {name: state[name] for name in names if name in state and not name.startswith("_")}
        if known:
            self.publish("trame.state.topic", known, client_id=client_id)

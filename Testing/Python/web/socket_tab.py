"""A tab without a browser: says over the WebSocket what a test wants said, as wslink packs it."""

import asyncio
import itertools
from contextlib import asynccontextmanager

import aiohttp
import msgpack

_PATIENCE_S = 600
_numbers = itertools.count(1)


def packed(message, key=None, place=0, size=None) -> bytes:
    """One piece of a message with its header: number, place of the piece, size of the whole."""
    content = message if isinstance(message, bytes) else msgpack.packb(message)
    head = (next(_numbers) if key is None else key, place, len(content) if size is None else size)
    return b"".join(number.to_bytes(4, "little") for number in head) + content


class SocketTab:
    """A tab that has greeted the page.

    state  the newest of every value that the page sent, as in a browser
    """

    def __init__(self, socket):
        self.socket = socket
        self.state = {}
        self._answers = {}

    async def call(self, method, *arguments):
        """The answer of the page: {'result': ...} or {'error': {...}}."""
        number = f"rpc:{next(_numbers)}"
        message = {"wslink": "1.0", "id": number, "method": method, "args": list(arguments), "kwargs": {}}
        await self.socket.send_bytes(packed(message))
        return await self.until(lambda: self._answers.pop(number, None))

    async def until(self, found):
        """Take what the page says until found() gives something; raises ConnectionError when the page has closed."""
        while not (gives := found()):
            await self._take_one()
        return gives

    async def until_closed(self) -> bool:
        """Wait until the page ends the connection."""
        while True:
            try:
                await self._take_one()
            except ConnectionError:
                return True

    async def _take_one(self) -> None:
        message = await asyncio.wait_for(self.socket.receive(), _PATIENCE_S)
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise ConnectionError(message.type)
        # The page's own messages fit into one piece.
        said = msgpack.unpackb(message.data[12:])
        if said["id"].startswith("publish:trame.state.topic"):
            self.state.update(said["result"])
        self._answers[said["id"]] = said


@asynccontextmanager
async def socket_tab(address: str, **options):
    """A SocketTab on the page at `address`; options: of aiohttp's ws_connect, such as headers."""
    async with aiohttp.ClientSession() as client:
        async with client.ws_connect(f"{address.split('?', maxsplit=1)[0]}ws", max_msg_size=0, **options) as socket:
            tab = SocketTab(socket)
            hello = {"id": "system:c0:1", "method": "wslink.hello", "args": [{"secret": "wslink-secret"}]}
            await socket.send_bytes(packed(hello))
            await tab.until(lambda: tab._answers.pop("system:c0:1", None))
            tab.state.update((await tab.call("trame.state.get"))["result"]["state"])
            yield tab

"""What a tab is sent when it takes it slowly or not at all: nothing old, nothing without end, and no other waits."""

import asyncio

import pytest

pytest.importorskip("aiohttp", reason="aiohttp is not installed: what a tab is sent was not tested")

from CRLMSegmentationLib.web.server import outbox as outboxes
from CRLMSegmentationLib.web.server.outbox import Outbox


class _Socket:
    """A WebSocket that takes a message when it is let; also its request and transport."""

    closed, is_aborted = False, False

    def __init__(self):
        self.taken, self.takes = [], asyncio.Event()
        self.transport = self

    def get_extra_info(self, _name):
        return None

    def abort(self):
        self.is_aborted = True

    async def send_bytes(self, message):
        await self.takes.wait()
        self.taken.append(message)

    async def close(self):
        self.closed = True


async def _until(is_so):
    while not is_so():
        await asyncio.sleep(0)


def _run(test):
    async def run():
        socket = _Socket()
        outbox = Outbox(socket, socket)
        try:
            await asyncio.wait_for(test(socket, outbox), 30)
        finally:
            await outbox.close()

    asyncio.run(run())


def test_messages_come_in_order_and_of_each_view_the_newest_picture():
    async def test(socket, outbox):
        await outbox.send_bytes(b"first")
        for number in range(1000):
            outbox.put_picture("Live", b"live %d" % number)
            outbox.put_picture("Red", b"red %d" % number)
        await outbox.send_bytes(b"last")
        socket.takes.set()
        await _until(lambda: b"last" in socket.taken)
        assert socket.taken == [b"first", b"live 999", b"red 999", b"last"]

    _run(test)


def test_a_tab_that_takes_nothing_holds_up_nobody_and_is_let_go(monkeypatch):
    monkeypatch.setattr(outboxes, "SEND_WITHIN_S", 0.01)

    async def test(socket, outbox):
        await outbox.send_bytes(b"message")
        await _until(lambda: socket.is_aborted)

    _run(test)


def test_what_waits_has_an_end():
    async def test(socket, outbox):
        for _ in range(1000):
            await outbox.send_bytes(bytes(100_000))
            if socket.is_aborted:
                return
        raise AssertionError("100 MB wait")

    _run(test)

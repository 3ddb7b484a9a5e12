"""Whoever reaches the page's socket can do no more than its buttons do, and the page goes on after every attack."""

import asyncio
import re
import urllib.error
import urllib.request

import pytest

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed: attacks on the page were not tested")
pytest.importorskip("trame_slicer", reason="no trame-slicer: attacks on the page were not tested")

from served_page import ServedPage  # noqa: E402
from socket_tab import packed, socket_tab  # noqa: E402

_MOST_MORE_KB = 800_000


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """One page for all attacks, which has to end in good order after them."""
    page = ServedPage(tmp_path_factory.mktemp("page"))
    yield page
    status = page.close()
    assert status == 0 and "Traceback" not in page.terminal, page.terminal


def _lives(page) -> bool:
    with urllib.request.urlopen(f"{page.address}alive", timeout=600) as answer:
        return answer.status == 200 and page.process.poll() is None


def _memory_kb(page) -> int:
    """The most that the page's process has had."""
    with open(f"/proc/{page.process.pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))


def _in_a_tab(page, attack, **options):
    async def run():
        async with socket_tab(page.address, **options) as tab:
            return await attack(tab)

    return asyncio.run(run())


@pytest.mark.parametrize(
    "method, arguments",
    [
        ("application.exit", []), ("application.exit.later", [0]), ("trame.force.push", ["tools"]),
        ("trame.rca.push", ["Red", {}, b"x"]), ("trame.rca.drop", ["Red", 0]),
        ("trame.lifecycle.update", ["server_ready"]), ("trame.trigger", ["absent", [], {}]),
        ("trame.rca.size", ["Red", "x", {"w": "x", "h": None}]), ("trame.rca.event", ["Red", "x", {"type": []}]),
        ("file.server.directory.list", ["/"]), ("x" * 1000, []),
    ],
)  # fmt: skip
def test_a_call_that_no_button_makes_is_refused(page, method, arguments):
    async def attack(tab):
        return await tab.call(method, *arguments)

    said = _in_a_tab(page, attack)
    assert "error" in said and "data" not in said["error"]
    assert "site-packages" not in str(said) and _lives(page)
    assert len(re.findall("The page is at", page.terminal)) == 1


def test_a_button_with_arguments_that_it_does_not_have_is_refused(page):
    async def attack(tab):
        (button,) = re.findall(r"mdi-fit-to-screen.*?(trigger__\d+)", tab.state["trame__template_Red"])
        return await tab.call("trame.trigger", button, [1, 2, 3], {}), await tab.call("trame.trigger", button, [], {})

    refused, taken = _in_a_tab(page, attack)
    assert "error" in refused and "error" not in taken


def test_what_only_the_server_knows_is_neither_taken_nor_shown_to_others(page):
    async def attack(tab):
        async with socket_tab(page.address) as other:
            before = dict(other.state)
            lies = {
                "tools": [{"name": "Stylus", "distance": "90.0 mm", "text": "clear", "kind": "clear"}],
                "data_kind": "Live from OR 1", "tumor_text": "nothing there", "has_tumor": True, "margin_mm": "x",
                "trame__scripts": ["http://attacker.example/x.js"], "threshold": [1],
            }  # fmt: skip
            await tab.call("trame.state.update", [{"key": key, "value": value} for key, value in lies.items()])
            # An allowed change, made later, is sent to the other tab: what was sent before has arrived by then.
            await tab.call("trame.state.update", [{"key": "margin_mm", "value": 7}])
            await other.until(lambda: other.state["margin_mm"] == 7)
            for name in lies.keys() - {"margin_mm"}:
                assert other.state[name] == before[name], name
            # The liar is sent how it is
            await tab.until(lambda: tab.state["data_kind"] == before["data_kind"])
        async with socket_tab(page.address) as later:
            return later.state["margin_mm"], later.state["error_text"]

    assert _in_a_tab(page, attack) == (7, "")


def test_a_view_of_any_size_takes_no_memory_of_that_size(page):
    before = _memory_kb(page)

    async def attack(tab):
        for area in ("Red", "ThreeD"):
            await tab.call("trame.rca.size", area, "x", {"w": 40_000, "h": 40_000, "p": 4})
        press = {"type": "LeftButtonPress", "x": 5, "y": 5, "w": 1, "h": 1}
        await tab.call("trame.rca.event", "Red", "x", press)
        return await tab.call("trame.rca.size", "Red", "x", {"w": 400, "h": 300, "p": 1})

    assert "error" not in _in_a_tab(page, attack)
    assert _lives(page) and _memory_kb(page) - before < _MOST_MORE_KB


@pytest.mark.parametrize(
    "piece",
    [
        packed(b"x", size=4_000_000_000), packed(b"x", size=100_000_000), b"", b"\x00" * 12, packed(b"\xc1"),
        packed([1, 2]), packed({"id": 1, "method": "trame.state.get"}), packed({"id": "1"}),
        packed({"id": "1", "method": "trame.state.get", "args": {}}), "text", packed(bytes(50_000_000)),
    ],
    ids=["4 GB", "100 MB", "empty", "no content", "msgpack", "list", "id", "no method", "arguments", "text", "50 MB"],
)  # fmt: skip
def test_what_is_no_message_ends_the_connection_and_nothing_else(page, piece):
    before = _memory_kb(page)

    async def attack(tab):
        try:
            await (tab.socket.send_str if isinstance(piece, str) else tab.socket.send_bytes)(piece)
        except ConnectionError:  # closed while it was sent
            return True
        return await tab.until_closed()

    assert _in_a_tab(page, attack) and _lives(page)
    assert _memory_kb(page) - before < _MOST_MORE_KB


def test_nothing_is_answered_before_the_greeting(page):
    async def attack():
        async with aiohttp.ClientSession() as client, client.ws_connect(f"{page.address}ws") as socket:
            await socket.send_bytes(packed({"id": "rpc:1", "method": "trame.state.get", "args": []}))
            return (await asyncio.wait_for(socket.receive(), 60)).type

    assert asyncio.run(attack()) in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)


def test_other_sites_and_plain_requests_do_not_reach_the_socket(page):
    for origin in ("http://attacker.example", "null", "http://localhost:1", "http://["):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            _in_a_tab(page, None, headers={"Origin": origin})
        assert refused.value.status == 403
    with pytest.raises(urllib.error.HTTPError) as plain:
        urllib.request.urlopen(f"{page.address}ws", timeout=600)
    assert plain.value.code == 400 and _lives(page)


def test_there_is_an_end_to_connections(page):
    async def attack():
        async with aiohttp.ClientSession() as client:
            sockets = []
            try:
                while len(sockets) < 100:
                    sockets.append(await client.ws_connect(f"{page.address}ws"))
            except aiohttp.WSServerHandshakeError as refused:
                assert refused.status == 503
            for socket in sockets:
                await socket.close()
            return len(sockets)

    assert 8 <= asyncio.run(attack()) < 50

    async def read(tab):
        return tab.state["open_step"]

    assert _in_a_tab(page, read) == "connect"


def test_each_kind_of_refusal_is_written_down_once(page):
    async def attack(tab):
        for _ in range(50):
            await tab.call("trame.rca.reset", "Red")

    _in_a_tab(page, attack)
    assert page.terminal.count("trame.rca.reset") == 1


def test_a_tab_hears_which_step_is_open_after_it_has_opened_one(page):
    """What the page opened shortly before may reach the tab later than the press: the tab must not stay on it."""

    async def press(tab):
        tab.state["open_step"] = "not heard of"
        await tab.call("trame.state.update", [{"key": "open_step", "value": "record"}])
        await tab.until(lambda: tab.state["open_step"] == "record")
        await tab.call("trame.state.update", [{"key": "open_step", "value": "connect"}])
        return True

    assert _in_a_tab(page, press)

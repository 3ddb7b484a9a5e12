"""What a tab may call and set, and how much of it."""

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("wslink", reason="wslink is not installed: what a tab may say was not tested")
msgpack = pytest.importorskip("msgpack")

from CRLMSegmentationLib.web.actions.settable import settable  # noqa: E402
from CRLMSegmentationLib.web.server.allowed import Allowed  # noqa: E402
from CRLMSegmentationLib.web.server.guarded_socket import Unpacker  # noqa: E402
from CRLMSegmentationLib.web.server.refusals import Refusals, Refused  # noqa: E402


def _choose(tool):
    return tool


@pytest.fixture
def allowed():
    return Allowed(settable(["Red__value"]), {"choose": _choose}.get, ["Red", "Live"])


def _piece(content: bytes, key=1, place=0, size=None) -> bytes:
    head = (key, place, len(content) if size is None else size)
    return b"".join(number.to_bytes(4, "little") for number in head) + content


@pytest.mark.parametrize(
    "method",
    ["application.exit", "application.exit.later", "trame.force.push", "trame.rca.push", "trame.rca.drop",
     "trame.rca.reset", "trame.rca.video.negotiate", "viewport.image.render", "file.server.directory.list",
     "", None, ["trame.state.get"], "trame.state.get "],
)  # fmt: skip
def test_what_the_page_does_not_use_is_refused(allowed, method):
    with pytest.raises(Refused):
        allowed.call(method if not isinstance(method, list) else str(method), [])


@pytest.mark.parametrize(
    "name, value",
    [
        ("scope_square_mm", "12.5"), ("scope_board", "9x6"),
        ("margin_mm", 7), ("margin_mm", 0.0), ("threshold", 0.5), ("open_step", "navigate"), ("errors_closed", 3),
        ("source", "plus"), ("lesion", "mixed"), ("plus_port", "18944"), ("plus_port", 18944),
        ("file", "uploads/a.mha"), ("Red__value", -12.5), ("device", "cpu"), ("box_edge_mm", 40),
    ],
)  # fmt: skip
def test_what_a_person_sets_is_taken(allowed, name, value):
    assert allowed.changes([[{"key": name, "value": value}]]) == ([{"key": name, "value": value}], [])


def test_what_a_field_of_the_page_holds_can_be_set():
    page = Path(sys.modules[Allowed.__module__].__file__).parents[1] / "page"
    fields = {
        name for path in page.rglob("*.py")
        for name in re.findall(r'v_model=\("(\w+)",?\)', path.read_text(encoding="utf-8"))
    }  # fmt: skip
    assert {"scope_board", "scope_fine", "ct_part"} <= fields
    assert fields - set(settable([])) == set()


@pytest.mark.parametrize(
    "name, value",
    [
        # The server's alone
        ("tools", [{"name": "Stylus", "distance": "90.0 mm", "kind": "clear"}]), ("data_kind", "Live from OR 1"),
        ("tumor_text", "no tumor"), ("has_tumor", True), ("connected", True), ("doubts", []), ("placing", "box"),
        ("error_text", "x"), ("trame__scripts", ["http://attacker.example/x.js"]), ("trame__template_main", "<b>"),
        ("Red__min_value", 0), ("files", []), ("models", []), ("any_path", True), ("new", 1), ("__class__", 1),
        # Of another kind, or out of range
        ("margin_mm", "x"), ("margin_mm", None), ("margin_mm", float("nan")), ("margin_mm", 1e9), ("margin_mm", -1),
        ("margin_mm", True), ("margin_mm", [5]), ("margin_mm", {"_filter": ["a"]}), ("threshold", 2),
        ("brush_mm", 1e6), ("box_edge_mm", 0), ("open_step", "x"), ("open_step", 1), ("source", None),
        ("errors", 0), ("errors_closed", True), ("errors_closed", -1), ("file", "x" * 5000), ("file", 3), ("model", {}),
        ("plus_host", "x" * 300),
        ("plus_port", [1]), ("case_number", 1e20), ("Red__value", float("inf")), ("device", "tpu"),
    ],
)  # fmt: skip
def test_what_only_the_server_may_set_or_what_is_no_value_is_refused(allowed, name, value):
    taken, refused = allowed.changes([[{"key": name, "value": value}, {"key": "margin_mm", "value": 3}]])
    assert taken == [{"key": "margin_mm", "value": 3}] and refused == [name]


@pytest.mark.parametrize("arguments", [[], [1], [[1]], [[{}]], [[{"key": 1}]], [[], []], [[{"key": "tools"}] * 1000]])
def test_changes_that_are_none_are_refused(allowed, arguments):
    with pytest.raises(Refused):
        allowed.changes(arguments)


def test_a_button_takes_its_own_arguments_only(allowed):
    assert allowed.call("trame.trigger", ["choose", ["paint"], {}]) == ["choose", ["paint"], {}]
    for arguments in (
        [], ["absent"], [1, [], {}], ["choose"], ["choose", [], {}], ["choose", ["a", "b"], {}],
        ["choose", "paint", {}], ["choose", [["a"]], {}], ["choose", ["x" * 10_000], {}],
        ["choose", [], {"tool": "paint"}], ["choose", [None], {}], ["choose", ["a"], {}, 1],
    ):  # fmt: skip
        with pytest.raises(Refused):
            allowed.call("trame.trigger", arguments)


def test_of_the_life_cycle_a_tab_says_its_own_part(allowed):
    assert allowed.call("trame.lifecycle.update", ["client_connected"]) == ["client_connected"]
    for name in ("server_ready", "server_exited", "server_bind", "x", None, ["client_connected"]):
        with pytest.raises(Refused):
            allowed.call("trame.lifecycle.update", [name])


def test_the_size_of_a_view_is_bounded(allowed):
    _, _, size = allowed.call("trame.rca.size", ["Red", "anything", {"w": 400.5, "h": 300, "p": 2}])
    assert (size["w"], size["h"], size["p"]) == (400.5, 300, 2)
    _, _, size = allowed.call("trame.rca.size", ["Red", {}, {"w": 50_000, "h": 50_000, "p": 1e6}])
    assert size["w"] <= 10_000 and size["h"] <= 10_000 and size["p"] <= 10
    sizes = [("x", 1, 1), (-1, 1, 1), (float("nan"), 1, 1), (None, 1, 1), (1, 1, "2"), (1, 1, -1)]
    for wrong in ([], {"h": 1}, *(dict(zip("whp", size)) for size in sizes)):
        with pytest.raises(Refused):
            allowed.call("trame.rca.size", ["Red", "x", wrong])
    with pytest.raises(Refused):
        allowed.call("trame.rca.size", ["Other", "x", {"w": 10, "h": 10}])


def test_events_of_a_mouse_reach_a_view_and_keys_do_not(allowed):
    press = {"type": "LeftButtonPress", "x": 10, "y": 20.5, "w": 400, "h": 300, "shiftKey": 0, "action": "down"}
    assert allowed.call("trame.rca.event", ["Red", "x", press])[2] == {
        "type": "LeftButtonPress", "x": 10, "y": 20.5, "w": 400, "h": 300, "shiftKey": 0
    }  # fmt: skip
    pinch = {"type": "Pinch", "factor": 1.2, "positions": {"3": {"x": 1, "y": 2, "z": 0}}}
    assert allowed.call("trame.rca.event", ["Red", "x", pinch])[2] == pinch
    # A view that has just been shown has no size yet: no fault of the tab's
    assert allowed.call("trame.rca.event", ["Red", "x", {**press, "w": 0, "h": 0}]) is None
    # 'q' and 'e' end an interactor's program, '3' asks for stereo
    assert allowed.call("trame.rca.event", ["Red", "x", {"type": "KeyPress", "key": "q"}]) is None
    for wrong in (
        {}, {"type": "ExitEvent"}, {"type": 5}, {**press, "x": "1"}, {**press, "x": float("inf")},
        {**press, "x": 1e300}, {**press, "w": 1e-9}, {**press, "translation": "far"}, {**press, "positions": [1]},
        {**press, "positions": {"1": {"x": "far"}}}, {**press, "positions": {"1": 5}},
    ):  # fmt: skip
        with pytest.raises(Refused):
            allowed.call("trame.rca.event", ["Red", "x", wrong])


def test_pieces_become_a_message():
    unpacker, content = Unpacker(), msgpack.packb({"id": "1", "text": "x" * 5000})
    assert unpacker.process_chunk(_piece(content[:3000], 7, 0, len(content))) is None
    assert unpacker.process_chunk(_piece(msgpack.packb({"id": "2"}), 8)) == {"id": "2"}
    assert unpacker.process_chunk(_piece(content[3000:], 7, 3000, len(content)))["text"] == "x" * 5000


@pytest.mark.parametrize(
    "pieces",
    [
        [b""], [b"short"], [_piece(b"x", size=4_000_000_000)], [_piece(b"x", size=10_000_000)],
        [_piece(b"xx", size=1)], [_piece(b"x", place=5, size=10)],
        [_piece(b"x", size=9), _piece(b"x", place=1, size=8)],
        [_piece(b"x", size=9), _piece(b"x", place=0, size=9)],
        [_piece(b"\xc1")], [_piece(b"\xdf\xff\xff\xff\xff")],
        [_piece(b"x", key, 0, 100_000) for key in range(100)],
        [_piece(b"x", 1, place, 100_000) for place in range(1000)],
    ],
)  # fmt: skip
def test_pieces_that_would_take_memory_or_fit_nowhere_are_refused(pieces):
    unpacker = Unpacker()
    unpacker.set_max_message_size(4 * 1024**3)
    with pytest.raises(Refused):
        for piece in pieces:
            unpacker.process_chunk(piece)


def test_a_refusal_is_logged_once_and_in_plain_letters(caplog):
    refusals = Refusals()
    for _ in range(1000):
        refusals.note("no tab may call \x1b[2J" + "x" * 10_000)
    for number in range(10_000):
        refusals.note(f"no tab may call {number}")
    assert refusals.count == 11_000 and len(caplog.records) < 500
    assert all("\x1b" not in record.getMessage() and len(record.getMessage()) < 300 for record in caplog.records)

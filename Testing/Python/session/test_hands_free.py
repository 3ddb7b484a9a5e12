"""Keys and foot switches: what they may ask for, by which message, and what is written of what they may not."""

import time

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.frame_source import NetworkSource
from CRLMSegmentationLib.session.hands_free.hands_free_part import REPEAT_S, HandsFreePart
from CRLMSegmentationLib.session.hands_free.shortcuts import BY_NAME, SHORTCUTS, not_by_foot
from CRLMSegmentationLib.tracking import Receiver
from CRLMSegmentationLib.tracking.openigtlink.messages import Utf8StringMessage
from CRLMSegmentationLib.tracking.openigtlink.server.server import Server


@pytest.fixture
def asked(session):
    """(session, what was done, a clock that a test sets): every action of the list is only written down."""
    now, done = [100.0], []
    part = session.hands_free = HandsFreePart(session, session._workflow, lambda: now[0])
    session.publishing.ask = part.ask
    part.handlers = {action.name: lambda action=action: done.append(action.name) for action in actions.ACTIONS}
    return session, done, now


def until(session, is_so):
    end = time.monotonic() + 600
    while not is_so():
        assert time.monotonic() < end
        session.process()
        time.sleep(0.002)


def test_a_foot_switch_asks_by_command_or_string_at_the_port_that_is_published(asked):
    session, done, now = asked
    session.publishing.start(0)
    with Receiver(port=session.publishing.port) as switch:
        switch.wait_until_connected(600)
        assert switch.commands.run("full_screen", timeout_s=600).succeeded
        until(session, lambda: done == ["full_screen"])
        now[0] += 2 * REPEAT_S
        switch.send(Utf8StringMessage("full_screen", device_name="Action"))
        until(session, lambda: len(done) == 2)
        reply = switch.commands.run("delete_tumor", timeout_s=600)
        assert not reply.succeeded and reply.text == not_by_foot()
    assert session.hands_free.text == "Full screen"


def test_a_sender_of_images_asks_by_string(asked):
    session, done, _ = asked
    with Server() as server:
        source = NetworkSource("127.0.0.1", server.port)
        session.stream.connect_source(source)
        assert server.wait_for_client(600)
        server.send([Utf8StringMessage("full_screen", device_name="Note")])
        server.send([Utf8StringMessage("full_screen", device_name="Action")])
        until(session, lambda: done)
        session.process()
        # What is still the newest is not asked for again.
        assert done == ["full_screen"] and source.asked_action() == ""
        session.stream.disconnect()


def test_nothing_that_deletes_replaces_or_leaves_anything_may_be_asked_for(asked):
    session, done, now = asked
    assert set(BY_NAME) == {"record", "stop", "next_step", "next_tumor", "full_screen"}
    for action in actions.ACTIONS:
        if action.name not in BY_NAME:
            now[0] += 1
            assert session.hands_free.ask(action.name) == not_by_foot()
    session.process()
    assert done == []


def test_a_refusal_is_one_sentence_in_the_log_and_never_what_was_sent(asked, caplog):
    session, done, now = asked
    told = []
    session.hands_free.tell = told.append
    session.hands_free.ask("Maria Muster")
    now[0] += 1
    session.hands_free.ask("record")
    session.process()
    why_not = actions.RECORD.why_not(session)
    assert done == [] and told == [not_by_foot(), why_not]
    assert session.hands_free.text == f"Start recording ({why_not})"
    written = [record.getMessage() for record in caplog.records if "hands-free, " in record.getMessage()]
    assert len(written) == 2 and "Maria" not in caplog.text + session._workflow.log.text
    assert session._workflow.log.text.count("hands-free refused") == 2


def test_a_switch_that_bounces_or_a_sender_that_repeats_asks_once(asked):
    session, done, now = asked
    for wait_s in (0.0, 0.4, 0.4, 0.4):
        now[0] += wait_s
        session.hands_free.ask("full_screen")
        session.process()
    assert done == ["full_screen"]
    now[0] += REPEAT_S + 0.1
    session.hands_free.ask(" full_screen ")
    session.process()
    assert len(done) == 2


def test_each_key_does_one_thing_and_without_a_front_end_the_action_itself(session):
    assert len({shortcut.key for shortcut in SHORTCUTS}) == len(SHORTCUTS)
    assert {action.name for shortcut in SHORTCUTS for action in shortcut.actions} == set(BY_NAME)
    session.hands_free.press("F9")
    assert session.screen.is_full
    session.hands_free.press("F1")
    session.hands_free.press("F9")
    assert not session.screen.is_full
    session.hands_free.press("F2")
    assert session.hands_free.text.startswith("Start recording (Connect first")


def test_what_comes_next_needs_no_hand(session, volume, box, mask, monkeypatch):
    following = actions.hands_free_actions.next_step
    assert actions.NEXT_STEP.why_not(session) == actions.RECORD.why_not(session) != ""
    session.volume.set(volume)
    assert actions.NEXT_STEP.why_not(session) == actions.FIND.why_not(session) != ""
    session.box.set(box)
    assert following(session) is actions.FIND
    session.tumor.set(mask)
    assert following(session) is actions.NAVIGATE
    monkeypatch.setattr(session.state, "doubts_acknowledged", False)
    assert "speaks against" in actions.NEXT_STEP.why_not(session)
    with pytest.raises(ConfigurationError):
        actions.NEXT_STEP.run(session)
    monkeypatch.setattr(type(session.recording), "state", property(lambda _: object()))
    assert following(session) is actions.STOP


def test_the_tumor_is_switched_in_the_order_of_the_list(session, volume, box, mask):
    assert "no other tumor" in actions.NEXT_TUMOR.why_not(session)
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask)
    actions.ADD_TUMOR.run(session)
    session.box.set(box)
    session.tumor.set(mask)
    assert session.tumors.chosen.number == 2
    for number in (1, 2):
        actions.NEXT_TUMOR.run(session)
        assert session.tumors.chosen.number == number

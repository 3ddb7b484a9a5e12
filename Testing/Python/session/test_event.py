"""Events of the session's parts."""

import logging

from CRLMSegmentationLib.session.event import Event


def test_handlers_are_called_in_order_until_they_disconnect():
    event, heard = Event(), []
    end = event.connect(lambda number: heard.append(("first", number)))
    event.connect(lambda number: heard.append(("second", number)))
    event(1)
    end()
    end()
    event(2)
    assert heard == [("first", 1), ("second", 1), ("second", 2)]


def test_a_handler_that_fails_keeps_nobody_from_going_on(caplog):
    errors, heard = [], []
    event = Event(errors.append)
    event.connect(lambda: 1 / 0)
    event.connect(lambda: heard.append("second"))
    with caplog.at_level(logging.ERROR):
        event()
    assert heard == ["second"] and isinstance(errors[0], ZeroDivisionError) and "failed" in caplog.text


def test_a_handler_may_disconnect_while_it_is_called():
    event, heard = Event(), []
    ends = []
    ends.append(event.connect(lambda: (heard.append("once"), ends[0]())))
    event.connect(lambda: heard.append("always"))
    event()
    event()
    assert heard == ["once", "always", "always"]

"""A question before something is lost: answered once, by the choices that it has."""

import asyncio

import pytest

State = pytest.importorskip("trame_server.state", reason="no trame: questions of the page were not tested").State

from CRLMSegmentationLib.web.actions.questions import Choice, Questions  # noqa: E402


def test_a_question_is_answered_once_and_by_its_own_choices():
    state, done = State(ready=True), []

    async def save():
        done.append("saved")

    questions = Questions(state)
    drop = Choice("Drop it", lambda: done.append("dropped"))
    questions.ask("Lose it?", Choice("Save it", save, "primary"), drop, Choice("Cancel"))
    assert state.asked["text"] == "Lose it?"
    names = [choice["name"] for choice in state.asked["choices"]]
    asyncio.run(questions.answer("another"))
    assert done == [] and state.asked
    asyncio.run(questions.answer(names[0]))
    assert done == ["saved"] and state.asked == {}
    # A second tab that still showed it
    asyncio.run(questions.answer(names[1]))
    assert done == ["saved"]
    questions.ask("Again?", Choice("Cancel"))
    asyncio.run(questions.answer(state.asked["choices"][0]["name"]))
    assert done == ["saved"] and state.asked == {}

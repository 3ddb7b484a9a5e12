"""While a session is open the threads of BLAS do not take the processors from its views."""

import os

import pytest
from CRLMSegmentationLib.session.session import Session
from threadpoolctl import ThreadpoolController

VARIABLE = "OPENBLAS_NUM_THREADS"


def threads():
    return {library["num_threads"] for library in ThreadpoolController().select(user_api="blas").info()}


@pytest.fixture
def two_threads(monkeypatch):
    """As where nobody has said how many."""
    monkeypatch.setenv(VARIABLE, "1")  # so that it is put back
    monkeypatch.delenv(VARIABLE)
    with ThreadpoolController().select(user_api="blas").limit(limits=2):
        assert threads() == {2}
        yield


def test_one_while_a_session_is_open_and_as_before_after(two_threads):
    session = Session()
    assert threads() == {1} and os.environ[VARIABLE] == "1"
    session.close()
    assert threads() == {2} and VARIABLE not in os.environ
    session.close()
    assert threads() == {2}


def test_what_somebody_has_chosen_stays(two_threads, monkeypatch):
    monkeypatch.setenv(VARIABLE, "2")
    session = Session()
    assert threads() == {2}
    session.close()
    assert os.environ[VARIABLE] == "2"

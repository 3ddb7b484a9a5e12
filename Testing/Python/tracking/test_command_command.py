"""`crlm command` against servers that answer as PlusServer 2.9 does."""

import socket

import pytest
from CRLMSegmentationLib import cli
from CRLMSegmentationLib.tracking.openigtlink.commands import CommandReply
from CRLMSegmentationLib.tracking.openigtlink.server import Server


@pytest.fixture
def plus():
    """A server that knows two commands; gives its port and the commands that came."""
    came = []

    def answer(command):
        came.append(command)
        if command.name == "RequestDeviceIds":
            return CommandReply(True, "Video,Capture", {"Capture": "Capture", "Depth": "90"})
        return CommandReply(False, "Command failed. See error message.", {"Error": "VirtualCapture has not been found"})

    server = Server(on_command=answer).start()
    yield server.port, came
    server.stop()


def command(port, *texts):
    return cli.main(["command", *texts, "--port", str(port)])


def test_what_is_answered_is_printed(plus, capsys):
    port, came = plus
    assert command(port, "RequestDeviceIds") == 0
    assert capsys.readouterr().out == "Video,Capture\nDepth: 90\n"
    assert came[0].parameters == {}


def test_a_failure_is_told_with_the_reason_of_plus(plus, capsys):
    port, came = plus
    assert command(port, "StartRecording", "CaptureDeviceId=Nope", "OutputFilename=a=b.mha") == 1
    error = capsys.readouterr().err
    assert "StartRecording failed: VirtualCapture has not been found." in error and "See error message" not in error
    assert came[0].parameters == {"CaptureDeviceId": "Nope", "OutputFilename": "a=b.mha"}


def test_a_command_that_nobody_answers_ends(capsys):
    """PLUS answers no unknown command that came as a string."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert command(silent.getsockname()[1], "Nonsense", "--timeout", "0.3") == 1
    assert "has not answered the command Nonsense within 0.3 s" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["OutputFilename", "=x", "a b=c"])
def test_a_parameter_that_is_none_is_refused_before_the_server_is_asked(plus, capsys, word):
    port, came = plus
    assert command(port, "StartRecording", word) == 1
    assert "KEY=VALUE" in capsys.readouterr().err and not came

"""`crlm record`, `stream`, `replay` and `web`: what they refuse, and what they tell of a stream."""

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from CRLMSegmentationLib.tracking import Replayer


def a_sweep(valid=True):
    return Sweep([TrackedFrame(np.full((4, 5), n, np.uint8), np.eye(4), 100 + n / 50, valid) for n in range(12)])


@pytest.mark.parametrize("command", [
    ["record", "-o", "r.igs.mha"], ["stream", "--seconds", "1"], ["replay", "sweep.mha"], ["web"],
])  # fmt: skip
@pytest.mark.parametrize("port", ["94236", "-1"])
def test_a_port_that_is_none_is_refused(command, port, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*command, "--port", port]) == 1 and not list(tmp_path.iterdir())
    assert f"{port} is no port" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--every", "nan"], ["--every", "0"], ["--seconds", "-1"]])
def test_stream_refuses_times_that_are_none(options, capsys):
    assert main(["stream", "--port", "1", "--seconds", "1", *options]) == 1
    assert "must be greater than 0" in capsys.readouterr().err


def test_stream_without_a_server_fails(capsys):
    assert main(["stream", "--port", "1", "--seconds", "0.2", "--every", "0.1"]) == 1
    assert "No OpenIGTLink server answers" in capsys.readouterr().err


def test_a_recording_without_a_valid_pose_warns_with_the_reason_and_another_status(tmp_path, capsys):
    with Replayer(a_sweep(valid=False), 0, speed=None) as replayer:
        status = main(["record", "-o", str(tmp_path / "a.igs.mha"), "--port", str(replayer.port), "--until-closed"])
    printed = capsys.readouterr()
    assert status not in (0, 1) and (tmp_path / "a.igs.mha").is_file()
    assert "12 without a valid pose" in printed.out and "no transforms come with the images" in printed.out
    assert "No frame has a valid pose" in printed.err


def test_a_recording_that_ended_as_it_was_to_tells_no_interruption(tmp_path, capsys):
    for number, options in enumerate((["--until-closed"], ["--frames", "5"])):
        with Replayer(a_sweep(), 0, speed=None) as replayer:
            path = str(tmp_path / f"{number}.igs.mha")
            assert main(["record", "-o", path, "--port", str(replayer.port), *options]) == 0
        printed = capsys.readouterr()
        assert "0 without a valid pose" in printed.out and "no connection" not in printed.out


def test_an_image_stream_is_recorded_by_its_name(tmp_path, capsys):
    with Replayer(a_sweep(), 0, speed=None) as replayer:
        words = ["record", "-o", str(tmp_path / "a.igs.mha"), "--port", str(replayer.port), "--until-closed"]
        assert main([*words, "--image-name", "Video"]) not in (0, 1)
    assert "Image_Image came, and Video was to be taken" in capsys.readouterr().err

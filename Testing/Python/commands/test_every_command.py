"""What every command of `crlm` has in common: --json, --quiet, and the same name for the same thing."""

import argparse
import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import _COMMANDS, build_parser, main
from CRLMSegmentationLib.commands.options.printing import is_json, is_quiet, print_doubt, print_facts, printing
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.tracking import Replayer
from CRLMSegmentationLib.values import Volume

# Prints no facts of its own yet.
WITHOUT_JSON = {"study"}
# What an --output replaces only with --force; but these never replace anything that is not their own.
WITHOUT_FORCE = {
    "record": "a recording is never replaced",
    "import-model": "a model is never replaced",
    "study report": "a report replaces what an earlier report made, and nothing else",
    "study run": "a report replaces what an earlier report made, and nothing else",
}
# Two options of one name and of two kinds.
OF_TWO_KINDS = {
    "--camera": "of simulate how many views, of scope the file of a camera",
    "--sweep": "of demo the recorded sweep to work on, of simulate whether to make one",
    "--date": "the calendar's of a CT, or of simulate the number of the date",
    "--model": "the model to use, or in a study further ones by name",
    "--device": "a study is trained where it is asked to be, and nowhere by itself",
    "--threads": "checked where it is read",
    "--spacing": "three numbers where a volume is reconstructed, one where an accuracy is simulated",
    "--task": "of a model that is taken over, or several of a study",
    "--network": "any of a study's tasks, or one of those of the landmarks",
    "--epochs": "checked where it is read, or at once",
    "--iterations": "checked where it is read, or at once",
    "--workers": "checked where it is read, or at once",
    "--kind": "of a model that is taken over, or which models a study trains",
}


def leaves():
    """(name, parser) of every command, and of every step of one that has steps."""

    def below(name, parser):
        steps = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not steps:
            yield name, parser
        for step, inner in (entry for action in steps for entry in action.choices.items()):
            yield from below(f"{name} {step}".strip(), inner)

    return dict(below("", build_parser()))


def options_of(parser):
    return {text: action for action in parser._actions for text in action.option_strings}


@pytest.fixture(scope="module")
def commands():
    return leaves()


def test_every_command_can_print_json_and_be_quiet(commands):
    assert {name.split()[0] for name in commands} == set(_COMMANDS)
    silent = {name for name, parser in commands.items() if "--quiet" not in options_of(parser)}
    without = {name for name, parser in commands.items() if "--json" not in options_of(parser)}
    assert silent == set()
    assert {name.split()[0] for name in without} == WITHOUT_JSON


def test_what_is_written_is_called_output_in_every_command(commands):
    for name, parser in commands.items():
        options = options_of(parser)
        assert ("-o" in options) == ("--output" in options), name
        if "-o" in options:
            assert options["-o"] is options["--output"]
            assert ("--force" in options) == (name not in WITHOUT_FORCE), name
        else:
            assert "--force" not in options, name


def test_an_option_that_two_commands_have_is_the_same_in_both(commands):
    kinds: dict[str, set] = {}
    for parser in commands.values():
        for text, action in options_of(parser).items():
            what = (type(action).__name__, action.type, action.metavar if text not in ("-o", "--output") else "")
            kinds.setdefault(text, set()).add((*what, tuple(action.choices or ()), action.nargs))
    different = {text for text, found in kinds.items() if len({repr(one) for one in found}) > 1}
    assert different == set(OF_TWO_KINDS)


def test_the_plus_configuration_and_the_processes_have_one_name(commands):
    for name, parser in commands.items():
        for text in options_of(parser):
            assert text not in ("--config", "--configuration-file", "--plus", "--processes", "--jobs", "--out"), name


def crlm(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def lines_of(out):
    """The objects of JSON lines; nothing else may be among them, and no NaN."""
    return [json.loads(line, parse_constant=lambda word: pytest.fail(word)) for line in out.splitlines()]


@pytest.fixture
def sweep(tmp_path):
    frames = []
    for number in range(12):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        pose[2, 3] = number
        frames.append(TrackedFrame(np.full((11, 21), 10 + number, np.uint8), pose, number / 10))
    return write_sweep(Sweep(frames), tmp_path / "a.igs.mha")


@pytest.fixture
def volume(tmp_path):
    ball = np.zeros((6, 6, 6), np.uint8)
    ball[2:4, 2:4, 2:4] = 1
    return write_volume(Volume(ball, np.eye(4)), tmp_path / "ball.nrrd")


@pytest.mark.parametrize(
    "line, facts",
    [
        ("info SWEEP", {"kind": "sweep", "frames": 12}),
        ("convert SWEEP -o DIR/b.igs.nrrd", {"recording": "DIR/b.igs.nrrd", "frames": 12, "made_grey": False}),
        ("reconstruct SWEEP -o DIR/v.nrrd --spacing 1", {"volume": "DIR/v.nrrd", "dimensions": [11, 6, 12]}),
        ("repair DIR", {"recovered": [], "failed": []}),
        ("compare VOLUME VOLUME", {"dice": 1.0}),
        ("difference VOLUME VOLUME", {"voxels": 8, "same_share": 1.0}),
    ],
)
@pytest.mark.parametrize("quietly", [[], ["--quiet"]])
def test_with_json_standard_output_is_one_object(line, facts, quietly, capsys, tmp_path, sweep, volume):
    paths = {"SWEEP": sweep, "VOLUME": volume, "DIR": tmp_path}
    for name, path in paths.items():
        line = line.replace(name, str(path))
    status, out, err = crlm(capsys, *line.split(), "--json", *quietly)
    (found,) = lines_of(out)
    facts = {
        key: value.replace("DIR", str(tmp_path)) if isinstance(value, str) else value for key, value in facts.items()
    }
    assert status == 0 and {key: found[key] for key in facts} == facts
    assert bool(err) != bool(quietly), "people's lines are beside it, on standard error"


def test_a_stream_is_recorded_watched_and_served_with_json(capsys, tmp_path, sweep):
    from CRLMSegmentationLib.sweep import read_sweep

    def served():
        return Replayer(read_sweep(sweep), 0, speed=None)

    with served() as replayer:
        words = ["record", "-o", tmp_path / "r.igs.mha", "--port", replayer.port, "--until-closed", "--json"]
        status, out, err = crlm(capsys, *words)
    (recorded,) = lines_of(out)
    assert status == 0 and recorded["frames"] == 12 and recorded["files"] == [str(tmp_path / "r.igs.mha")]
    assert recorded["interruptions"] == [] and "12 frames" in err
    with served() as replayer:
        words = ["stream", "--port", replayer.port, "--seconds", "0.5", "--every", "0.2", "--json"]
        status, out, _ = crlm(capsys, *words)
    lines = lines_of(out)
    assert status == 0 and len(lines) >= 1 and lines[-1]["frames"] == 12


def test_a_command_of_plus_is_answered_with_json(capsys, sweep):
    from CRLMSegmentationLib.sweep import read_sweep
    from CRLMSegmentationLib.tracking import CommandReply

    def answer(command):
        return CommandReply(command.name == "Version", "1.2.3", {"Patch": "3"})

    with Replayer(read_sweep(sweep), 0, on_command=answer) as replayer:
        status, out, err = crlm(capsys, "command", "Version", "--port", replayer.port, "--json")
        (found,) = lines_of(out)
        assert status == 0 and (found["command"], found["text"]) == ("Version", "1.2.3") and "1.2.3" in err
        status, out, err = crlm(capsys, "command", "Nonsense", "--port", replayer.port, "--json")
        assert status == 1 and out == "" and "Nonsense failed" in err


def test_a_fault_prints_a_sentence_and_no_json(capsys, tmp_path):
    status, out, err = crlm(capsys, "info", tmp_path / "missing.nrrd", "--json")
    assert status == 1 and out == "" and "missing.nrrd" in err


def test_facts_lines_and_doubts_go_where_they_belong(capsys):
    def speak():
        print("a line")
        print_doubt("a doubt")
        print_facts({"fact": float("nan"), "many": np.arange(2)})

    expected = {
        (False, False): ("a line\na doubt\n", ""),
        (False, True): ("a doubt\n", ""),
        (True, False): ('{"fact": null, "many": [0, 1]}\n', "a line\na doubt\n"),
        (True, True): ('{"fact": null, "many": [0, 1]}\n', "a doubt\n"),
    }
    for (as_json, quietly), streams in expected.items():
        with printing(as_json, quietly):
            assert (is_json(), is_quiet()) == (as_json, quietly)
            speak()
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == streams
    assert not is_json() and not is_quiet()


def test_json_and_quiet_count_before_and_behind_a_step():
    for words in (["study", "--quiet", "simulate"], ["study", "simulate", "--quiet"]):
        assert build_parser("study").parse_args([*words, "--work", "x"]).quiet
    assert not build_parser("study").parse_args(["study", "simulate", "--work", "x"]).quiet

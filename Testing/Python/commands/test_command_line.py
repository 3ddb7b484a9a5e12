"""What every command of `crlm` has in common: help, options, what is printed, and how a fault ends."""

import argparse
import json
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import CRLMSegmentationLib
import numpy as np
import pytest
from CRLMSegmentationLib import cli, tracking
from CRLMSegmentationLib.cli import _COMMANDS, build_parser, main
from CRLMSegmentationLib.commands import info, reconstruct
from CRLMSegmentationLib.commands.demo import source
from CRLMSegmentationLib.commands.options.printing import in_runs, is_quiet, plain, print_doubt, text
from CRLMSegmentationLib.commands.options.several_values import gathered, values
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.session.recordings import replay_process
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_sweep, write_sweep
from CRLMSegmentationLib.tracking import RecordingSummary
from CRLMSegmentationLib.values import Volume


def crlm(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def sweep_file(path, steps=(1.0,) * 7, **changes):
    """Parallel frames of 20 x 10 mm, 0.1 s apart, the distances between them as in `steps`."""
    frames, place = [], 0.0
    for number, step in enumerate((0.0, *steps)):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        place += step
        pose[2, 3] = place
        frames.append(TrackedFrame(np.full((21, 41), 10 + number, np.uint8), pose, number / 10).with_changes(**changes))
    return write_sweep(Sweep(frames), path)


def parsers(parser):
    """Every parser below `parser`, with its name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield name, inner
                yield from parsers(inner)


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_shows_examples_that_it_takes(name, capsys):
    parser = build_parser(name)
    with pytest.raises(SystemExit):
        parser.parse_args([name, "--help"])
    shown = capsys.readouterr().out
    examples = [line.strip() for line in shown.partition("examples:")[2].splitlines() if line.strip()]
    assert examples
    for example in examples:
        program, *arguments = shlex.split(example)
        assert program == "crlm" and parser.parse_args(gathered(arguments)).command == name


def test_every_step_shows_examples_of_its_own():
    for _, parser in parsers(build_parser()):
        examples = parser.format_help().partition("examples:\n")[2].splitlines()
        assert examples and all(f"{example} ".startswith(f"  {parser.prog} ") for example in examples), parser.prog


def test_every_option_says_what_it_is_for_and_what_it_is_without_it():
    silent = []
    for name, parser in parsers(build_parser()):
        for action in parser._actions:
            if isinstance(action, (argparse._HelpAction, argparse._VersionAction, argparse._SubParsersAction)):
                continue
            shown = action.help or ""
            needs_default = action.option_strings and action.nargs != 0 and action.default not in (None, [])
            if not shown or (needs_default and "default" not in shown):
                silent.append(f"{name} {'/'.join(action.option_strings) or action.dest}")
    assert silent == []


@pytest.mark.parametrize(
    "line, expected",
    [
        ("reconstruct --spacing 0.5 1 2 s.mha -o v.nrrd", {"spacing": [0.5, 1, 2], "sweep": "s.mha"}),
        ("reconstruct --spacing 1 s.mha -o v.nrrd", {"spacing": [1], "sweep": "s.mha"}),
        ("reconstruct --image-to-probe 1 0 0 0 0 -1 0 0 0 0 1 0 0 0 0 1 s.mha -o v.nrrd", {"sweep": "s.mha"}),
        ("segment -o m.nrrd --box -1 -2.5 +3 4 5 6e0 v.nrrd",
         {"box": ["-1", "-2.5", "+3", "4", "5", "6e0"], "volume": "v.nrrd"}),
        ("segment -o m.nrrd --box roi.mrk.json v.nrrd", {"box": ["roi.mrk.json"], "volume": "v.nrrd"}),
        ("segment -o m.nrrd --box 'my roi.mrk.json' v.nrrd", {"box": ["my roi.mrk.json"], "volume": "v.nrrd"}),
        ("segment -o m.nrrd --box 1,2,3,4,5,6 v.nrrd", {"box": list("123456"), "volume": "v.nrrd"}),
        ("segment -o m.nrrd --box b.mrk.json --folds fold_0 1 v.nrrd", {"folds": ["fold_0", "1"], "volume": "v.nrrd"}),
        ("import-model --folds 0 1 result name", {"result": "result", "name": "name", "folds": ["0", "1"]}),
        ("reconstruct --fan none s.mha -o v.nrrd", {"fan": ["none"], "sweep": "s.mha"}),
    ],
)  # fmt: skip
def test_an_option_does_not_swallow_the_file_name_behind_it(line, expected):
    arguments = shlex.split(line)
    parsed = vars(build_parser(arguments[0]).parse_args(gathered(arguments)))
    assert {name: parsed[name] for name in expected} == expected


def test_words_behind_two_dashes_and_missing_values_stay_as_they_are():
    assert gathered(["--", "--box", "1", "2"]) == ["--", "--box", "1", "2"]
    assert gathered(["a", "--box", "--tight"]) == ["a", "--box", "--tight"]
    assert values("1 2, 3") == ["1", "2", "3"]


def test_json_holds_no_nan_and_people_read_words():
    value = {"a": np.float32("nan"), "b": [np.inf, np.int64(3)], "c": np.arange(2), "d": Path("x"), "e": None}
    same = json.loads(json.dumps(plain(value), allow_nan=False))
    assert same == {"a": None, "b": [None, 3], "c": [0, 1], "d": "x", "e": None}
    shown = text({"spacing": [0.5, 1.23456789], "ok": True, "rate": float("nan")})
    assert shown == "spacing 0.5 1.235, ok yes, rate unknown"


def refuse_nan(text):
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_what_is_printed_as_json_is_json_for_everyone(capsys, tmp_path):
    timeless = sweep_file(tmp_path / "a.igs.mha", timestamp=float("nan"))
    nan = write_volume(Volume(np.full((2, 2, 2), np.nan, np.float32), np.eye(4)), tmp_path / "nan.nrrd")
    empty = write_volume(Volume(np.zeros((2, 2, 2), np.uint8), np.eye(4)), tmp_path / "empty.nrrd")
    full = write_volume(Volume(np.ones((2, 2, 2), np.uint8), np.eye(4)), tmp_path / "full.nrrd")
    for arguments in (["info", timeless], ["info", nan], ["compare", empty, full], ["difference", nan, full]):
        status, out, _ = crlm(capsys, *arguments, "--json")
        assert status == 0 and refuse_nan(out)
    assert refuse_nan(crlm(capsys, "info", timeless, "--json")[1])["frames_per_second"] is None


def test_info_is_for_people(capsys, tmp_path):
    steps = [0.5, 3.0, 0.5, 4.0, 0.5, 0.5, 5.0, 0.5, 0.5]
    path = sweep_file(tmp_path / "a.igs.mha", steps, transforms={"StylusToReference": Pose(np.eye(4), False)})
    _, out, _ = crlm(capsys, "info", path)
    assert not any(mark in out for mark in "{}[]") and "StylusToReference (0 of 10 valid)" in out
    assert out.count("frames/s") == 1 and "10.0 frames/s" in out
    # One sentence for the three gaps, with the worst of them.
    assert out.count("Too fast") == 1 and "worst of 3" in out and "5.0 mm" in out and "frame 6 and frame 7" in out


def test_info_of_a_tracker_alone_lists_its_transforms(capsys, tmp_path):
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "DimSize = 0 0 2", "ElementType = MET_OTHER",
             "Kinds = domain domain list"]  # fmt: skip
    for number in range(2):
        lines.append(f"Seq_Frame{number:04d}_StylusToTrackerTransform = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1")
        lines.append(f"Seq_Frame{number:04d}_Timestamp = {number}")
    path = tmp_path / "a.igs.mha"
    path.write_bytes("\n".join([*lines, "ElementDataFile = LOCAL", ""]).encode())
    status, out, _ = crlm(capsys, "info", path)
    assert status == 0 and "StylusToTracker (2 of 2 valid)" in out and "without images" in out
    status, _, error = crlm(capsys, "reconstruct", path, "-o", tmp_path / "v.nrrd")
    assert status == 1 and "tracking data without images" in error


PLUS = '<PlusConfiguration><VolumeReconstruction OutputSpacing="1 1 1" {}>{}</VolumeReconstruction></PlusConfiguration>'


@pytest.mark.parametrize(
    "attributes, inner, option",
    [
        ('FillHoles="ON"', '<HoleFilling><HoleFillingElement Type="GAUSSIAN"/></HoleFilling>', ("--fill", "stick")),
        ('CompoundingMode="Importance_Mask"', "", ("--compounding", "mean")),
        ('FanAnglesDeg="-30 30" EnableFanAnglesAutoDetect="TRUE"', "", ("--fan", "none")),
        ('FanAnglesDeg="-30 30" EnableFanAnglesAutoDetect="TRUE"', "", ("--fan", "20", "-20", "-60", "60", "0", "99")),
    ],
)
def test_options_take_the_place_of_what_a_configuration_asks_for_and_is_not_offered(
    capsys, tmp_path, attributes, inner, option
):
    sweep = sweep_file(tmp_path / "a.igs.mha")
    (tmp_path / "plus.xml").write_text(PLUS.format(attributes, inner))
    arguments = [sweep, "--plus-config", tmp_path / "plus.xml"]
    assert crlm(capsys, "info", *arguments)[0] == 0
    status, _, error = crlm(capsys, "reconstruct", *arguments, "-o", tmp_path / "v.nrrd")
    assert status == 1 and option[0] in error
    assert crlm(capsys, "reconstruct", *arguments, "-o", tmp_path / "v.nrrd", *option)[0] == 0


def test_igsio_s_optimization_is_only_asked_for_with_igsio_s_arithmetic(capsys, tmp_path):
    sweep = sweep_file(tmp_path / "a.igs.mha")
    (tmp_path / "plus.xml").write_text(PLUS.format('Optimization="SOMETHING"', ""))
    arguments = ["reconstruct", sweep, "--plus-config", tmp_path / "plus.xml", "-o", tmp_path / "v.nrrd"]
    assert crlm(capsys, *arguments)[0] == 0
    assert crlm(capsys, *arguments, "--force", "--definition", "igsio")[0] == 1


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["nofile"], "nofile does not exist"),
        (["--live", "nofile"], "nofile does not exist"),
        (["--case", "nofile"], "nofile does not exist"),
        (["--port", "70000"], "70000 is no port"),
        (["--port", "-1"], "-1 is no port"),
        (["--publish", "robot"], "--publish is 'robot'"),
        (["--publish", "0.0.0.0:"], "--publish is '0.0.0.0:'"),
        (["--publish", "70000"], "70000 is no port"),
    ],
)
def test_the_page_is_not_served_with_what_is_not_there(capsys, monkeypatch, arguments, reason):
    from CRLMSegmentationLib.web import serve

    monkeypatch.setattr(serve, "serve", lambda *arguments, **options: pytest.fail("it was served"))
    status, _, error = crlm(capsys, "web", *arguments)
    assert status == 1 and reason in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--margin", "nan"], ["--margin", "-1"], ["--learning-rate", "0"], ["--epochs", "0"]]
)
def test_figures_of_a_study_are_checked_before_it_begins(capsys, tmp_path, words):
    status, _, error = crlm(capsys, "study", "run", "--work", tmp_path / "s", *words)
    assert status == 1 and words[0] in error and not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "fault, reason",
    [
        (OSError(5, "Input/output error", "sweep.mha"), "Input/output error (sweep.mha)"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "not there"), "encoding"),
        (MemoryError(), "memory"),
    ],
)
def test_a_fault_of_the_system_is_a_sentence(capsys, monkeypatch, fault, reason):
    def run(arguments):
        raise fault

    monkeypatch.setattr(info, "run", run)
    status, _, error = crlm(capsys, "info", "x")
    assert status == 1 and reason in error and error.count("\n") == 1


def run_crlm(*words, **options):
    """The command in a process of its own."""
    library = str(Path(CRLMSegmentationLib.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": library, **options.pop("environment", {})}
    command = [sys.executable, "-m", cli.__name__, *map(str, words)]
    return subprocess.run(command, env=environment, text=True, encoding="utf-8", errors="surrogateescape", **options)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_behind_the_output_is_a_sentence(tmp_path):
    path = write_volume(Volume(np.ones((2, 2, 2), np.uint8), np.eye(4)), tmp_path / "v.nrrd")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = run_crlm("info", path, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and "No space left" in done.stderr and done.stderr.count("\n") == 1


def test_names_that_a_terminal_lacks_are_printed_as_codes(tmp_path):
    path = sweep_file(tmp_path / "swéep.igs.mha")
    done = run_crlm("info", path, environment={"PYTHONIOENCODING": "ascii"}, capture_output=True)
    assert done.returncode == 0 and "sw\\xe9ep" in done.stdout
    done = run_crlm("info", path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "swéep" in done.stdout and len(read_sweep(path)) == 8


def test_compare_says_when_its_figures_mean_little(capsys, tmp_path):
    ball, far = np.zeros((4, 4, 4), np.uint8), np.eye(4)
    ball[1:3, 1:3, 1:3] = 1
    far[0, 3] = 500
    here = write_volume(Volume(ball, np.eye(4)), tmp_path / "here.nrrd")
    there = write_volume(Volume(ball, far), tmp_path / "there.nrrd")
    empty = write_volume(Volume(ball * 0, np.eye(4)), tmp_path / "empty.nrrd")
    assert "doubt" not in crlm(capsys, "compare", here, here)[1]
    assert "one frame of reference?" in crlm(capsys, "compare", here, there)[1]
    assert "the mask is empty" in crlm(capsys, "compare", empty, here)[1]


def test_the_demo_shows_how_much_of_the_recording_has_come(monkeypatch, tmp_path):
    """Frames that are served as fast as can be come thousands in a second: no rate, but how many there are."""
    reported = []

    @contextmanager
    def bar(title):
        yield lambda fraction, text="": reported.append((fraction, text))

    monkeypatch.setattr(source, "progress_bar", bar)
    monkeypatch.setattr(replay_process, "ReplayProcess", lambda *_, **options: nullcontext(18944))

    def record(path, on_frame, **options):
        for _ in range(8):
            on_frame(None)
        return RecordingSummary((path,), 8, 0, 0, 1.0, 1.0)

    monkeypatch.setattr(tracking, "record", record)
    source.receive(source.DemoSource(sweep_file(tmp_path / "a.igs.mha")), tmp_path / "recorded.igs.mha", None)
    assert reported[0] == (1 / 8, "frame 1 of 8") and reported[-1] == (1.0, "frame 8 of 8")


def test_quiet_leaves_doubts_and_json(capsys, tmp_path, monkeypatch):
    def run(arguments):
        print("a report")
        print_doubt("a doubt")
        assert is_quiet() == arguments.quiet

    monkeypatch.setattr(reconstruct, "run", run)
    words = ["reconstruct", "sweep.mha", "-o", "v.nrrd"]
    assert crlm(capsys, *words)[1] == "a report\na doubt\n"
    assert crlm(capsys, *words, "--quiet")[1] == "a doubt\n"
    assert crlm(capsys, *words)[1] == "a report\na doubt\n" and not is_quiet()


def test_a_reconstruction_is_told_as_json(capsys, tmp_path):
    sweep = sweep_file(tmp_path / "a.igs.mha")
    words = ["reconstruct", sweep, "-o", tmp_path / "v.nrrd", "--spacing", 1, "--json", "--quiet"]
    facts = refuse_nan(crlm(capsys, *words)[1])
    assert facts["dimensions"] == [21, 11, 8] and facts["frames_used"] == 8 and facts["frames_left_out"] == []


def test_numbers_of_frames_are_told_in_runs():
    assert in_runs([]) == "" and in_runs([3]) == "3"
    assert in_runs([0, 4, 5, 6, 9, 10]) == "0, 4 to 6, 9 to 10"
    assert in_runs(range(0, 100, 2)) == "0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 and 38 more places"


def test_a_doubt_is_amber_at_a_terminal_only(capsys, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_doubt("doubt: x")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_doubt("doubt: y")
    monkeypatch.setenv("NO_COLOR", "1")
    print_doubt("doubt: z")
    assert capsys.readouterr().out == "doubt: x\n\x1b[33mdoubt: y\x1b[0m\ndoubt: z\n"

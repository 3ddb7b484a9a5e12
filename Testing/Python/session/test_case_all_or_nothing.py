"""A case is saved as a whole or not at all, and opened as a whole or not at all; nothing of it is forgotten."""

import json
import os

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.session.case import case_folder
from CRLMSegmentationLib.session.case.case_facts import read_facts
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.values import Box, Volume
from scene_case import on_scene
from small_case import TUMOR_CENTER
from stand_ins import ConeSegmenter, SphereSegmenter, ball, edit


@pytest.fixture
def found(session, volume, box):
    if session.case.take_scene is None:
        session.case.take_scene = lambda: lambda path: path.write_bytes(b"a scene")
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(ConeSegmenter())
    return session


@pytest.fixture
def folder(found, tmp_path):
    return found.case.save(tmp_path / "case")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def another_case(session):
    session.box.set(Box(TUMOR_CENTER + (2, 2, 2), (24, 24, 24)))
    session.tumor.segment(SphereSegmenter())


# Saving


@pytest.mark.parametrize("name", ["case.json", "volume.nrrd", "scene.mrb", "box.mrk.json"])
@pytest.mark.parametrize("direction", ["old file away", "new file in"])
def test_a_file_that_cannot_be_replaced_leaves_the_earlier_case(found, folder, monkeypatch, name, direction):
    before = contents(folder)
    another_case(found)
    replace = os.replace
    failed = []

    def refuses_once(source, target):
        is_it = str(source if direction == "old file away" else target) == str(folder / name)
        if is_it and not failed:
            failed.append(name)
            raise PermissionError(13, "used by another program")
        return replace(source, target)

    monkeypatch.setattr(os, "replace", refuses_once)
    with pytest.raises(FileFormatError, match="used by another program"):
        found.case.save(folder)
    assert failed and contents(folder) == before and found.case.has_unsaved_data
    assert [path.name for path in folder.iterdir() if path.is_dir()] == []
    found.case.save(folder)
    assert contents(folder) != before


class PowerCut(BaseException):
    """Ends the program where it is raised: nothing tidies up."""


FILES = ("index.json", "a", "b", "c", "d")


def save(folder, names, text):
    with case_folder.written_in_one_piece(folder, "index.json", FILES) as place:
        for name in names:
            (place / name).write_text(f"{text} {name}")
        (place / "index.json").write_text(json.dumps({"files": list(names), "text": text}))


def read(folder):
    case_folder.recover(folder, "index.json", FILES)
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize("cut_after", range(12))
@pytest.mark.parametrize("old, new", [("abc", "abc"), ("ab", "abcd"), ("abcd", "bc"), ("", "ab"), (None, "ab")])
def test_a_power_cut_while_replacing_leaves_one_case_or_the_other(tmp_path, monkeypatch, old, new, cut_after):
    folder, expected = tmp_path / "case", tmp_path / "expected"
    before = {}
    if old is not None:
        save(folder, old, "old")
        before = read(folder)
    save(expected, new, "new")
    after = read(expected)
    replace, left = os.replace, [cut_after]

    def cut(source, target):
        if left[0] == 0:
            raise PowerCut
        left[0] -= 1
        return replace(source, target)

    monkeypatch.setattr(os, "replace", cut)
    was_cut = False
    try:
        save(folder, new, "new")
    except PowerCut:
        was_cut = True
    monkeypatch.setattr(os, "replace", replace)
    if old is None and was_cut:
        assert "index.json" not in read(folder)
    else:
        assert read(folder) == (before if was_cut else after)
    save(folder, new, "new")
    assert read(folder) == after


def test_what_cannot_be_read_again_does_not_replace_a_case(found, folder, monkeypatch):
    before = contents(folder)
    another_case(found)

    def half(volume, path, **options):
        write_volume(volume, path, **options)
        path.write_bytes(path.read_bytes()[:-200])

    monkeypatch.setattr("CRLMSegmentationLib.session.case.case_files.write_volume", half)
    with pytest.raises(FileFormatError, match="as it was") as caught:
        found.case.save(folder)
    assert str(folder) in str(caught.value) and ".saving" not in str(caught.value)
    assert contents(folder) == before


def test_what_a_cut_off_save_left_behind_is_removed(found, folder, monkeypatch):
    left_over = folder / ".saving-abc"
    left_over.mkdir()
    (left_over / "volume.nrrd").write_bytes(b"0")
    found.case.save(folder)
    assert left_over.is_dir(), "it may be another program's that is at work"
    monkeypatch.setattr(case_folder.time, "time", lambda: os.stat(left_over).st_mtime + 2 * 3600)
    found.case.save(folder)
    assert not left_over.exists()


# Opening


def test_a_case_that_does_not_fit_together_leaves_what_is_open(found, folder, mask):
    write_volume(Volume(np.zeros((5, 5, 5), np.float32), np.diag([3, 3, 3, 1.0])), folder / "probability.nrrd")
    figures, box = found.tumor.figures, found.box.value
    found.structures.set_margin_mm(4.0)
    with pytest.raises(FileFormatError, match="does not fit together"):
        found.case.load(folder)
    assert found.tumor.figures == figures and found.box.value.center_ras.tolist() == box.center_ras.tolist()
    assert found.tumor.surface is not None and found.structures.margin_mm == 4.0


@pytest.mark.parametrize("version, why", [
    (3, "later version"), (99, "later version"), (0, "version is '0'"), ("1", "version is '1'"), (True, "True"),
    (None, "None"), (1.5, "1.5"),
])  # fmt: skip
def test_the_version_of_a_case_is_checked(found, folder, version, why):
    index = folder / "case.json"
    index.write_text(json.dumps({**json.loads(index.read_text(encoding="utf-8")), "version": version}))
    with pytest.raises(FileFormatError, match=why):
        found.case.load(folder)
    assert found.tumor.surface is not None


@pytest.mark.parametrize("files", [[1], [None], ["../volume.nrrd"], [["a"]], "volume.nrrd", {"a": 1}, 3, None])
def test_an_odd_list_of_files_is_refused(found, folder, files):
    index = folder / "case.json"
    index.write_text(json.dumps({**json.loads(index.read_text(encoding="utf-8")), "files": files}))
    with pytest.raises(FileFormatError, match="does not list its files"):
        found.case.load(folder)


ODD = [None, True, "x", "", [], [1], {}, {"a": [1]}, -1, 1e308, 10**400, [[1, 2], [3]], {"Stylus": "x"}, {"": [0] * 16}]


@pytest.fixture(scope="module")
def usual_facts(tmp_path_factory, volume, box):
    session = Session()
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(ConeSegmenter())
    folder = session.case.save(tmp_path_factory.mktemp("cases") / "usual")
    session.close()
    return json.loads((folder / "case.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("key", [
    "origin", "box_is_tight", "threshold", "keep", "smoothing", "margin_mm", "shows_uncertainty", "model", "model_card",
    "corrected_by_hand", "doubts", "tools", "timings_s", "case_clock_s", "steps", "tumor",
])  # fmt: skip
def test_odd_values_in_a_case_are_left_out(usual_facts, key):
    assert key in usual_facts
    read_facts({name: value for name, value in usual_facts.items() if name != key})
    for odd in ODD:
        facts = read_facts({**usual_facts, key: odd})
        assert facts.origin is None and facts.keep == "largest" and isinstance(facts.box_is_tight, bool)
        assert facts.threshold is None or 0 < facts.threshold < 1
        assert facts.margin_mm is None or 0 <= facts.margin_mm <= 20
        assert facts.smoothing is None or 0 <= facts.smoothing <= 1
        assert all(np.shape(matrix) == (4, 4) for matrix in facts.tools.values())
        assert all(isinstance(seconds, float) for seconds in facts.timings_s.values())


def test_a_case_full_of_oddities_opens_with_what_is_left(found, folder, usual_facts):
    kept = {name: usual_facts[name] for name in ("format", "version", "files")}
    (folder / "case.json").write_text(json.dumps({**{name: ["odd"] for name in usual_facts}, **kept}))
    found.case.load(folder)
    assert found.tumor.surface is not None and found.box.value is not None


# Nothing is forgotten


def test_model_keep_smoothing_margin_shells_and_doubts_come_back(view, session, found, folder):
    found.tumor.set_smoothing(0.9)
    found.structures.set_margin_mm(6.0)
    found.structures.show_uncertainty(True)
    found.tumor.set_threshold(0.42, "all")
    assert found.wait()
    found._workflow.state.doubts = ("A sentence.", "Another one.")
    object.__setattr__(found.tumor.state, "doubts", ("A sentence.", "Another one."))
    found.case.save(folder)
    card = found.tumor.result.card
    found.close()
    other = on_scene(Session())
    other.case.load(folder)
    assert other.wait()
    assert other.tumor.smoothing == 0.9 == other.tumor.state.smoothing and other.structures.margin_mm == 6.0
    assert other.tumor.threshold == 0.42 and other.tumor.kept_part == "all"
    assert other.state.doubts == ("A sentence.", "Another one.")
    assert other.structures.shows_uncertainty and other.view.margin_node() is not None
    assert {node.GetName() for node in other.view.structures.nodes()} > {names.MARGIN}
    back = other.tumor.result.card
    assert (back.name, back.version) == (card.name, card.version)
    assert back.shell_probabilities == card.shell_probabilities and back.trained_on == card.trained_on
    other.case.save(folder)
    assert json.loads((folder / "case.json").read_text(encoding="utf-8"))["model"] == {
        "name": card.name,
        "version": card.version,
    }
    other.close()


def test_what_a_hand_corrected_comes_back_also_without_a_probability(view, found, volume, mask, tmp_path):
    found.tumor.set(mask)
    found.tumor.begin_correction()
    stroke = ball(volume, TUMOR_CENTER + (0, 12, 0), 4.0)
    edit(found, lambda voxels: voxels | stroke)
    found.tumor.end_correction()
    assert found.wait()
    given = found.tumor.state.corrections
    found.case.save(tmp_path / "hand")
    other = on_scene(Session())
    other.case.load(tmp_path / "hand")
    back = other.tumor.state.corrections
    np.testing.assert_array_equal(back.painted, given.painted)
    np.testing.assert_array_equal(back.erased, given.erased)
    assert other.tumor.state.is_corrected and "corrected by hand" in other.state[Step.SEGMENT].message
    other.close()


def test_strokes_over_what_was_marked_already_come_back_as_strokes(view, found, volume, tmp_path):
    """The voxels of a mask do not tell whether a hand or the network has set them."""
    found.tumor.begin_correction()
    stroke = ball(volume, TUMOR_CENTER + (0, 12, 0), 4.0)
    edit(found, lambda voxels: voxels | stroke)
    assert found.wait()
    edit(found, lambda voxels: voxels & ~stroke)
    found.tumor.end_correction()
    assert found.wait()
    given = found.tumor.state.corrections
    found.case.save(tmp_path / "hand")
    found.case.load(tmp_path / "hand")
    np.testing.assert_array_equal(found.tumor.state.corrections.erased, given.erased)
    assert given.erased.any()


def test_that_nothing_was_found_comes_back(found, folder):
    found.tumor.set_threshold(0.97)
    assert found.wait() and found.tumor.surface is None
    found.case.save(folder)
    other = Session()
    other.case.load(folder)
    assert other.tumor.surface is None and "no tumor" in other.state[Step.SEGMENT].message
    assert other.state.status(Step.NAVIGATE) is StepStatus.WAITING
    other.tumor.set_threshold(0.5)
    assert other.wait() and other.tumor.surface is not None
    other.close()

"""The CT before the operation in a session: opened, segmented, kept, followed over time, registered, forgotten."""

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, FileFormatError, ModelError
from CRLMSegmentationLib.files import read_volume, write_volume
from CRLMSegmentationLib.pictures.ct_report import ct_report
from CRLMSegmentationLib.preoperative import into_operation
from CRLMSegmentationLib.preoperative.image_registration import refinement
from CRLMSegmentationLib.preoperative.image_registration.register import Registration as ImageRegistration
from CRLMSegmentationLib.preoperative.structures import LABELS
from CRLMSegmentationLib.preoperative.vessel_refinement import Refinement
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.preoperative import in_case, network, preoperative_part
from CRLMSegmentationLib.session.preoperative.figures import (
    correction_text,
    ct_line,
    follow_up_lines,
    lesion_row,
    registration_text,
    remnant_lines,
    touched_lines,
)
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import NOTHING_SEEN
from CRLMSegmentationLib.simulation.ct.dicom import write_dicom_series
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.values import Volume
from small_ct import ct_with, structures_by_brightness

_PATIENCE_S = 300
# A folder of a patient often bears the name.
FOLDER = "DOE^JANE"


class ByBrightness:
    """In the place of a network: liver from 0 HU on, vessels from 150, tumors from 0 to 80; goes on when it may."""

    def __init__(self, model, device):
        self.model, self.is_closed, self.may_go_on = model, False, True

    def predict(self, image, labels=None, progress=None, should_cancel=None):
        while not self.may_go_on:
            progress(0.5, "Segmenting, window 1 of 2")
            time.sleep(0.002)
        return structures_by_brightness(image, labels)

    def close(self):
        self.is_closed = True


@pytest.fixture
def session(tmp_path, monkeypatch):
    card = SimpleNamespace(
        name="stand-in", version="1", task="lvt", trained_on="Trained on simulated CTs only.",
        trained_on_simulated_only=True,
    )  # fmt: skip
    model = SimpleNamespace(name="stand-in", labels=LABELS, channels=("CT",), spacing_mm=(3.0, 3.0, 3.0), card=card)
    monkeypatch.setattr(network, "load_model", lambda name: model)
    monkeypatch.setattr(network, "model_choices", lambda *tasks: [SimpleNamespace(name="m", task="lvt", problem="")])
    session = Session()
    session.preoperative.folder = tmp_path / "results"
    begun = session.begun = []

    def begin(model, device):
        begun.append(ByBrightness(model, device))
        return begun[-1]

    session.preoperative.begin = begin
    yield session
    session.close()


def until(session, is_so=lambda: True):
    """Until nothing is computed any more, and is_so()."""
    end = time.monotonic() + _PATIENCE_S
    while session.preoperative.is_busy or not is_so():
        assert time.monotonic() < end, (session.preoperative.progress, session.preoperative.problem)
        session.process()
        time.sleep(0.002)
    return session.preoperative


def segmented(session, ct=None, date="", path=None):
    path = path or session.preoperative.folder.parent / "ct.nrrd"
    write_volume(ct or ct_with(), path)
    session.preoperative.open_volume(path, date)
    until(session).start_segmentation()
    part = until(session)
    assert part.problem == ""
    return part


def test_a_series_is_chosen_from_the_list_segmented_and_kept_without_a_name(session, tmp_path):
    folder = tmp_path / FOLDER
    for phase, diameter in (("arterial", 3), ("portal", 4)):
        write_dicom_series(ct_with(diameter), folder / phase, 3, phase, "20260105")
    part = session.preoperative
    part.open_dicom(folder)
    assert until(session).ct is None and len(part.series) == 2 and part.is_choosing
    chosen = next(one for one in part.series if "portal" in one.title)
    assert chosen.details == "CT, 30 slices, 3 mm, contrast, 2026-01-05"
    assert chosen.picture.shape == (30, 30)
    assert chosen.picture.min() < 50 and chosen.picture.max() > 150
    part.choose_series(chosen.summary.number)
    assert until(session).ct.facts.date == "2026-01-05" and not part.has_result and not part.is_choosing
    part.start_segmentation()
    assert until(session).has_result, part.problem
    assert part.structures == ["liver", "vessels", "tumor"] and session.begun[0].is_closed
    assert lesion_row(part.ct.result.measures.lesions[0]) == (
        "1", "1.73 mL", "15.0 mm", "27 mm", "9 mm", "L 12, P 22, S 134"
    )  # fmt: skip
    assert "unproven" in part.ct.doubts[0]
    # What is kept opens again, with the CT itself, and names nobody.
    kept = part.ct.folder
    assert kept == part.folder / "ct-2026-01-05"
    for file in kept.rglob("*"):
        assert not file.is_file() or not any(name in file.read_bytes() for name in (FOLDER.encode(), b"Simulated^3"))
    voxels = part.ct.volume.voxels
    part.open_result(kept)
    np.testing.assert_array_equal(until(session).ct.volume.voxels, voxels)
    assert part.ct.result.measures.liver_ml == pytest.approx(216) and part.series == ()
    # While it is open, another folder is listed to choose from.
    part.open_dicom(folder)
    assert until(session).is_choosing and part.has_result


def test_progress_is_told_and_what_is_cancelled_leaves_what_was_there(session, tmp_path):
    part = segmented(session)
    before = part.ct
    begin = part.begin

    def begin_slow(model, device):
        begin(model, device).may_go_on = False
        return session.begun[-1]

    part.begin = begin_slow
    part.start_segmentation()
    end = time.monotonic() + _PATIENCE_S
    while part.progress[1] != "Segmenting, window 1 of 2":
        assert time.monotonic() < end
        session.process()
    assert 0 < part.progress[0] < 1 and session.is_computing
    with pytest.raises(ConfigurationError, match="wait until that has ended"):
        part.start_segmentation()
    part.cancel()
    assert not part.is_busy and part.ct is before and part.problem == ""
    until(session, lambda: session.begun[-1].is_closed)
    assert [one.name for one in part.folder.iterdir()] == ["ct"]


def test_without_a_model_it_says_what_else_can_be_done(session, tmp_path, monkeypatch):
    monkeypatch.setattr(network, "model_choices", lambda *tasks: [])
    monkeypatch.setattr(preoperative_part, "usable_models", network.usable_models)
    write_volume(ct_with(), tmp_path / "ct.nrrd")
    session.preoperative.open_volume(tmp_path / "ct.nrrd")
    until(session)
    assert actions.SEGMENT_CT.why_not(session) == network.NO_MODEL
    with pytest.raises(ModelError, match="open labels that another program made"):
        session.preoperative.start_segmentation()


def test_the_folder_of_another_program_becomes_structures_with_vessels_told_apart(session, tmp_path):
    ct = ct_with()
    write_volume(ct, tmp_path / "ct.nii.gz")
    folder = tmp_path / "total"
    folder.mkdir()
    vein = np.zeros(ct.voxels.shape, bool)
    vein[15, 12:30, 12] = True  # it goes on far outside of the liver
    masks = {"liver": ct.voxels > 0, "liver_tumor": ct.voxels == 50, "liver_vessels": ct.voxels == 200,
             "portal_vein_and_splenic_vein": vein, "spleen": ct.voxels == 0}  # fmt: skip
    # The same voxels, counted from the other side.
    flipped = ct.ijk_to_ras @ np.array([[1, 0, 0, 0], [0, -1, 0, 29], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    for name, mask in masks.items():
        write_volume(Volume(mask[:, ::-1].astype(np.uint8), flipped), folder / f"{name}.nii.gz")
    part = session.preoperative
    part.open_volume(tmp_path / "ct.nii.gz", "2026-02-03")
    until(session).open_labels(folder)
    until(session)
    assert part.problem == "" and part.structures == ["liver", "vessels", "portal", "tumor"]
    found = part.ct.result
    assert len(found.measures.lesions) == 1 and found.about["model"] == {"name": "another program"}
    np.testing.assert_array_equal(found.structures.mask("tumor").voxels, ct.voxels == 50)
    portal = found.structures.mask("portal").voxels
    # 13 voxels lie in the liver, and one within 5 mm of it.
    assert portal.sum() == 14 and found.structures.mask("vessels").voxels.sum() == 14 + 20 * 2 * 2
    part.open_result(part.ct.folder)
    np.testing.assert_array_equal(until(session).ct.result.structures.mask("portal").voxels, portal)
    assert read_volume(part.ct.folder / "vessels.nrrd").voxels.max() == 2
    # On the grid of another CT they are refused, and what is open stays.
    write_volume(Volume(ct.voxels[1:], ct.ijk_to_ras), tmp_path / "other.nii.gz")
    part.open_volume(tmp_path / "other.nii.gz")
    until(session).open_labels(folder)
    assert "do not lie on the voxels of the CT" in until(session).problem and not part.has_result


def test_structures_are_shown_or_hidden_each_by_itself_and_a_lesion_is_gone_to(session):
    part = segmented(session)
    part.show("liver", False)
    assert part.shown == ["vessels", "tumor"]
    with pytest.raises(ConfigurationError, match="no structure 'spleen'"):
        part.show("spleen", True)
    part.go_to({"axial": 99, "coronal": -3})
    assert (part.at["axial"], part.at["coronal"]) == (29, 0)
    part.go_to_lesion(1)
    assert all(9 <= part.at[plane] <= 12 for plane in ("axial", "coronal", "sagittal"))
    hidden, shown = (part.ct.slices.picture("axial", part.at["axial"], names) for names in ((), ("tumor",)))
    red = (shown != hidden).any(axis=2)
    # 12 mm of 90 mm, and 24 to 36 mm of R and A from the first voxel: seen from the feet, the right on the left.
    rows, columns = np.nonzero(red)
    side = shown.shape[0] / 90
    np.testing.assert_allclose([columns.min() / side, columns.max() / side], [90 - 36, 90 - 24], atol=0.5)
    np.testing.assert_allclose([rows.min() / side, rows.max() / side], [90 - 36, 90 - 24], atol=0.5)
    at = part.ct.slices.at_pixel("axial", 11, columns.mean() / shown.shape[1], rows.mean() / shown.shape[0])
    assert at["axial"] == 11 and 9 <= at["coronal"] <= 10 and 9 <= at["sagittal"] <= 10
    with pytest.raises(ConfigurationError, match="no lesion 7"):
        part.go_to_lesion(7)


def test_lesions_are_followed_in_the_order_of_their_dates(session, tmp_path):
    late = segmented(session, ct_with(7), "2026-04-02").ct.folder
    early = segmented(session, ct_with(4), "2026-01-05").ct.folder
    part = session.preoperative
    with pytest.raises(ConfigurationError, match="at least two dates"):
        part.start_follow_up([late])
    part.start_follow_up([late, early])
    found = until(session).followed
    assert found.dates == ("2026-01-05", "2026-04-02")
    assert follow_up_lines(found)[1].startswith("2026-04-02: sum 28 mm, progressive disease")


def landmarks(path: Path, away_mm: float = 0.0) -> Path:
    ct = np.array([[-30.0, -40, 110], [20, -40, 110], [-30, 20, 110], [0, 0, 160]])
    there = ct + [35.0 + away_mm, 45, -100]
    there[0] += [0, 2, 0]
    head = "name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s\n"
    lines = [f"p{n},{','.join(map(str, [*one, *other]))}\n" for n, (one, other) in enumerate(zip(ct, there))]
    path.write_text(head + "".join(lines), "utf-8")
    return path


def test_it_is_in_the_operation_only_once_landmarks_brought_it_there(session, tmp_path):
    part = segmented(session)
    assert registration_text(part.registration) == "Not registered: the CT stands in a view of its own."
    assert "record a sweep first" in actions.REGISTER_CT.why_not(session)
    with pytest.raises(ConfigurationError, match="record a sweep first"):
        part.register(landmarks(tmp_path / "l.csv"))
    session.volume.set(Volume(np.zeros((10, 10, 10), np.uint8), np.diag([8.0, 8.0, 8.0, 1.0])))
    with pytest.raises(ConfigurationError, match="mm away from all that the ultrasound of this case shows"):
        part.register(landmarks(tmp_path / "far.csv", 900.0))
    assert part.registration is None
    found = part.register(landmarks(tmp_path / "l.csv"))
    assert 0.3 < found.error_mm < 3 and list(found.lesion_error_mm) == [1]
    text = registration_text(part.registration)
    assert f"error at the tumor {found.error_mm:.1f} mm" in text and found.made_at[:10] in text
    written = part.export(tmp_path / "exported", ["stl", "csv"])
    assert {path.name for path in written} == {
        "liver.stl", "vessels.stl", "tumor.stl", "lesions.csv", "ct_to_reference.tfm"
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match="needs the DICOM folder"):
        part.export(tmp_path / "exported", ["dicom-seg"])
    # Found anew in the same CT it stays; another CT lies elsewhere.
    part.start_segmentation()
    assert until(session).registration is found
    segmented(session, ct_with(5))
    assert part.registration is None


def touch(session, ct_ras, reference, tip_mm=150.0):
    """Look at a place of the CT, and hold the tip, `tip_mm` along z of the stylus, at one in Reference."""
    part = session.preoperative
    part.go_to(part.ct.slices.at(np.array(ct_ras)))
    pose = np.eye(4)
    pose[:3, 3] = np.array(reference) - [0, 0, tip_mm]
    session.tools.update("StylusToReference", Pose(pose))
    return actions.TOUCH_LANDMARK.run(session)


def test_landmarks_that_the_stylus_touches_bring_the_ct_into_the_operation(session):
    part = segmented(session)
    assert actions.DROP_LANDMARK.why_not(session) == "No landmark was touched yet."
    with pytest.raises(ConfigurationError, match="No tool is live"):
        actions.TOUCH_LANDMARK.run(session)
    places = [np.array(one) for one in ((-4.0, -37, 113), (26, -37, 113), (-4, -7, 113), (2, -19, 149))]
    shift = np.array([35.0, 45, -100])
    with pytest.raises(ConfigurationError, match="Stylus is not calibrated"):
        touch(session, places[0], places[0] + shift)
    tip = np.eye(4)
    tip[2, 3] = 150.0
    session.tools.update("StylusTipToStylus", Pose(tip))
    for number, place in enumerate(places):
        place[:] = part.ct.slices.point_of(part.ct.slices.at(place))
        assert actions.REGISTER_TOUCHED.can_run(session) is False
        landmark = touch(session, place, place + shift + (number == 1) * np.array([0, 0, 40.0]))
        assert landmark.ct_ras_mm == pytest.approx(place) and landmark.tool == "Stylus"
    session.volume.set(Volume(np.zeros((10, 10, 10), np.uint8), np.diag([8.0, 8.0, 8.0, 1.0])))
    actions.REGISTER_TOUCHED.run(session)
    assert part.registration.error_mm > 5 and "mm off" in touched_lines(part.touched, part.registration)[1]
    # Touched anew where it is, it takes the place of the one that was wrong.
    touch(session, places[1], places[1] + shift)
    assert len(part.touched) == 4 and "off" not in touched_lines(part.touched, part.registration)[1]
    found = actions.REGISTER_TOUCHED.run(session)
    assert found.error_mm < 1e-6
    np.testing.assert_allclose(found.ct_to_reference[:3, 3], shift, atol=1e-6)
    actions.DROP_LANDMARK.run(session)
    assert len(part.touched) == 3 and part.registration is found
    segmented(session, ct_with(5))
    assert part.touched == () and part.registration is None


def test_landmarks_are_found_in_the_ultrasound_where_no_stylus_is(session):
    part = segmented(session)
    assert actions.FIND_LANDMARK.why_not(session) == NOTHING_SEEN
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    places = [np.array(place) for place in ([-40.0, -36, 110], [20, -36, 110], [-40, 21, 110], [-10, 0, 140])]
    shift = np.array([60.0, 60.0, -60.0])
    for place in places:
        part.go_to(part.ct.slices.at(place))
        looked_at = part.ct.slices.point_of(part.at)
        actions.FIND_LANDMARK.run(session, tuple(looked_at + shift))
    assert "found in the ultrasound" in touched_lines(part.touched, None)[0]
    with pytest.raises(ConfigurationError, match="outside of the ultrasound's volume"):
        actions.FIND_LANDMARK.run(session, (500.0, 0.0, 0.0))
    assert len(part.touched) == 4
    found = actions.REGISTER_TOUCHED.run(session)
    assert found.error_mm < 1e-6
    np.testing.assert_allclose(found.ct_to_reference[:3, 3], shift, atol=1e-6)


def test_a_plane_through_the_place_that_is_looked_at_is_moved_and_kept(session):
    part = segmented(session)
    assert actions.MOVE_PLANE.why_not(session) == "Draw a plane first."
    middle = part.ct.slices.at(np.array([5.0, -6, 143.5]))
    part.go_to(middle)
    version = part.ct.surfaces
    actions.DRAW_PLANE.run(session)
    # Through the middle of 20 columns of voxels: the half to the left, and the column in the plane.
    half = part.remnant.found
    assert half.share == pytest.approx(0.5, abs=0.06) and "stay" in remnant_lines(half)[0]
    actions.MOVE_PLANE.run(session, 0.0, 0.0, 15.0)
    assert part.remnant.found.share == pytest.approx(half.share - 0.25, abs=0.03)
    actions.MOVE_PLANE.run(session, 180.0, 0.0, 15.0)
    assert part.remnant.found.share == pytest.approx(1 - half.share + 0.05 - 0.25, abs=0.04)
    assert part.ct.surfaces is version, "nothing is drawn anew but the plane"
    kept, folder = part.remnant.found, part.ct.folder
    part.open_result(folder)
    assert until(session).remnant.found == kept and part.remnant.turn_deg == pytest.approx(180)
    with pytest.raises(ConfigurationError, match="moved by up to 100 mm"):
        actions.MOVE_PLANE.run(session, 0.0, 0.0, 1000.0)
    actions.REMOVE_PLANE.run(session)
    assert part.remnant.found is None and "remnant" not in (folder / "measures.json").read_text(encoding="utf-8")
    actions.DRAW_PLANE.run(session)
    part.forget()
    assert part.remnant.found is None


def test_a_plane_is_dragged_by_the_handles_of_its_line_in_a_slice(session):
    part = segmented(session)
    assert part.remnant.handles() == {} and actions.DRAG_PLANE.why_not(session) == "Draw a plane first."
    part.go_to(part.ct.slices.at(np.array([5.0, -6, 143.5])))
    actions.DRAW_PLANE.run(session)
    half = part.remnant.found
    handles = part.remnant.handles()
    # It stands upright in axial and coronal slices, and the sagittal one lies in it.
    assert sorted(handles) == ["axial", "coronal"]
    middle, at = handles["axial"][1], part.at["axial"]
    there = part.ct.slices.point_in("axial", at, *middle) + [-14.0, 0, 0]
    actions.DRAG_PLANE.run(session, "axial", 1, *part.ct.slices.place_of("axial", there))
    assert part.remnant.found.share == pytest.approx(half.share - 0.25, abs=0.03)
    assert part.remnant.plane.normal == pytest.approx(half.plane.normal)
    # Half a turn by an end: what would stay goes.
    actions.MOVE_PLANE.run(session, 0.0, 0.0, 0.0)
    _, middle, last = part.remnant.handles()["axial"]
    share = part.remnant.found.share
    for across, down in ((middle[0] + 0.3, middle[1]), (last[0], last[1])):
        actions.DRAG_PLANE.run(session, "axial", 0, across, down)
    assert part.remnant.turn_deg == pytest.approx(180, abs=0.1) and part.remnant.tilt_deg == pytest.approx(0, abs=0.1)
    assert part.remnant.found.share == pytest.approx(1 - share, abs=0.06)
    assert "remnant" in (part.ct.folder / "measures.json").read_text(encoding="utf-8")
    for wrong in (("axial", 5, 0.5, 0.5), ("oblique", 1, 0.5, 0.5), ("axial", 1, 1.5, 0.5)):
        with pytest.raises(ConfigurationError, match="no such handle"):
            actions.DRAG_PLANE.run(session, *wrong)


def test_corrections_are_kept_beside_the_result_and_undone_one_by_one(session):
    part = segmented(session)
    found, folder = part.ct.result.measures, part.ct.folder
    masks = (folder / "tumors.nrrd").read_bytes()
    actions.DRAW_PLANE.run(session)
    with pytest.raises(ConfigurationError, match="no lesion 2"):
        actions.REMOVE_LESION.run(session, 2)
    actions.REMOVE_LESION.run(session, 1)
    assert until(session).ct.result.measures.lesions == () and part.ct.folder.name == "ct-corrected"
    assert ct_line(part.ct).endswith("no lesion, corrected by hand") and part.remnant.found is not None
    part.go_to(part.ct.slices.at(np.array([5.0, -6, 143.5])))
    at = dict(part.at)
    actions.CORRECT_BALL.run(session, "tumor", 8.0)
    assert len(until(session).ct.result.measures.lesions) == 1 and part.at == at
    assert correction_text(part.ct) == "Corrected by hand, 2 changes." and "tumor" in part.structures
    corrected = part.ct.folder
    said = json.loads((corrected / "measures.json").read_text(encoding="utf-8"))["corrections"]
    assert [one["what"] for one in said] == ["lesion 1 removed", "tumor: a ball of 8 mm radius drawn"]
    # What was found stays as it was found.
    assert (folder / "tumors.nrrd").read_bytes() == masks
    actions.UNDO_CORRECTION.run(session)
    assert until(session).ct.result.measures.lesions == () and part.ct.corrections == 1
    assert not read_volume(corrected / "tumors.nrrd").voxels.any()
    actions.UNDO_CORRECTION.run(session)
    assert until(session).ct.result.measures == found and part.ct.folder == folder and not corrected.exists()
    assert actions.UNDO_CORRECTION.why_not(session) == "There is no correction to undo."


def test_a_saved_case_brings_the_ct_back_as_it_was(session, tmp_path):
    part = segmented(session, date="2026-01-05")
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    part.register(landmark_file(tmp_path))
    part.go_to(part.ct.slices.at(np.array([5.0, -6, 143.5])))
    actions.DRAW_PLANE.run(session)
    actions.REMOVE_LESION.run(session, 1)
    before, registration = until(session).ct, part.registration
    folder = session.case.save(tmp_path / "case")
    said = (folder / "protocol.txt").read_text(encoding="utf-8")
    assert "CT from a file, 2026-01-05" in said and "found by stand-in 1" in said
    assert "corrected by hand, once" in said and f"registered by 4 landmarks, {registration.made_at}" in said
    assert "mL stay, " in said
    # A later case in the same session shows nothing of it, and the one that was saved opens as it was.
    session.case.begin()
    assert part.ct is None and part.registration is None
    session.case.load(folder)
    ct = until(session).ct
    assert part.problem == "" and ct.result.measures == before.result.measures and ct.facts == before.facts
    np.testing.assert_array_equal(ct.volume.voxels, before.volume.voxels)
    assert ct.corrections == 1 and part.remnant.found == before.result.remnant
    assert part.registration.made_at == registration.made_at
    np.testing.assert_allclose(part.registration.ct_to_reference, registration.ct_to_reference)
    assert part.registration.error_mm == pytest.approx(registration.error_mm)
    # Parts that do not fit together are refused before anything is replaced.
    write_volume(Volume(np.zeros((4, 4, 4), np.uint8), np.eye(4)), folder / "ct.liver.nrrd")
    with pytest.raises(FileFormatError, match="the CT and its masks do not lie on the same voxels"):
        session.case.load(folder)
    assert part.ct is ct
    # A case without a CT brings none, and leaves no file of one.
    session.case.begin()
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    session.case.save(folder)
    assert not list(folder.glob("ct*"))
    assert "CT" not in (folder / "protocol.txt").read_text(encoding="utf-8").splitlines()


def test_a_case_that_is_saved_while_its_ct_is_still_read_keeps_it(session, tmp_path, monkeypatch):
    part = segmented(session)
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    folder = session.case.save(tmp_path / "case")
    before = {path.name: path.read_bytes() for path in folder.glob("ct*")}
    may_go_on = threading.Event()
    opens = in_case.open_saved

    def slowly(saved, progress, should_cancel):
        assert may_go_on.wait(_PATIENCE_S)
        return opens(saved, progress, should_cancel)

    monkeypatch.setattr(preoperative_part, "open_saved", slowly)
    session.case.load(folder)
    session.case.save(folder)
    assert {path.name: path.read_bytes() for path in folder.glob("ct*")} == before
    # Not wanted now, and there still.
    part.cancel()
    may_go_on.set()
    session.case.save(folder)
    assert {path.name: path.read_bytes() for path in folder.glob("ct*")} == before and actions.CLOSE_CT.can_run(session)
    session.case.load(folder)
    assert until(session).has_result and part.unopened is None
    actions.CLOSE_CT.run(session)
    session.case.save(folder)
    assert not list(folder.glob("ct*"))


def test_a_registration_is_refined_by_vessels_or_images_and_comes_back_with_the_case(session, tmp_path, monkeypatch):
    part = segmented(session)
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    assert actions.REFINE_CT.why_not(session) == "The CT is not registered."
    before = part.register(landmark_file(tmp_path))
    # Nothing is seen in a black volume.
    actions.REFINE_CT.run(session)
    assert "registered by landmarks alone" in until(session).problem and part.registration is before
    moved = before.ct_to_reference + 2.5 * np.eye(4, k=3)
    refined = Refinement(moved, 2.5, 0.4, 0.1)
    monkeypatch.setattr(into_operation, "refine_by_vessels", lambda *_: refined)
    actions.REFINE_CT.run(session)
    found = until(session).registration
    assert found.refined is refined and found.error_mm == before.error_mm and part.problem == ""
    assert "by landmarks, refined by vessels" in registration_text(found)
    assert "the error is that of the landmarks alone" in registration_text(found)
    folder = session.case.save(tmp_path / "case")
    assert "refined by vessels where the ultrasound shows the liver" in (folder / "protocol.txt").read_text("utf-8")
    session.case.load(folder)
    back = until(session).registration
    np.testing.assert_array_equal(back.ct_to_reference, moved)
    assert (back.refined.moved_mm, back.refined.fit, back.refined.fit_before) == (2.5, 0.4, 0.1)
    # By the images in the place of the vessels; nothing can be laid over a black volume, and it stays as it was.
    actions.REFINE_CT_BY_IMAGES.run(session)
    assert "registered by landmarks alone" in until(session).problem and part.registration is back
    laid = ImageRegistration(np.linalg.inv(moved), 0.4, 0.2, 0.5, (), 0.3)
    monkeypatch.setattr(refinement, "register", lambda *_, **__: laid)
    actions.REFINE_CT_BY_IMAGES.run(session)
    by_images = until(session).registration.refined
    assert (by_images.by, by_images.fit, by_images.fit_before) == ("images", 0.4, 0.3)
    np.testing.assert_allclose(by_images.ct_to_reference, moved)
    assert "refined by images" in registration_text(part.registration)
    part.registration = back
    index = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    index["ct"]["registration"]["refined"]["ct_to_reference"] = [[1, 2], [3, 4]]
    (folder / "case.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(FileFormatError, match="register it again"):
        session.case.load(folder)
    assert part.registration is back


@pytest.mark.parametrize("odd", [
    {"registration": {"names": ["a"], "ct": [[0, 0]], "reference": [[0, 0, 0]], "made_at": ""}},
    {"registration": {"names": ["a"], "ct": [[0, 0, 0]], "reference": [[0, 0, 0]], "made_at": ""}},
    {"remnant": {"plane": {"point_ras_mm": [0, 0, 0], "normal": [0, 0, 0]}}},
    {"follow_up": {"dates": ["2026-01-05", "2026-04-02"], "tracks": []}},
    {"follow_up": {"dates": [], "tracks": [{"number": 1}]}},
])  # fmt: skip
def test_a_case_that_says_odd_things_of_its_ct_replaces_nothing(session, tmp_path, odd):
    part = segmented(session)
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    folder = session.case.save(tmp_path / "case")
    index = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    index["ct"].update(odd)
    (folder / "case.json").write_text(json.dumps(index), encoding="utf-8")
    ct, volume = part.ct, session.volume.value
    with pytest.raises(FileFormatError):
        session.case.load(folder)
    assert part.ct is ct and session.volume.value is volume


def test_compared_dates_are_saved_with_the_case_and_stand_in_the_report(session, tmp_path):
    folders = [
        segmented(session, ct_with(size), date).ct.folder for size, date in ((4, "2026-01-05"), (7, "2026-04-02"))
    ]
    part = session.preoperative
    part.start_follow_up(folders)
    found = until(session).followed
    page = ct_report(part.ct, followed=found)
    assert "Over time" in page and "progressive disease" in page and "Over time" not in ct_report(part.ct)
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    folder = session.case.save(tmp_path / "case")
    assert "2026-01-05, 2026-04-02: progressive disease" in (folder / "protocol.txt").read_text(encoding="utf-8")
    session.case.begin()
    assert part.followed is None
    session.case.load(folder)
    assert until(session).followed == found and part.ct is not None
    # Also where no CT is open.
    part.ct = None
    session.case.save(folder)
    session.case.load(folder)
    assert until(session).followed == found and part.ct is None and part.problem == ""


def landmark_file(folder):
    """Four landmarks that are off by a millimetre in turn."""
    points = np.array([[0.0, 0, 110], [50, 0, 110], [0, 50, 110], [10, 10, 160]])
    lines = [f"p{n},{','.join(map(str, [*one, *(one + n % 2)]))}" for n, one in enumerate(points)]
    head = "name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s"
    (folder / "l.csv").write_text("\n".join([head, *lines]), encoding="utf-8")
    return folder / "l.csv"


def test_a_file_of_several_times_and_memory_that_is_not_enough_are_told(session, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    part = session.preoperative
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 20, 20, 20), np.int16), isVector=False), tmp_path / "4d.nii.gz")
    part.open_volume(tmp_path / "4d.nii.gz")
    assert "has 4 axes; a volume has 3" in until(session).problem and part.ct is None
    write_volume(ct_with(), tmp_path / "ct.nrrd")
    part.open_volume(tmp_path / "ct.nrrd")

    def begin_without_memory(model, device):
        raise MemoryError

    until(session).begin = begin_without_memory
    part.start_segmentation()
    assert until(session).problem.startswith("There is not enough memory for this CT") and not part.has_result


def test_what_was_drawn_elsewhere_becomes_the_result_and_the_registration_follows(session, tmp_path):
    part = segmented(session)
    session.volume.set(Volume(np.zeros((9, 9, 9), np.uint8), np.diag([20.0, 20, 20, 1])))
    before = part.register(landmark_file(tmp_path))
    found = part.ct.result.structures
    masks = {name: found.mask(name).voxels > 0 for name in ("liver", "vessels", "tumor")}
    masks["tumor"][20:24, 6:9, 6:9] = True
    actions.TAKE_CORRECTION.run(session, masks)
    assert len(until(session).ct.result.measures.lesions) == 2
    assert set(part.registration.lesion_error_mm) == {1, 2} and part.registration.made_at == before.made_at
    with pytest.raises(ConfigurationError, match="'tumor' does not lie on the voxels"):
        part.corrections.take({**masks, "tumor": np.zeros((2, 2, 2), bool)})


def test_nothing_of_it_is_left_in_another_case_but_one_opened_for_a_recording_stays(session):
    part = segmented(session)
    ct = part.ct
    session.case.begin_from_file("file:a")
    assert part.ct is ct
    session.volume.set(Volume(np.zeros((4, 4, 4), np.uint8), np.eye(4)))
    session.case.begin_from_file("file:b")
    assert part.ct is None and not part.is_there
    part = segmented(session)
    assert actions.NEW_CASE.can_run(session)
    actions.NEW_CASE.run(session)
    assert part.ct is None and part.structures == [] and not actions.NEW_CASE.can_run(session)


def test_sentences_name_no_folder_of_a_patient(session, tmp_path):
    part = session.preoperative
    folder = tmp_path / FOLDER
    part.open_dicom(folder)
    assert until(session).problem == "The DICOM folder the chosen folder does not exist; check the path."
    folder.mkdir()
    part.open_dicom(folder)
    assert "holds no DICOM images" in until(session).problem and "DOE" not in part.problem
    (folder / "ct.nrrd").write_bytes(b"no volume")
    part.open_volume(folder / "ct.nrrd")
    assert "cannot be read as a volume" in until(session).problem and "DOE" not in part.problem


@pytest.mark.parametrize(
    "begin, sentence",
    [
        (lambda part, folder: part.start_segmentation(), "No CT is open"),
        (lambda part, folder: part.export(folder, ["csv"]), "Nothing was found"),
        (lambda part, folder: part.choose_series(1), "no series 1"),
        (lambda part, folder: part.open_volume(folder / "a.nrrd", "5.1.2026"), "write it as YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(session, tmp_path, begin, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        begin(session.preoperative, tmp_path)


def test_the_place_of_a_ct_is_that_of_its_own_result(tmp_path):
    part, place = Session().preoperative, np.diag([1.0, 1, 1, 1])
    assert part.place_of(tmp_path) is None
    part.ct, part.registration = SimpleNamespace(folder=tmp_path), SimpleNamespace(ct_to_reference=place)
    assert part.place_of(tmp_path / ".." / tmp_path.name) is place
    assert part.place_of(tmp_path / "other") is None and part.place_of(None) is None
    part.ct = SimpleNamespace(folder=None)
    assert part.place_of(tmp_path) is None

"""A saved scene opens again, in another scene, with everything in its place."""

import zipfile

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.bundle import load_scene, save_scene
from CRLMSegmentationLib.mrml.conversion import matrix_of_transform, volume_of
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.navigation.distance import TumorDistance
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.values import Box
from scene_case import on_scene
from small_case import TUMOR_CENTER, TUMOR_RADIUS_MM, affine, assert_same_sweep, turn

STYLUS_TO_REFERENCE = affine(turn((20, 40, -10)), TUMOR_CENTER + (60, 10, 5))
TIP_TO_STYLUS = affine(translation=(0, 0, -50))


def seen_of(volume) -> np.ndarray:
    seen = np.ones(volume.voxels.shape, bool)
    seen[:7, :5] = False
    return seen


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, sweep, volume, box, mask, surface):
    session = on_scene(Session())
    session.recording.set_sweep(sweep)
    session.volume.set(volume.with_seen(seen_of(volume)))
    session.box.set(box)
    session.tumor.set(mask, volume.with_voxels(mask.voxels.astype(np.float32)), surface)
    session.stream.show_frame(sweep.frames[4])
    session.tools.update("StylusTipToStylus", Pose(TIP_TO_STYLUS))
    session.tools.update("StylusToReference", Pose(STYLUS_TO_REFERENCE))
    path = save_scene(session.view, tmp_path_factory.mktemp("scenes") / "case 1.mrb")
    session.close()
    return path


@pytest.fixture
def loaded(session, bundle):
    load_scene(session.view, bundle)
    return session


def test_bundle_is_a_zip_with_one_scene_and_its_data(bundle):
    members = zipfile.ZipFile(bundle).namelist()
    assert sum(member.endswith(".mrml") for member in members) == 1
    endings = (".nrrd", ".seg.nrrd", ".mrk.json", ".seq.nrrd", ".seq.mha", ".vtk", ".h5")
    for ending in endings:
        assert any(member.endswith(ending) for member in members), f"no {ending} among {members}"
    assert list(bundle.parent.iterdir()) == [bundle], "nothing else is left in the folder"


def test_volume_and_box_come_back(loaded, volume, box):
    np.testing.assert_array_equal(loaded.volume.value.voxels, volume.voxels)
    np.testing.assert_array_equal(loaded.volume.value.seen, seen_of(volume))
    np.testing.assert_allclose(loaded.volume.value.ijk_to_ras, volume.ijk_to_ras, atol=1e-9)
    np.testing.assert_allclose(loaded.box.value.corners_ras(), box.corners_ras(), atol=1e-6)


def test_tumor_comes_back(loaded, mask, surface):
    np.testing.assert_array_equal(loaded.tumor.mask.voxels, mask.voxels)
    np.testing.assert_array_equal(loaded.tumor.probability.voxels, mask.voxels)
    np.testing.assert_allclose(loaded.tumor.surface.GetBounds(), surface.GetBounds(), atol=1e-4)
    assert loaded.tumor.surface.GetNumberOfCells() == surface.GetNumberOfCells()
    distance = TumorDistance(loaded.tumor.surface)
    assert distance.signed_distance_mm(TUMOR_CENTER) == pytest.approx(-TUMOR_RADIUS_MM, abs=0.5)


def test_transforms_come_back(loaded, sweep):
    expected = {
        names.IMAGE_TO_REFERENCE: sweep.frames[4].image_to_reference,
        names.PROBE_TO_REFERENCE: sweep.frames[4].transforms["ProbeToReference"].matrix,
        "StylusToReference": STYLUS_TO_REFERENCE,
        "StylusTipToStylus": TIP_TO_STYLUS,
    }
    for name, matrix in expected.items():
        node = find(loaded.view.scene, "vtkMRMLLinearTransformNode", name)
        np.testing.assert_allclose(matrix_of_transform(node), matrix, atol=1e-9)
    image = find(loaded.view.scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
    np.testing.assert_allclose(volume_of(image).ijk_to_ras, sweep.frames[4].image_to_reference, atol=1e-9)


def test_recorded_sweep_comes_back(loaded, sweep):
    # Slicer writes the transforms of a sequence with six significant digits.
    assert_same_sweep(loaded.recording.sweep, sweep, tolerance_mm=6e-5)


def test_every_node_is_there_once(loaded):
    for class_name, name in (
        ("vtkMRMLScalarVolumeNode", names.VOLUME),
        ("vtkMRMLLabelMapVolumeNode", names.SEEN),
        ("vtkMRMLMarkupsROINode", names.BOX),
        ("vtkMRMLSegmentationNode", names.SEGMENTATION),
        ("vtkMRMLModelNode", names.SURFACE),
        ("vtkMRMLScalarVolumeNode", names.LIVE_IMAGE),
        ("vtkMRMLSequenceBrowserNode", names.SWEEP_BROWSER),
        ("vtkMRMLModelNode", names.tool_model("Stylus")),
    ):
        nodes = loaded.view.scene.GetNodesByClassByName(class_name, name)
        assert nodes.GetNumberOfItems() == 1, name


def test_a_known_point_is_the_same_in_every_node(loaded):
    """The tumor's center: bright in the volume and in the recorded frames, inside the mask, the surface and the box."""
    whole = loaded.volume.value
    i, j, k = np.round(whole.ras_to_ijk @ [*TUMOR_CENTER, 1])[:3].astype(int)
    assert whole.voxels[k, j, i] > 130 and loaded.tumor.mask.voxels[k, j, i] == 1
    assert loaded.box.value.contains(TUMOR_CENTER)
    frame = loaded.recording.sweep.frames[4]
    u, v, away, _ = np.linalg.inv(frame.image_to_reference) @ [*TUMOR_CENTER, 1]
    assert abs(away) < 0.5 and frame.pixels[round(v), round(u)] > 130
    occupied = np.argwhere(loaded.tumor.mask.voxels)[:, ::-1]
    centroid = transform_points(loaded.tumor.mask.ijk_to_ras, occupied).mean(axis=0)
    assert np.linalg.norm(centroid - TUMOR_CENTER) < 0.5 * whole.spacing_mm.min()
    np.testing.assert_allclose(loaded.tumor.surface.GetCenter(), TUMOR_CENTER, atol=0.5)


def test_a_loaded_case_goes_on_but_nothing_in_it_is_live(loaded):
    assert loaded.state.status(Step.SEGMENT) is StepStatus.DONE
    assert loaded.state.status(Step.NAVIGATE) is StepStatus.READY
    assert loaded.tools.reading("Stylus").status is ToolStatus.NEVER_SEEN
    assert loaded.tools.distance_mm("Stylus") is None
    for name in (names.tool_model("Stylus"), names.PROBE_MODEL):
        assert not find(loaded.view.scene, "vtkMRMLModelNode", name).GetDisplayVisibility()
    line = find(loaded.view.scene, "vtkMRMLMarkupsLineNode", names.distance_line("Stylus"))
    assert not line.GetDisplayVisibility()
    # The calibration was saved with the case: a pose is all that is needed.
    loaded.tools.update("StylusToReference", Pose(STYLUS_TO_REFERENCE))
    np.testing.assert_allclose(loaded.tools.reading().tip_ras, (STYLUS_TO_REFERENCE @ TIP_TO_STYLUS)[:3, 3], atol=1e-9)
    assert loaded.tools.distance_mm() > 0
    roi = find(loaded.view.scene, "vtkMRMLMarkupsROINode", names.BOX)
    roi.SetSize(11.0, 12.0, 13.0)
    assert loaded.tumor.surface is None and loaded.tools.distance_mm() is None


def test_saving_again_what_was_loaded(loaded, tmp_path, volume, sweep, mask):
    again = save_scene(loaded.view, tmp_path / "again.mrb")
    other = on_scene(Session())
    load_scene(other.view, again)
    np.testing.assert_array_equal(other.volume.value.voxels, volume.voxels)
    np.testing.assert_array_equal(other.tumor.mask.voxels, mask.voxels)
    assert_same_sweep(other.recording.sweep, sweep, tolerance_mm=6e-5)
    other.close()


def test_a_stale_tumor_is_not_saved(session, tmp_path, volume, box, mask, surface):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask, None, surface)
    session.box.set(Box(TUMOR_CENTER, (12, 12, 12)))
    path = save_scene(session.view, tmp_path / "stale.mrb")
    assert not any("Tumor surface" in name or ".seg." in name for name in zipfile.ZipFile(path).namelist())
    other = on_scene(Session())
    load_scene(other.view, path)
    assert other.tumor.surface is None and other.tumor.mask is None
    assert find(other.view.scene, "vtkMRMLModelNode", names.SURFACE) is None
    assert other.state.status(Step.SEGMENT) is StepStatus.READY
    other.close()


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_scene_is_refused_and_the_case_stays(session, tmp_path, volume, content):
    session.volume.set(volume)
    path = tmp_path / "bad.mrb"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"bad.mrb"):
        load_scene(session.view, path)
    assert session.volume.value is not None


def test_a_missing_file_and_a_zip_without_a_scene_are_refused(session, tmp_path):
    with pytest.raises(FileFormatError, match="check the path"):
        load_scene(session.view, tmp_path / "not there.mrb")
    path = tmp_path / "empty.mrb"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "nothing here")
    with pytest.raises(FileFormatError, match="no scene"):
        load_scene(session.view, path)


def test_a_bundle_cannot_write_outside_of_its_folder(session, tmp_path):
    path = tmp_path / "deep" / "evil.mrb"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.txt", "x")
        archive.writestr("/outside.txt", "x")
    with pytest.raises(FileFormatError):
        load_scene(session.view, path)
    assert not list(tmp_path.rglob("outside.txt"))


def test_a_damaged_bundle_is_refused(session, tmp_path, bundle):
    path = tmp_path / "damaged.mrb"
    content = bytearray(bundle.read_bytes())
    for place in range(200, len(content) // 2, 97):
        content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="damaged"):
        load_scene(session.view, path)


def test_a_relative_path_is_as_good(session, tmp_path, volume, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session.volume.set(volume)
    save_scene(session.view, "case.mrb")
    assert (tmp_path / "case.mrb").stat().st_size > 0


def test_saving_where_it_cannot_be_written(session, tmp_path):
    with pytest.raises(FileFormatError, match="mrb"):
        save_scene(session.view, tmp_path / "scene.zip")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileFormatError, match="cannot be written"):
        save_scene(session.view, tmp_path / "file" / "scene.mrb")


def test_a_folder_of_that_name_is_not_replaced(session, tmp_path, volume):
    session.volume.set(volume)
    (tmp_path / "scene.mrb").mkdir()
    (tmp_path / "scene.mrb" / "kept.txt").write_text("kept")
    with pytest.raises(FileFormatError, match="cannot be written"):
        save_scene(session.view, tmp_path / "scene.mrb")
    assert (tmp_path / "scene.mrb" / "kept.txt").read_text(encoding="utf-8") == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["scene.mrb"]

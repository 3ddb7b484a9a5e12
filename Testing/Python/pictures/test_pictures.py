"""Pictures show what is there, in the right place."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.mrml.views.tool_shapes import probe_shape, stylus_shape
from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.pictures import offscreen
from CRLMSegmentationLib.pictures import picture_style as style
from CRLMSegmentationLib.pictures.slices_picture import PANEL_PX, _box_outline, _clipped, slices_picture
from CRLMSegmentationLib.pictures.view_picture import ViewContents, view_picture
from CRLMSegmentationLib.session.tools import ToolReading
from CRLMSegmentationLib.values import Box, Volume
from small_case import TUMOR_CENTER, TUMOR_RADIUS_MM, affine, turn

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


SMALL = (480, 360)


@pytest.fixture(scope="module")
def can_render():
    if offscreen.working_window_class() is None:
        pytest.skip("this machine has no OpenGL that renders without a window")


def pixels_of(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def near(pixels, color, tolerance=40) -> np.ndarray:
    return np.abs(pixels - np.array(color)).max(axis=-1) <= tolerance


def test_slices_hold_three_panels_with_contour_truth_and_box(tmp_path, volume, mask, box):
    path = slices_picture(tmp_path / "sub" / "slices.png", volume, box, mask, mask, "simulated")
    pixels = pixels_of(path)
    width = pixels.shape[1] // 3
    for panel in range(3):
        part = pixels[:, panel * width : (panel + 1) * width]
        for color in (style.TUMOR, style.BOX):
            assert near(part, color).sum() > 100
    without = pixels_of(slices_picture(tmp_path / "bare.png", volume))
    assert near(without, style.TUMOR).sum() == near(without, style.BOX).sum() == near(without, style.TRUTH).sum() == 0


def test_contour_has_the_radius_of_the_tumor_in_every_panel(tmp_path, volume, mask):
    pixels = pixels_of(slices_picture(tmp_path / "slices.png", volume, None, mask))
    side_mm = 60.0  # what is shown at least
    for panel in range(3):
        left = 14 + panel * (PANEL_PX + 14)
        inside = near(pixels[52 : 52 + PANEL_PX, left : left + PANEL_PX], style.TUMOR)
        rows, columns = np.nonzero(inside)
        for extent in (np.ptp(rows), np.ptp(columns)):
            assert extent * side_mm / PANEL_PX == pytest.approx(2 * TUMOR_RADIUS_MM, abs=1.5)


@pytest.mark.parametrize(
    "panel, away, side",
    [
        (0, (-12, 0, 0), "right"),
        (0, (0, 12, 0), "up"),
        (1, (-12, 0, 0), "right"),
        (1, (0, 0, 12), "up"),
        (2, (0, -12, 0), "right"),
        (2, (0, 0, 12), "up"),
    ],
)
def test_left_anterior_and_superior_are_where_radiologists_look_for_them(tmp_path, panel, away, side):
    ijk_to_ras = affine(translation=(-30, -30, -30))
    points = np.stack(np.meshgrid(*[np.arange(61) - 30] * 3, indexing="ij")[::-1], axis=-1)
    bright = (np.abs(points - np.array(away)).max(axis=-1) <= 3) * np.uint8(255)
    middle = (np.abs(points).max(axis=-1) <= 2).astype(np.uint8)
    path = slices_picture(tmp_path / "s.png", Volume(bright, ijk_to_ras), None, Volume(middle, ijk_to_ras))
    left = 14 + panel * (PANEL_PX + 14)
    shown = pixels_of(path)[52 : 52 + PANEL_PX - 60, left + 70 : left + PANEL_PX]
    rows, columns = np.nonzero(near(shown, (255, 255, 255), 3))
    from_middle = np.array([columns.mean() + 70, -rows.mean()]) - np.array([1, -1]) * (PANEL_PX - 1) / 2
    expected = np.array((1, 0) if side == "right" else (0, 1)) * 12 / 61 * PANEL_PX
    np.testing.assert_allclose(from_middle, expected, atol=2)


def test_box_outline_of_an_unrotated_box_is_its_face():
    outline = _box_outline(Box((0, 0, 0), (10, 20, 30)), np.zeros(3), np.array([0, 0, 1.0]))
    assert {tuple(point) for point in np.round(outline, 9)} == {(5, 10, 0), (-5, 10, 0), (5, -10, 0), (-5, -10, 0)}
    steps = np.linalg.norm(np.diff(np.vstack([outline, outline[:1]]), axis=0), axis=1)
    assert sorted(steps.tolist()) == [10, 10, 20, 20], "the corners follow one another around the outline"
    assert len(_box_outline(Box((0, 0, 0), (10, 20, 30)), np.array([0, 0, 16.0]), np.array([0, 0, 1.0]))) == 0


def test_lines_are_cut_at_the_border():
    pieces = _clipped(np.array([(-10.0, 5.0), (20.0, 5.0), (20.0, -5.0)]), 10.0)
    assert len(pieces) == 1
    np.testing.assert_allclose(pieces[0], [(0, 5), (10, 5)])
    assert _clipped(np.array([(-5.0, -5.0), (-5.0, 20.0)]), 10.0) == []


def test_a_picture_that_cannot_be_written_is_a_sentence(tmp_path, volume):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileFormatError, match="cannot be written"):
        slices_picture(tmp_path / "file" / "slices.png", volume)


def test_a_float_volume_and_an_empty_mask_are_drawn(tmp_path, volume):
    scaled = volume.with_voxels(volume.voxels.astype(np.float32) * 7 - 300)
    empty = volume.with_voxels(np.zeros(volume.voxels.shape, np.uint8))
    pixels = pixels_of(slices_picture(tmp_path / "slices.png", scaled, None, empty))
    assert near(pixels, style.TUMOR).sum() == 0
    assert np.ptp(pixels[60:400, 100:400]) > 150


def test_shapes_have_their_origin_where_they_touch():
    stylus = np.array(stylus_shape().GetBounds())
    assert stylus[4] == pytest.approx(0, abs=1e-6) and stylus[5] == pytest.approx(120, abs=1e-3)
    assert max(stylus[1], -stylus[0]) < 6
    probe = np.array(probe_shape().GetBounds())
    assert probe[3] == pytest.approx(0, abs=0.1) and probe[2] < -60
    assert probe[1] == pytest.approx(17, abs=0.1)


def reading_at(tip_to_reference, distance_mm=5.0, margin=MarginState.WITHIN_MARGIN):
    return ToolReading("Stylus", ToolStatus.LIVE, tip_to_reference, distance_mm, TUMOR_CENTER, margin)


def test_view_shows_tumor_box_and_readout(can_render, tmp_path, volume, sweep, box, surface):
    tool = reading_at(affine(turn((0, 60, 0)), TUMOR_CENTER + (20, 0, 0)))
    path = view_picture(tmp_path / "view.png", ViewContents(volume, sweep, box, surface, tool), "simulated")
    pixels = pixels_of(path)
    assert pixels.shape == (860, 1280, 3)
    assert near(pixels, style.BOX, 30).sum() > 500
    assert near(pixels[:140, :400], style.ALERT["warning"]).sum() > 500, "the large read-out"
    yellow = (pixels[..., 0] > 120) & (pixels[..., 0] > pixels[..., 2] + 60) & (pixels[..., 1] > pixels[..., 2] + 40)
    assert yellow[140:800].sum() > 1000


def test_view_of_a_lost_tool_says_so_and_shows_no_tool(can_render, tmp_path, volume, box, surface):
    lost = ToolReading("Stylus", ToolStatus.LOST, None, None, None, MarginState.UNKNOWN)
    with_lost = pixels_of(view_picture(tmp_path / "a.png", ViewContents(volume, None, box, surface, lost), size=SMALL))
    without = pixels_of(view_picture(tmp_path / "b.png", ViewContents(volume, None, box, surface, None), size=SMALL))
    differs = np.abs(with_lost - without).max(axis=-1) > 0
    assert differs[:80, :300].any() and not differs[80:].any()


@pytest.mark.parametrize("shown", [{}, {"sweep": True}, {"volume": True}, {"surface": True, "box": True}])
def test_view_of_a_part_of_the_case(can_render, tmp_path, volume, sweep, box, surface, shown):
    everything = {"volume": volume, "sweep": sweep, "box": box, "surface": surface}
    path = view_picture(tmp_path / "view.png", ViewContents(**{name: everything[name] for name in shown}), size=SMALL)
    assert Image.open(path).size == SMALL


def test_without_opengl_the_error_is_a_sentence(monkeypatch, tmp_path, volume):
    monkeypatch.setattr(offscreen, "working_window_class", lambda: None)
    with pytest.raises(offscreen.RenderingError, match="OpenGL"):
        view_picture(tmp_path / "view.png", ViewContents(volume))
    assert not (tmp_path / "view.png").exists()


def test_a_window_that_ends_its_process_is_not_chosen():
    assert offscreen._renders("vtkNoSuchRenderWindow") is False


def test_light_modules_load_neither_slicer_nor_opengl():
    code = (
        "import sys; import CRLMSegmentationLib.pictures, CRLMSegmentationLib.session.session; "
        "print([name for name in ('slicer', 'vtkmodules.vtkRenderingOpenGL2', 'PIL', 'torch') if name in sys.modules])"
    )
    library = Path(offscreen.__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONPATH": str(library)},
        check=True,
    )
    assert done.stdout.strip() == "[]"

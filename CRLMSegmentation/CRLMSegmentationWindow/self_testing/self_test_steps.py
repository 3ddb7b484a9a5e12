"""The self test's way through the five steps, by the buttons."""

from __future__ import annotations

import numpy as np
import slicer

from .. import sample
from ..view import layouts
from .self_test_tools import (
    Bench,
    click,
    click_under,
    counted_drawings,
    name_of,
    pause,
    pixel_of,
    place_point,
    wait_until,
)

SWEEP_S = 13.5
BRUSH_MM = 10
TICKS = 12


class Steps(Bench):
    """Each method takes the window from one step to the next."""

    def connect(self) -> None:
        self.report("1 Connect")
        ui, check = self.window.ui, self._case
        check.assertFalse(ui.connectSection.collapsed)
        check.assertTrue(ui.recordSection.collapsed)
        check.assertFalse(ui.recordButton.enabled)
        ui.connectAdvanced.collapsed = False
        click(ui.sampleButton)
        text = lambda: self.window.connect.state_text  # noqa: E731
        wait_until(lambda: text().startswith("LIVE"), 30, text)
        check.assertFalse(ui.recordSection.collapsed, "the next step opens")
        check.assertEqual(name_of(self.view.live_image_node()), "Image_Image")
        check.assertEqual(name_of(self.view.image_to_reference_node()), "ImageToReference")
        self.slice_lies_in_the_image()
        ui.connectSection.collapsed = False
        ui.recordSection.collapsed = True
        pause(1.0)
        self.picture("step-1-connect")
        self.window.open_step(self.window.record)

    def slice_lies_in_the_image(self) -> None:
        """Three corners of the live image are in the plane of the live view."""
        node = layouts.live_slice_node()
        self._case.assertIsNotNone(node)

        def off_plane_mm():
            image_to_ras = self.window.live_slice.image_to_ras
            if image_to_ras is None:
                return np.inf
            ras_to_slice = np.linalg.inv(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()))
            width, height, _ = self.view.live_image_node().GetImageData().GetDimensions()
            corners = np.array([[0, 0, 0, 1], [width - 1, 0, 0, 1], [0, height - 1, 0, 1]]).T
            in_slice = ras_to_slice @ image_to_ras @ corners
            # First row at the top, first column at the left.
            self._case.assertGreater(in_slice[0, 1], in_slice[0, 0])
            self._case.assertGreater(in_slice[1, 0], in_slice[1, 2])
            return np.abs(in_slice[2]).max()

        wait_until(lambda: off_plane_mm() < 1e-3, 5)
        self._case.assertIn("0 mm", self.window.live_slice.marks, "the depth stands beside the image")

    def record(self) -> None:
        self.report("2 Record")
        ui, check = self.window.ui, self._case
        click(ui.recordButton)
        wait_until(lambda: self.session.recording.state is not None and self.session.recording.state.frames > 60, 30)
        check.assertIn("frames", self.window.record.state_text)
        wait_until(lambda: self.view.volume_node() is not None, 20, lambda: "the volume does not grow")
        self.picture("step-2-record")
        self.recording_outlasts_a_fault()
        wait_until(lambda: self.session.recording.state.seconds > SWEEP_S, 30)
        path = self.session.recording.state.path
        click(ui.recordButton)
        wait_until(lambda: self.status("RECONSTRUCT") == "DONE", 30, lambda: self.window.record.state_text)
        wait_until(lambda: self.session.recording.path == path, 30)
        check.assertTrue(path.is_file())
        check.assertEqual(path.parent, self._own / "recordings")
        browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
        wait_until(lambda: not self.session.is_computing, 120, lambda: "the Sequence browser is not completed")
        # The browser counts the poses: a frame whose pose was lost has none.
        sweep = self.session.recording.sweep
        shown = max(node.GetNumberOfItems() for node in browsers)
        check.assertIn(shown, (len(sweep), len(sweep.valid_frames)))
        volume = self.view.volume_node()
        check.assertGreater(slicer.util.arrayFromVolume(volume).max(), 100)
        np.testing.assert_allclose(volume.GetSpacing(), [0.5] * 3, atol=1e-6)
        wait_until(lambda: self.window.layouts.current == layouts.PLANNING, 5, lambda: "the volume is not shown")
        wait_until(lambda: not ui.boxSection.collapsed, 5, lambda: "the next step does not open")

    def recording_outlasts_a_fault(self) -> None:
        """What is shown may fail; what is recorded goes on."""
        navigate, frames = self.window.navigate, self.session.recording.state.frames
        tick, navigate.tick = navigate.tick, lambda: 1 / 0
        wait_until(lambda: bool(self.window.fault) and self.session.recording.state.frames > frames + 10, 20)
        navigate.tick = tick
        wait_until(lambda: not self.window.fault, 10)
        self.window.case.forget_problem()

    def box(self) -> None:
        self.report("3 Box")
        ui, check = self.window.ui, self._case
        click(ui.boxButton)
        check.assertTrue(self.window.box.picker.is_waiting)
        click(ui.boxButton)
        check.assertFalse(self.window.box.picker.is_waiting, "the second press takes it back")
        click(ui.boxButton)
        center = sample.tumor_center_ras()
        place_point(center)
        wait_until(lambda: self.status("BOX") == "DONE", 5)
        node = slicer.util.getNode("Tumor box")
        found, size = [0.0] * 3, node.GetSize()
        node.GetCenterWorld(found)
        np.testing.assert_allclose(found, center, atol=1e-6)
        np.testing.assert_allclose(size, [40.0] * 3, atol=1e-6)
        check.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode"), 0)
        # Beyond the volume a sentence warns.
        node.SetSize(400, 40, 40)
        wait_until(lambda: self.window.box.state_text.startswith("LOOK"), 5, lambda: self.window.box.state_text)
        node.SetSize(40, 40, 40)
        wait_until(lambda: not self.session.box.warnings, 5)
        self.window.open_step(self.window.box)
        pause(1.0)
        self.picture("step-3-box")
        self.window.open_step(self.window.segment)

    def segment(self) -> None:
        self.report("4 Segment")
        ui, check = self.window.ui, self._case
        click(ui.segmentButton)
        wait_until(lambda: not self.window.segment.is_running, 240, lambda: self.window.segment.state_text)
        check.assertEqual(self.status("SEGMENT"), "DONE", self.window.segment.state_text)
        surface = self.session.tumor.surface
        middle = np.array(surface.GetCenter())
        np.testing.assert_allclose(middle, sample.tumor_center_ras(), atol=5.0)
        check.assertGreater(self.tumor_ml(), 0.5 * sample.tumor_volume_ml())
        check.assertLess(self.tumor_ml(), 1.6 * sample.tumor_volume_ml())
        check.assertIsNotNone(self.session.case.clock_s)
        # Another threshold takes effect without a second inference.
        before = self.tumor_ml()
        usual = self.session.tumor.threshold
        ui.segmentAdvanced.collapsed = False
        ui.thresholdSlider.value = 0.95
        wait_until(lambda: self.tumor_ml() < 0.98 * before, 5, lambda: f"{before} mL and {self.tumor_ml()} mL")
        check.assertAlmostEqual(self.session.tumor.threshold, 0.95, places=3)
        check.assertFalse(self.window.segment.is_running)
        ui.thresholdSlider.value = usual
        wait_until(lambda: abs(self.tumor_ml() - before) < 0.02 * before, 5)
        ui.segmentAdvanced.collapsed = True
        self.window.open_step(self.window.segment)
        pause(1.0)
        self.picture("step-4-segment")

    def correct(self) -> None:
        self.report("4 Segment: corrected by hand")
        ui, check = self.window.ui, self._case
        click(ui.correctButton)
        check.assertTrue(self.window.segment.editor.is_open)
        check.assertEqual(self.window.segment.editor.widget.activeEffect().name, "Paint")
        self.erase_and_undo()
        before = self.tumor_ml()
        self.cut_away_one_half()
        click(ui.correctButton)
        check.assertFalse(self.window.segment.editor.is_open)
        wait_until(lambda: not self.session.is_computing, 30)
        wait_until(lambda: self.tumor_ml() < 0.75 * before, 20, lambda: "the surface did not follow")

    def erase_and_undo(self) -> None:
        """One stroke of the mouse through the middle of the tumor, and back: the surface follows both times."""
        editor, before = self.window.segment.editor.widget, self.tumor_ml()
        editor.setActiveEffectByName("Erase")
        effect = editor.activeEffect()
        effect.setCommonParameter("BrushDiameterIsRelative", 0)
        effect.setCommonParameter("BrushAbsoluteDiameter", BRUSH_MM)
        effect.setCommonParameter("BrushSphere", 1)
        # The planning slices go through the middle of the tumor, which is in the middle of their views.
        view = slicer.app.layoutManager().sliceWidget("Red")
        middle = pixel_of(view, self.session.tumor.surface.GetCenter())
        slicer.util.clickAndDrag(view, start=middle, end=(middle[0] + 10, middle[1]), steps=5)
        wait_until(lambda: self.tumor_ml() < 0.95 * before, 20, lambda: f"erased: {before} and {self.tumor_ml()} mL")
        editor.undo()
        wait_until(lambda: abs(self.tumor_ml() - before) < 0.02 * before, 20, lambda: f"undone: {self.tumor_ml()} mL")
        editor.setActiveEffectByName("Paint")

    def cut_away_one_half(self) -> None:
        """What a brush would do: the voxels of the segment's labelmap on one side are emptied."""
        node = self.view.segmentation_node()
        segment = node.GetSegmentation().GetNthSegmentID(0)
        volume = self.view.volume_node()
        voxels = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume)
        inside = np.argwhere(voxels)
        middle = int(np.median(inside[:, 2]))
        voxels[:, :, middle:] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment, volume)

    def semi_automatic(self) -> None:
        self.report("4 Segment: grown from one click")
        ui, check, center = self.window.ui, self._case, sample.tumor_center_ras()
        click(ui.growButton)
        check.assertTrue(self.window.segment.picker.is_waiting)
        check.assertIn("CLICK", self.window.segment.state_text)
        click(ui.growButton)
        check.assertFalse(self.window.segment.picker.is_waiting, "the second press takes it back")
        click(ui.growButton)
        before = self.session.tumor.surface
        place_point(center)
        wait_until(lambda: self.session.tumor.surface not in (None, before), 60, lambda: self.window.segment.state_text)
        wait_until(lambda: not self.window.segment.is_running, 60, lambda: self.window.segment.state_text)
        check.assertEqual(self.status("SEGMENT"), "DONE", self.window.segment.state_text)
        check.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode"), 0)
        np.testing.assert_allclose(self.session.tumor.surface.GetCenter(), center, atol=6.0)
        check.assertGreater(self.tumor_ml(), 0.4 * sample.tumor_volume_ml())
        check.assertLess(self.tumor_ml(), 2.5 * sample.tumor_volume_ml())
        # It is not from the model, and says so.
        text = lambda: self.window.segment.state_text  # noqa: E731
        wait_until(lambda: text().startswith("LOOK"), 10, text)

    def navigate(self) -> None:
        self.report("5 Navigate")
        ui, check = self.window.ui, self._case
        # The model's tumor again, for the picture.
        click(ui.segmentButton)
        wait_until(lambda: not self.window.segment.is_running, 240)
        check.assertEqual(self.status("SEGMENT"), "DONE", self.window.segment.state_text)
        self.window.open_step(self.window.navigate)
        click(ui.navigateButton)
        wait_until(lambda: self.window.layouts.current == layouts.NAVIGATION, 5, lambda: "no view to navigate by")
        click_under(ui.navigateAdvanced, ui.soundCheckBox)
        check.assertTrue(self.window.parameters.sound)
        seen = self.watch_the_stylus()
        check.assertGreater(self.window.navigate.sound.beeps, 0, "the stylus was within the margin")
        click_under(ui.navigateAdvanced, ui.soundCheckBox)
        check.assertFalse(self.window.parameters.sound)
        check.assertLess(min(seen), 0.0, "the stylus enters the tumor")
        check.assertGreater(max(seen), 20.0)
        self.slice_lies_in_the_image()
        self.full_screen()
        self.views_are_drawn_once_a_tick()

    def full_screen(self) -> None:
        """The views alone, and everything back."""
        main, check = slicer.util.mainWindow(), self._case
        panel = slicer.util.findChild(main, "PanelDockWidget")
        before = panel.visible
        click(self.window.ui.fullScreenButton)
        check.assertTrue(main.isFullScreen())
        check.assertFalse(panel.visible)
        check.assertEqual(self.window.layouts.current, layouts.NAVIGATION)
        self.window.hands_free.on_full_screen()
        check.assertFalse(main.isFullScreen())
        check.assertEqual(panel.visible, before)
        check.assertEqual(self.window.layouts.current, layouts.NAVIGATION)

    def views_are_drawn_once_a_tick(self) -> None:
        """However much moves in one tick, a view is drawn at most once in it; and both are drawn as frames come."""
        frames = self.session.stream.status.frames
        self.window.timer.pause()
        try:
            with counted_drawings() as drawn:
                ever = set()
                for _ in range(TICKS):
                    # Frames arrive meanwhile, and what is still to be drawn is drawn.
                    pause(0.1)
                    ever.update(drawn)
                    drawn.clear()
                    self.window.tick()
                    self._case.assertEqual(len(drawn), len(set(drawn)), f"drawn in one tick: {drawn}")
                    ever.update(drawn)
        finally:
            self.window.timer.start()
        self._case.assertGreater(self.session.stream.status.frames, frames)
        self._case.assertEqual(ever, {layouts.LIVE_VIEW, layouts.SCENE_VIEW})

    def watch_the_stylus(self) -> list[float]:
        """The distances shown until the stylus was near, inside, far and lost; its picture is taken near the tumor."""
        shown, pictured, was_lost = [], False, False

        def is_complete() -> bool:
            nonlocal pictured, was_lost
            text = self.window.navigate.readouts["Stylus"].text
            reading = self.window.navigate.readings["Stylus"]
            was_lost |= "LOST" in text
            if reading.signed_distance_mm is None:
                return False
            shown.append(reading.signed_distance_mm)
            if not pictured and 0.0 < reading.signed_distance_mm < 10.0 and " mm" in text:
                self.picture("step-5-navigate")
                pictured = True
            return pictured and was_lost and min(shown) < 0 and max(shown) > 20

        wait_until(is_complete, 90, lambda: f"lost: {was_lost}, shown: {shown[-5:]}")
        return shown

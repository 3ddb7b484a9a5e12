"""The self test of the module: one case from the live stream to the navigation view, by the widgets themselves.

It plays the shipped sample over OpenIGTLink, presses the buttons of all five steps, looks at nodes and geometry, stops
an inference half-way, ends the worker process and goes on, reloads the module, closes the scene, and looks whether
anything is left running. A picture of each step goes to the folder of the environment variable CRLM_SCREENSHOTS, or
into Slicer's temporary folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import qt
import slicer
import vtk

from . import layouts, sample
from .self_test_tools import Leftovers, click, grab, name_of, pause, wait_until

SCREENSHOTS = "CRLM_SCREENSHOTS"
SWEEP_S = 11.0


class SelfTest:
    """`case`: the ScriptedLoadableModuleTest, for its assertions and messages."""

    def __init__(self, case):
        self._case = case
        self._folder = Path(os.environ.get(SCREENSHOTS) or Path(slicer.app.temporaryPath) / "CRLMSegmentation")
        self._own = Path(tempfile.mkdtemp(prefix="crlm-self-test-"))

    @property
    def window(self):
        """Anew each time: a reload makes another one."""
        return slicer.modules.crlmsegmentation.widgetRepresentation().self().window

    @property
    def session(self):
        return self.window.session

    def run(self) -> None:
        """Everything, in the order of a case."""
        self._folder.mkdir(parents=True, exist_ok=True)
        before = Leftovers.now()
        slicer.util.mainWindow().resize(1760, 1000)
        slicer.util.selectModule("CRLMSegmentation")
        self._case.assertIsNotNone(self.session, "packages are missing: " + self.window.ui.packagesLabel.text)
        self.window.parameters.recordFolder = self._own / "recordings"
        self.window.parameters.caseFolder = self._own / "cases"
        try:
            self.connect()
            self.record()
            self.box()
            self.cancel_half_way()
            self.kill_the_worker()
            self.segment()
            self.correct()
            self.navigate()
            self.lose_the_stream()
            self.save_and_open()
            self.reload()
            self.close_the_scene(before)
        finally:
            shutil.rmtree(self._own, ignore_errors=True)
        self.tell(f"Passed. The pictures are in {self._folder}")

    def tell(self, text: str) -> None:
        self._case.delayDisplay(text, 50)

    def status(self, step: str) -> str:
        return self.session.state.status(self.window.steps[step]).name

    def picture(self, name: str) -> None:
        grab(self._folder / f"{name}.png")

    # The steps

    def connect(self) -> None:
        self.tell("1 Connect")
        ui, check = self.window.ui, self._case
        check.assertFalse(ui.connectSection.collapsed)
        check.assertTrue(ui.recordSection.collapsed)
        check.assertFalse(ui.recordButton.enabled)
        ui.connectAdvanced.collapsed = False
        click(ui.sampleButton)
        wait_until(lambda: self.window.connect.state_text.startswith("LIVE"), 30, lambda: self.window.connect.state_text)
        check.assertFalse(ui.recordSection.collapsed, "the next step opens")
        check.assertEqual(name_of(self.session.live_image_node()), "Image_Image")
        check.assertEqual(name_of(self.session.image_to_reference_node()), "ImageToReference")
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
            width, height, _ = self.session.live_image_node().GetImageData().GetDimensions()
            corners = np.array([[0, 0, 0, 1], [width - 1, 0, 0, 1], [0, height - 1, 0, 1]]).T
            in_slice = ras_to_slice @ image_to_ras @ corners
            # First row at the top, first column at the left.
            self._case.assertGreater(in_slice[0, 1], in_slice[0, 0])
            self._case.assertGreater(in_slice[1, 0], in_slice[1, 2])
            return np.abs(in_slice[2]).max()

        wait_until(lambda: off_plane_mm() < 1e-3, 5)

    def record(self) -> None:
        self.tell("2 Record")
        ui, check = self.window.ui, self._case
        click(ui.recordButton)
        wait_until(lambda: self.session.recording is not None and self.session.recording.frames > 60, 30)
        check.assertIn("frames", self.window.record.state_text)
        wait_until(lambda: self.session.volume_node() is not None, 20, lambda: "the volume does not grow")
        self.picture("step-2-record")
        wait_until(lambda: self.session.recording.seconds > SWEEP_S, 30)
        path = self.session.recording.path
        click(ui.recordButton)
        wait_until(lambda: self.status("RECONSTRUCT") == "DONE", 60, lambda: self.window.record.state_text)
        wait_until(lambda: self.session.recorded_path == path, 30)
        check.assertTrue(path.is_file())
        check.assertEqual(path.parent, self._own / "recordings")
        browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
        check.assertEqual(max(node.GetNumberOfItems() for node in browsers), len(self.session.sweep))
        volume = self.session.volume_node()
        check.assertGreater(slicer.util.arrayFromVolume(volume).max(), 100)
        np.testing.assert_allclose(volume.GetSpacing(), [0.5] * 3, atol=1e-6)
        check.assertEqual(self.window.layouts.current, layouts.PLANNING)
        check.assertFalse(ui.boxSection.collapsed, "the next step opens")

    def box(self) -> None:
        self.tell("3 Box")
        ui, check = self.window.ui, self._case
        click(ui.boxButton)
        check.assertTrue(self.window.box.picker.is_waiting)
        click(ui.boxButton)
        check.assertFalse(self.window.box.picker.is_waiting, "the second press takes it back")
        click(ui.boxButton)
        center = sample.tumor_center_ras()
        # As a click in a slice view does it: the point of the node in placement is defined.
        selection = slicer.mrmlScene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
        placed = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
        placed.AddControlPointWorld(*center)
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
        wait_until(lambda: not self.session.box_warnings, 5)
        self.window.open_step(self.window.box)
        pause(1.0)
        self.picture("step-3-box")
        self.window.open_step(self.window.segment)

    def cancel_half_way(self) -> None:
        self.tell("4 Segment: cancelled half-way")
        ui, check = self.window.ui, self._case
        wait_until(lambda: self.session.engine_status.state == "ready", 120, lambda: str(self.session.engine_status))
        click(ui.segmentButton)
        check.assertTrue(self.window.segment.is_running)
        check.assertIn("Cancel", ui.segmentButton.text)
        click(ui.segmentButton)
        wait_until(lambda: not self.window.segment.is_running, 30)
        check.assertIsNone(self.session.surface)
        check.assertEqual(self.status("NAVIGATE"), "WAITING")

    def kill_the_worker(self) -> None:
        self.tell("4 Segment: the worker process is killed")
        ui, check = self.window.ui, self._case
        number = self.session.engine_process_id
        check.assertIsNotNone(number)
        click(ui.segmentButton)
        os.kill(number, 9)
        wait_until(lambda: not self.window.segment.is_running, 60)
        check.assertEqual(self.status("SEGMENT"), "FAILED", self.window.segment.state_text)
        check.assertTrue(self.window.segment.state_text.startswith("FAILED"))
        check.assertTrue(self.window.connect.state_text.startswith("LIVE"), "the live view goes on")

    def segment(self) -> None:
        self.tell("4 Segment")
        ui, check = self.window.ui, self._case
        click(ui.segmentButton)
        wait_until(lambda: self.window.segment.is_running, 5)
        wait_until(lambda: not self.window.segment.is_running, 240, lambda: self.window.segment.state_text)
        check.assertEqual(self.status("SEGMENT"), "DONE", self.window.segment.state_text)
        surface = self.session.surface
        middle = np.array(surface.GetCenter())
        np.testing.assert_allclose(middle, sample.tumor_center_ras(), atol=5.0)
        properties = vtk.vtkMassProperties()
        properties.SetInputData(surface)
        check.assertGreater(properties.GetVolume() / 1000, 0.5 * sample.tumor_volume_ml())
        check.assertLess(properties.GetVolume() / 1000, 1.6 * sample.tumor_volume_ml())
        check.assertIsNotNone(self.session.case_clock_s)
        # Another threshold takes effect at once, without a second inference.
        before = properties.GetVolume()
        ui.segmentAdvanced.collapsed = False
        ui.thresholdSlider.value = 0.95
        wait_until(lambda: abs(self.session.threshold - 0.95) < 0.01, 5)
        check.assertFalse(self.window.segment.is_running)
        properties.SetInputData(self.session.surface)
        check.assertLess(properties.GetVolume(), before)
        ui.thresholdSlider.value = 0.5
        wait_until(lambda: abs(self.session.threshold - 0.5) < 0.01, 5)
        ui.segmentAdvanced.collapsed = True
        self.window.open_step(self.window.segment)
        pause(1.0)
        self.picture("step-4-segment")

    def correct(self) -> None:
        self.tell("4 Segment: corrected by hand")
        ui, check = self.window.ui, self._case
        click(ui.correctButton)
        check.assertTrue(self.window.segment.editor.is_open)
        check.assertEqual(self.window.segment.editor.widget.activeEffect().name, "Paint")
        volumes = vtk.vtkMassProperties()
        volumes.SetInputData(self.session.surface)
        before = volumes.GetVolume()
        self.cut_away_one_half()
        click(ui.correctButton)
        check.assertFalse(self.window.segment.editor.is_open)
        wait_until(lambda: not self.session.is_computing, 30)

        def volume():
            volumes.SetInputData(self.session.surface)
            return volumes.GetVolume()

        wait_until(lambda: volume() < 0.75 * before, 20, lambda: "the surface did not follow")

    def cut_away_one_half(self) -> None:
        """What a brush would do: the voxels of the segment's labelmap on one side are emptied."""
        node = self.session.segmentation_node()
        segment = node.GetSegmentation().GetNthSegmentID(0)
        volume = self.session.volume_node()
        voxels = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume)
        inside = np.argwhere(voxels)
        middle = int(np.median(inside[:, 2]))
        voxels[:, :, middle:] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment, volume)

    def navigate(self) -> None:
        self.tell("5 Navigate")
        ui, check = self.window.ui, self._case
        # The uncut tumor again, for the picture.
        click(ui.segmentButton)
        wait_until(lambda: self.window.segment.is_running, 5)
        wait_until(lambda: not self.window.segment.is_running, 240)
        check.assertEqual(self.status("SEGMENT"), "DONE", self.window.segment.state_text)
        self.window.open_step(self.window.navigate)
        click(ui.navigateButton)
        check.assertEqual(self.window.layouts.current, layouts.NAVIGATION)
        seen = self.watch_the_stylus()
        check.assertLess(min(seen), 0.0, "the stylus enters the tumor")
        check.assertGreater(max(seen), 20.0)
        self.slice_lies_in_the_image()

    def watch_the_stylus(self) -> list[float]:
        """The distances shown until the stylus was near, inside, far and lost; its picture is taken near the tumor."""
        shown, pictured, was_lost = [], False, False

        def look():
            nonlocal pictured, was_lost
            text = self.window.navigate.readouts["Stylus"].text
            reading = next(one for one in self.session.readings() if one.name == "Stylus")
            was_lost |= "LOST" in text
            if reading.signed_distance_mm is None:
                return False
            shown.append(reading.signed_distance_mm)
            if not pictured and 2.0 < reading.signed_distance_mm < 6.0 and " mm" in text:
                self.picture("step-5-navigate")
                pictured = True
            return pictured and was_lost and min(shown) < 0 and max(shown) > 20

        wait_until(look, 40, lambda: f"lost: {was_lost}, shown: {shown[-5:]}")
        return shown

    def lose_the_stream(self) -> None:
        self.tell("The stream ends")
        ui, check = self.window.ui, self._case
        click(ui.connectButton)
        wait_until(lambda: self.session.stream_status is None, 5)
        wait_until(lambda: "LOST" in self.window.navigate.readouts["Stylus"].text, 3)
        wait_until(lambda: self.window.live_slice.warning != "", 3)
        check.assertFalse(any(reading.signed_distance_mm is not None for reading in self.session.readings()))

    def save_and_open(self) -> None:
        self.tell("Save and open the case")
        ui, check = self.window.ui, self._case
        surface = vtk.vtkMassProperties()
        surface.SetInputData(self.session.surface)
        before = surface.GetVolume()
        check.assertTrue(self.session.has_unsaved_data)
        click(ui.saveCaseButton)
        wait_until(lambda: not self.session.has_unsaved_data, 60, lambda: self.window.case.state_text)
        [folder] = (self._own / "cases").iterdir()
        slicer.mrmlScene.Clear()
        wait_until(lambda: self.session is not None, 5)
        check.assertIsNone(self.session.surface)
        self.window.case.open_case(folder)
        wait_until(lambda: self.session.surface is not None, 60, lambda: self.window.case.state_text)
        surface.SetInputData(self.session.surface)
        np.testing.assert_allclose(surface.GetVolume(), before, rtol=1e-3)
        check.assertEqual(self.status("BOX"), "DONE")

    def reload(self) -> None:
        self.tell("Reload the module")
        old = self.window
        slicer.modules.crlmsegmentation.widgetRepresentation().self().onReload()
        self._case.assertIsNot(self.window, old)
        self._case.assertIsNone(old.session)
        self._case.assertFalse(old.pulse.is_running)
        wait_until(lambda: self.session is not None, 10)
        self._case.assertEqual(self.status("SEGMENT"), "DONE", "what is in the scene is taken over")

    def close_the_scene(self, before) -> None:
        self.tell("Close the scene, leave the module")
        # Again with everything running, then away with it.
        self.window.connect.replay(sample.SWEEP)
        wait_until(lambda: self.window.connect.state_text.startswith("LIVE"), 30)
        wait_until(lambda: self.session.engine_status.state == "ready", 120)
        window = self.window
        slicer.util.selectModule("Data")
        self._case.assertTrue(window.pulse.is_running, "a live view goes on in another module")
        slicer.mrmlScene.Clear()
        self._case.assertFalse(window.pulse.is_running)
        self._case.assertIsNone(window.session)
        wait_until(lambda: not Leftovers.now().beyond(before), 15, lambda: str(Leftovers.now().beyond(before)))
        qt.QApplication.processEvents()

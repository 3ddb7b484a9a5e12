"""What goes wrong, ends or is replaced in the self test: inference, worker, stream, scene."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import slicer

from .. import sample
from .self_test_tools import Bench, Leftovers, click, click_under, served, wait_until

HALF_WAY_S = 0.15


class Faults(Bench):
    """Each method leaves the window ready for the next one."""

    def cancel_half_way(self) -> None:
        self.report("4 Segment: cancelled half-way")
        ui, check = self.window.ui, self._case
        wait_until(lambda: self.session.engine.status.state == "ready", 120, lambda: str(self.session.engine.status))
        # No event is processed in between: the worker works, and its result cannot have been taken.
        ui.segmentButton.click()
        time.sleep(HALF_WAY_S)
        check.assertTrue(self.window.segment.is_running)
        check.assertIn("Cancel", ui.segmentButton.text)
        ui.segmentButton.click()
        wait_until(lambda: not self.window.segment.is_running, 30)
        check.assertIsNone(self.session.tumor.surface)
        check.assertEqual(self.status("NAVIGATE"), "WAITING")

    def kill_the_worker(self) -> None:
        self.report("4 Segment: the worker process is killed")
        ui, check = self.window.ui, self._case
        number = self.session.engine.process_id
        check.assertIsNotNone(number)
        ui.segmentButton.click()
        time.sleep(HALF_WAY_S)
        os.kill(number, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        wait_until(lambda: not self.window.segment.is_running, 60)
        # Killed before it had begun, the next worker does the work; killed at work, a sentence says so.
        check.assertIn(self.status("SEGMENT"), ("FAILED", "DONE"), self.window.segment.state_text)
        if self.status("SEGMENT") == "FAILED":
            check.assertTrue(self.window.segment.state_text.startswith("FAILED"))
            check.assertIsNone(self.session.tumor.surface)
        wait_until(lambda: self.session.engine.process_id not in (None, number), 60)
        text = lambda: self.window.connect.state_text  # noqa: E731
        wait_until(lambda: text().startswith("LIVE"), 10, lambda: "the live view does not go on: " + text())

    def lose_the_stream(self) -> None:
        self.report("The stream ends")
        ui, check = self.window.ui, self._case
        click(ui.connectButton)
        wait_until(lambda: self.session.stream.status is None, 5)
        wait_until(lambda: "LOST" in self.window.navigate.readouts["Stylus"].text, 3)
        wait_until(lambda: self.window.live_slice.warning != "", 3)
        check.assertFalse(any(reading.signed_distance_mm is not None for reading in self.session.tools.readings()))

    def connect_by_slicer(self) -> None:
        if not hasattr(slicer, "vtkMRMLIGTLConnectorNode"):
            self.report("Skipped: SlicerOpenIGTLink is not installed, so that its connector cannot be tried")
            return
        self.report("1 Connect: through SlicerOpenIGTLink's connector")
        ui, check, parameters = self.window.ui, self._case, self.window.parameters
        before = parameters.host, parameters.port
        self.window.open_step(self.window.connect)
        with served(sample.SWEEP) as port:
            parameters.host, parameters.port = "127.0.0.1", port
            click_under(ui.connectAdvanced, ui.slicerConnectorCheckBox)
            click(ui.connectButton)
            [connector] = slicer.util.getNodesByClass("vtkMRMLIGTLConnectorNode")
            check.assertEqual(connector.GetServerPort(), port)
            text = lambda: self.window.connect.state_text  # noqa: E731
            wait_until(lambda: text().startswith("LIVE"), 30, text)
            wait_until(lambda: self.window.navigate.readings["Stylus"].status.name == "LIVE", 30)
            click(ui.connectButton)
            check.assertFalse(slicer.util.getNodesByClass("vtkMRMLIGTLConnectorNode"))
            wait_until(lambda: "LOST" in self.window.navigate.readouts["Stylus"].text, 3)
            click_under(ui.connectAdvanced, ui.slicerConnectorCheckBox)
        parameters.host, parameters.port = before

    def save_and_open(self) -> None:
        self.report("Save and open the case")
        ui, check = self.window.ui, self._case
        before = self.tumor_ml()
        check.assertTrue(self.session.case.has_unsaved_data)
        click(ui.saveCaseButton)
        # It is written beside the work; the line says so, and when it was.
        check.assertTrue(self.session.case.is_saving)
        wait_until(lambda: self.window.case.state_text.startswith("DONE"), 60, lambda: self.window.case.state_text)
        check.assertFalse(self.session.case.has_unsaved_data)
        [folder] = (self._own / "cases").iterdir()
        slicer.mrmlScene.Clear()
        wait_until(lambda: self.session is not None, 5)
        check.assertIsNone(self.session.tumor.surface)
        check.assertFalse(ui.connectSection.collapsed)
        check.assertTrue(ui.navigateSection.collapsed)
        self.views_are_dark()
        self.window.case.open_case(folder)
        wait_until(lambda: self.session.tumor.surface is not None, 60, lambda: self.window.case.state_text)
        np.testing.assert_allclose(self.tumor_ml(), before, rtol=1e-3)
        check.assertEqual(self.status("BOX"), "DONE")

    def reload(self) -> None:
        self.report("Reload the module")
        old = self.window
        slicer.modules.crlmsegmentation.widgetRepresentation().self().onReload()
        self._case.assertIsNot(self.window, old)
        self._case.assertIsNone(old.session)
        self._case.assertFalse(old.timer.is_running)
        wait_until(lambda: self.session is not None, 10)
        self._case.assertEqual(self.status("SEGMENT"), "DONE", "what is in the scene is taken over")
        text = self.window.case.state_text
        self._case.assertTrue(text.startswith("NOT SAVED"), text)

    def close_the_scene(self, before: Leftovers) -> None:
        self.report("Close the scene, leave the module")
        # Again with everything running, then away with it.
        self.window.connect.replay(sample.SWEEP)
        wait_until(lambda: self.window.connect.state_text.startswith("LIVE"), 30)
        wait_until(lambda: self.session.engine.status.state == "ready", 120)
        window = self.window
        slicer.util.selectModule("Data")
        self._case.assertTrue(window.timer.is_running, "a live view goes on in another module")
        slicer.mrmlScene.Clear()
        self._case.assertFalse(window.timer.is_running)
        self._case.assertIsNone(window.session)
        wait_until(lambda: not Leftovers.now().beyond(before), 15, lambda: str(Leftovers.now().beyond(before)))

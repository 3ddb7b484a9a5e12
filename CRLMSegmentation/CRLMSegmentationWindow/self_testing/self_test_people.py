"""The self test of what a person must see, and of what must not happen unseen: doubts, hand work, faults, themes."""

from __future__ import annotations

import numpy as np
import qt
import slicer

from .. import sample
from ..view import layouts
from .self_test_tools import Bench, click, free_port, make_dark, make_light, pause, pixel_of, served_at, wait_until


class People(Bench):
    """Each method leaves the window ready for the next one, with a tumor in it."""

    def open_sections(self) -> list[str]:
        """The names of the steps whose sections are open."""
        return [panel.section.objectName for panel in self.window.numbered if not panel.section.collapsed]

    def wait_until_live(self) -> None:
        text = lambda: self.window.connect.state_text  # noqa: E731
        wait_until(lambda: text().startswith("LIVE"), 30, text)

    def reconnect_while_navigating(self) -> None:
        self.report("5 Navigate: the server ends and comes back")
        ui, check = self.window.ui, self._case
        click(ui.connectButton)
        wait_until(lambda: self.session.stream.status is None, 5)
        port = free_port()
        with served_at(sample.SWEEP, port):
            self.session.stream.connect("127.0.0.1", port)
            self.wait_until_live()
            if self.session.case.question:
                click(ui.samePatientButton)
            self.window.open_step(self.window.navigate)
            self.window.shown.navigation()
        wait_until(lambda: not self.session.stream.status.connected, 20)
        wait_until(lambda: "LOST" in self.window.navigate.readouts["Stylus"].text, 5)
        check.assertEqual(self.open_sections(), ["navigateSection"])
        with served_at(sample.SWEEP, port):
            self.wait_until_live()
            pause(1.0)
            check.assertEqual(self.open_sections(), ["navigateSection"])
            check.assertEqual(self.window.layouts.current, layouts.NAVIGATION)
            # Behind a closed section the worst reading stands in the title, in its color.
            self.window.open_step(self.window.connect)
            wait_until(lambda: " mm" in ui.navigateSection.text, 30, lambda: ui.navigateSection.text)
            wait_until(lambda: "WITHIN THE MARGIN" in ui.navigateSection.text, 60, lambda: ui.navigateSection.text)
            wait_until(lambda: "#ffb000" in ui.navigateSection.styleSheet, 5)
            self.picture("closed-title")
            self.window.open_step(self.window.navigate)
            click(ui.connectButton)
        self.window.connect.replay(sample.SWEEP)
        self.wait_until_live()
        if self.session.case.question:
            click(ui.samePatientButton)

    def doubts_are_seen(self) -> None:
        self.report("4 Segment: doubts stay until a person has reviewed them")
        ui, check = self.window.ui, self._case
        wait_until(lambda: len(self.session.tumor.doubts) > 0, 5)
        self.window.open_step(self.window.segment)
        pause(0.5)
        check.assertTrue(self.window.segment.state_text.startswith("LOOK:"), self.window.segment.state_text)
        for doubt in self.session.tumor.doubts:
            check.assertIn(doubt.rstrip("."), self.window.segment.state_text)
        self.picture("doubts")
        click(ui.reviewedButton)
        check.assertTrue(self.session.tumor.doubts_acknowledged)
        check.assertFalse(self.window.segment.state_text.startswith("LOOK:"), self.window.segment.state_text)
        check.assertEqual(self.open_sections(), ["navigateSection"])

    def hand_work_is_kept(self) -> None:
        self.report("4 Segment: what was corrected by hand is kept unless a person says otherwise")
        ui, check = self.window.ui, self._case
        asked = []
        self.window.questions.may_replace_hand_work = lambda what: asked.append(what) or False
        check.assertTrue(self.session.tumor.has_hand_corrections)
        before = self.tumor_ml()
        for button in (ui.segmentButton, ui.growButton, ui.boxButton):
            click(button)
        check.assertEqual(len(asked), 3)
        check.assertFalse(self.window.segment.is_running or self.window.segment.picker.is_waiting)
        np.testing.assert_allclose(self.tumor_ml(), before, rtol=1e-6)

    def correcting_is_never_unseen(self) -> None:
        self.report("4 Segment: the brush works on the planning slices and nowhere else")
        ui, check, segment = self.window.ui, self._case, self.window.segment
        self.window.shown.navigation()
        self.window.open_step(self.window.segment)
        click(ui.correctButton)
        check.assertEqual(self.window.layouts.current, layouts.PLANNING)
        pause(0.5)
        self.picture("correcting")
        for away in (
            lambda: self.window.open_step(self.window.navigate),
            lambda: slicer.app.layoutManager().setLayout(layouts.NAVIGATION),
            lambda: slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView),
        ):
            self.window.open_step(segment)
            if not segment.editor.is_open:
                click(ui.correctButton)
            check.assertIsNotNone(segment.editor.widget.activeEffect())
            away()
            wait_until(lambda: not segment.editor.is_open, 2)
            check.assertIsNone(segment.editor.widget.activeEffect())
        self.window.shown.tumor()
        before = self.tumor_ml()
        view = slicer.app.layoutManager().sliceWidget("Red")
        middle = pixel_of(view, self.session.tumor.surface.GetCenter())
        slicer.util.clickAndDrag(view, start=middle, end=(middle[0] + 60, middle[1]), steps=10)
        pause(1.0)
        np.testing.assert_allclose(self.tumor_ml(), before, rtol=1e-6)
        self.window.open_step(segment)

    def all_hand_work_goes_by_one_button(self) -> None:
        self.report("4 Segment: all corrections are taken back at once")
        ui, check = self.window.ui, self._case
        before = self.tumor_ml()
        self.window.questions.may_replace_hand_work = lambda what: True
        click(ui.discardButton)
        wait_until(lambda: not self.session.tumor.has_hand_corrections, 10)
        wait_until(lambda: self.tumor_ml() > 1.2 * before, 10, lambda: f"{before} mL, then {self.tumor_ml()} mL")
        check.assertFalse(ui.discardButton.visible)

    def slices_lie_as_the_sweep(self) -> None:
        self.report("The planning slices lie as the sweep lies")
        self.window.shown.tumor()
        sweep = self.session.recording.sweep
        middle = sweep.valid_frames[len(sweep.valid_frames) // 2].image_to_reference
        red = self.frame_of("Red")
        for column, direction in ((0, middle[:3, 0]), (1, -middle[:3, 1])):
            self._case.assertGreater(red[:, column] @ direction / np.linalg.norm(direction), 0.8)
        for name in ("Red", "Yellow", "Green"):
            self._case.assertAlmostEqual(np.linalg.det(self.frame_of(name)), 1.0, places=6)
        pause(0.5)
        self.picture("planning")

    @staticmethod
    def frame_of(name: str) -> np.ndarray:
        """(3, 3) columns right, up, towards the viewer of a slice view."""
        node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
        return slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())[:3, :3]

    def a_fault_is_shown_as_lost(self) -> None:
        self.report("A fault in the window's timer")
        check, navigate = self._case, self.window.navigate
        self.window.shown.navigation()
        wait_until(lambda: " mm" in navigate.readouts["Stylus"].text, 60, lambda: navigate.readouts["Stylus"].text)
        tick = navigate.tick

        def broken():
            raise RuntimeError("on purpose, by the self test")

        navigate.tick = broken
        wait_until(lambda: "LOST" in navigate.readouts["Stylus"].text, 2)
        frames = self.session.stream.status.frames
        wait_until(lambda: self.session.stream.status.frames > frames + 20, 20, lambda: "nothing is received any more")
        check.assertTrue(navigate.state_text.startswith("LOST"), navigate.state_text)
        check.assertIn("NOT LIVE", self.window.live_slice.warning)
        from CRLMSegmentationLib.mrml import names

        stylus = slicer.util.getNode(names.tool_model("Stylus"))
        wait_until(lambda: not stylus.GetDisplayVisibility(), 5, lambda: "the stylus is still shown in space")
        self.picture("fault")
        navigate.tick = tick
        wait_until(lambda: not self.window.fault, 10)
        wait_until(lambda: " mm" in navigate.readouts["Stylus"].text, 60)
        check.assertIn("error log", self.window.case.state_text)
        self.window.case.forget_problem()

    def words_stand_out_in_every_theme(self) -> None:
        self.report("Themes changed while the module is there")
        ui = self.window.ui
        for make, name in ((make_light, "light"), (make_dark, "dark"), (make_light, "light"), (make_dark, "dark")):
            make()
            pause(0.3)
            wanted = slicer.app.palette().color(qt.QPalette.WindowText).name()
            for label in (ui.researchLabel, ui.connectState, ui.navigateState, ui.caseState, ui.segmentState):
                self._case.assertEqual(label.palette.color(qt.QPalette.WindowText).name(), wanted, label.objectName)
            self.picture(f"theme-{name}")

    def another_patient(self) -> None:
        self.report("Another source: is it the same patient?")
        ui, check = self.window.ui, self._case
        if self.window.connect.is_connected:
            click(ui.connectButton)
        port = free_port()
        with served_at(sample.SWEEP, port):
            self.session.stream.connect("127.0.0.1", port)
            wait_until(lambda: bool(self.session.case.question), 20)
            wait_until(lambda: ui.samePatientButton.visible, 5)
            check.assertFalse(any(r.signed_distance_mm is not None for r in self.session.tools.readings()))
            self.picture("same-patient")
            click(ui.samePatientButton)
            wait_until(lambda: self.session.case.question is None, 5)
            check.assertIn("SIMULATED", self.window.source.text)
            click(ui.connectButton)
        wait_until(lambda: self.session.stream.status is None, 5)
        check.assertIn("SIMULATED", self.window.source.text, "it does not vanish with the connection")

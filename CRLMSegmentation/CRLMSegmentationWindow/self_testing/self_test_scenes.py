"""What the self test does with whole scenes: loads one while live and one instead of another, and begins a new case."""

from __future__ import annotations

import slicer

from ..view import layouts
from .self_test_tools import Bench, click, wait_until

_OWN = ("vtkMRMLModelNode", "vtkMRMLLinearTransformNode", "vtkMRMLMarkupsROINode", "vtkMRMLSegmentationNode")


class Scenes(Bench):
    """Each method leaves a case in the scene, but new_case()."""

    def names_in_the_scene(self) -> list[str]:
        return [node.GetName() for class_name in _OWN for node in slicer.util.getNodesByClass(class_name)]

    def load_a_scene_while_live(self) -> None:
        self.report("A scene is loaded while live")
        check, path = self._case, self._own / "case.mrb"
        check.assertTrue(slicer.util.saveScene(str(path)))
        before = self.tumor_ml()
        check.assertTrue(self.session.is_busy)
        check.assertTrue(slicer.util.loadScene(str(path), {"clear": False}))
        wait_until(lambda: self.status("NAVIGATE") == "READY" or bool(self.session.case.question), 10)
        if self.session.case.question:
            click(self.window.ui.samePatientButton)
        check.assertEqual([self.status(step) for step in ("BOX", "SEGMENT", "NAVIGATE")], ["DONE", "DONE", "READY"])
        check.assertAlmostEqual(self.tumor_ml(), before, delta=0.02 * before)
        names = self.names_in_the_scene()
        check.assertEqual(len(names), len(set(names)), sorted(names))
        wait_until(lambda: " mm" in self.window.navigate.readouts["Stylus"].text, 60)

    def load_a_scene(self) -> None:
        self.report("A scene is loaded in place of the present one")
        check = self._case
        before = self.tumor_ml()
        # The model loads meanwhile, and no view has shown the live image since.
        check.assertTrue(slicer.util.loadScene(str(self._own / "case.mrb")))
        wait_until(lambda: self.session is not None and self.status("SEGMENT") == "DONE", 30)
        check.assertAlmostEqual(self.tumor_ml(), before, delta=0.05 * before)
        check.assertTrue(self.window.case.state_text.startswith("NOT SAVED"), self.window.case.state_text)
        # What is to be done next is open: nothing is connected at this point of the test.
        check.assertFalse(self.window.connect.is_connected)
        check.assertFalse(self.window.connect.section.collapsed)
        for name in ("Stylus model", "Stylus to tumor"):
            node = slicer.mrmlScene.GetFirstNodeByName(name)
            check.assertFalse(node is not None and node.GetDisplayVisibility(), f"{name} stands where it was saved")
        self.views_are_dark()

    def new_case(self) -> None:
        self.report("A new case")
        ui, check = self.window.ui, self._case
        answers = ["discard", "cancel"]
        self.window.questions.about_unsaved = lambda *text: answers.pop()
        click(ui.newCaseButton)
        check.assertIsNotNone(self.session.tumor.surface, "the person has cancelled")
        click(ui.newCaseButton)
        check.assertIsNone(self.session.tumor.surface)
        check.assertIsNone(slicer.mrmlScene.GetFirstNodeByName("Tumor box"))
        check.assertFalse(ui.connectSection.collapsed)
        check.assertTrue(ui.navigateSection.collapsed)
        for name in ("Red", "Yellow", "Green"):
            shown = slicer.app.layoutManager().sliceWidget(name).sliceLogic().GetBackgroundLayer().GetVolumeNode()
            check.assertIsNone(shown, f"{name} shows what was live before")
        self.picture("new-case")

    def views_are_dark(self) -> None:
        """A scene that was closed or loaded has not given the module's 3D view Slicer's looks."""
        view = layouts.view_3d()
        if view is not None:
            self._case.assertLess(max(view.mrmlViewNode().GetBackgroundColor()), 0.2)
            self._case.assertFalse(view.mrmlViewNode().GetBoxVisible())

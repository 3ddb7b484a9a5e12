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

    def rename_every_node(self) -> None:
        """What a user calls a node is his own: everything goes on, and nothing is made a second time."""
        self.report("Every node is renamed while navigating")
        check, scene, ui = self._case, slicer.mrmlScene, self.window.ui
        text = lambda: self.window.navigate.readouts["Stylus"].text  # noqa: E731
        wait_until(lambda: " mm" in text(), 60, text)
        line = self.view.distance_line_node("Stylus")
        own = [node for node in slicer.util.getNodesByClass("vtkMRMLNode") if node.GetAttribute("CRLM.Role")]
        check.assertGreater(len(own), 10)
        before = {node.GetID(): node.GetName() for node in own}
        count, volume_ml = _number_of_nodes(), self.tumor_ml()
        for number, node in enumerate(own):
            node.SetName(f"Renamed {number}")
        frames = self.session.stream.status.frames
        wait_until(lambda: self.session.stream.status.frames > frames + 20, 20)
        wait_until(lambda: " mm" in text(), 60, text)
        check.assertIs(self.view.distance_line_node("Stylus"), line)
        check.assertEqual(line.GetDisplayNode().GetNumberOfViewNodeIDs(), 1, "the line is drawn in 3D only")
        self.slice_lies_in_the_image()
        click(ui.segmentButton)
        wait_until(lambda: not self.window.segment.is_running, 240, lambda: self.window.segment.state_text)
        check.assertAlmostEqual(self.tumor_ml(), volume_ml, delta=0.02 * volume_ml)
        check.assertEqual(_number_of_nodes(), count, "a node was made again under its old name")
        check.assertEqual([self.status(step) for step in ("BOX", "SEGMENT", "NAVIGATE")], ["DONE", "DONE", "READY"])
        for identifier, name in before.items():
            scene.GetNodeByID(identifier).SetName(name)
        self.window.open_step(self.window.navigate)
        self.window.shown.navigation()

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


def _number_of_nodes() -> int:
    """Of the scene, but for those that store others: they are made while nobody waits, one by one."""
    scene = slicer.mrmlScene
    return scene.GetNumberOfNodes() - scene.GetNumberOfNodesByClass("vtkMRMLStorageNode")

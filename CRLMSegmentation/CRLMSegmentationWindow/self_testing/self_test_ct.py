"""The self test of the CT before the operation: opened, shown, cut, corrected by hand, and brought into the operation.

The CT is that of a simulated patient, its structures are the truth in the place of another program's labels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer

from .self_test_tools import Bench, click, pause, wait_until

_SEED, _SPACING_MM = 7, 4.0
_BALL_MM = 9.0
# Between corners of the liver's box and the operation's volume: a turn about S, as a patient who lies differently.
_TURN_DEG = 20.0
_NODES = ("CT in correction", "CT structures in correction")


class CtSteps(Bench):
    """Before the case begins, and within it."""

    def ct_before_the_operation(self) -> None:
        self.report("A CT before the operation")
        self.window.ui.ctSection.collapsed = False
        self._open_ct(self._simulate_ct())
        self._cut_the_liver()
        self._correct_by_hand()
        self._draw_in_the_segment_editor()
        self.window.ui.ctSection.collapsed = True

    def ct_into_the_operation(self) -> None:
        self.report("The CT is brought into the operation")
        ui, check, session = self.window.ui, self._case, self.session
        ui.ctSection.collapsed = False
        self.window.refresh()
        check.assertFalse(ui.ctCorrectButton.enabled, "a CT in the views of an operation would mislead")
        check.assertIsNone(slicer.mrmlScene.GetFirstNodeByName("CT liver"))
        landmarks = self._write_landmarks()
        self.window.ct._file = lambda *_: str(landmarks)
        click(ui.ctRegisterButton)
        check.assertTrue(self.window.ct.state_text.startswith("REGISTERED: In the operation: error at the tumor"))
        node = slicer.mrmlScene.GetFirstNodeByName("CT liver")
        wait_until(lambda: node.GetDisplayVisibility() and node.GetParentTransformNode() is not None, 5)
        check.assertFalse(node.GetDisplayNode().GetVisibility2D(), "in the slices of the ultrasound it would mislead")
        pause(0.5)
        self.picture("ct-registered")
        click(ui.ctUnregisterButton)
        check.assertIsNone(slicer.mrmlScene.GetFirstNodeByName("CT liver"))
        click(ui.ctCloseButton)
        check.assertIsNone(session.preoperative.ct)
        ui.ctSection.collapsed = True

    def _simulate_ct(self) -> Path:
        """A folder with ct.nrrd, and the folder `labels` with a mask of each structure."""
        from CRLMSegmentationLib.files import write_volume
        from CRLMSegmentationLib.preoperative.structures import structures_of_map
        from CRLMSegmentationLib.simulation.ct import scan
        from CRLMSegmentationLib.simulation.patient import draw_patient
        from CRLMSegmentationLib.study.cases.ct_population import cubic_settings, structures_of

        patient = draw_patient(_SEED)
        ct, _ = scan(patient, cubic_settings(patient, _SPACING_MM, "portal", noise_hu=10.0))
        truth = structures_of_map(structures_of(patient, ct))
        folder = self._own / "simulated ct"
        write_volume(ct, folder / "ct.nrrd")
        for name, file in (("liver", "liver"), ("vessels", "liver_vessels"), ("tumor", "liver_tumor")):
            write_volume(truth.mask(name), folder / "labels" / f"{file}.nrrd")
        self._truth = truth
        return folder

    def _open_ct(self, folder: Path) -> None:
        ui, check, part = self.window.ui, self._case, self.session.preoperative
        panel = self.window.ct
        panel._file = lambda *_: str(folder / "ct.nrrd")
        click(ui.ctVolumeButton)
        self._until_idle()
        check.assertIn("not segmented yet", panel.state_text)
        check.assertTrue(ui.ctPicture.visible and ui.ctPicture.pixmap is not None)
        panel._folder = lambda *_: str(folder / "labels")
        click(ui.ctLabelsButton)
        self._until_idle()
        check.assertTrue(part.has_result, panel.state_text)
        check.assertEqual(len(part.ct.result.measures.lesions), self._truth.lesion_count)
        check.assertIn("1. volume", ui.ctFigures.text)
        check.assertEqual(ui.ctLesionComboBox.count, self._truth.lesion_count)
        part.go_to_lesion(1)
        self._picture_of_section("ct-structures", ui.ctPicture)
        before = ui.ctPicture.pixmap.toImage()
        ui.ctTumorCheckBox.click()
        check.assertNotIn("tumor", part.shown)
        check.assertFalse(ui.ctPicture.pixmap.toImage() == before, "the picture shows the tumors still")
        ui.ctTumorCheckBox.click()

    def _cut_the_liver(self) -> None:
        ui, check, plan = self.window.ui, self._case, self.session.preoperative.remnant
        click(ui.ctPlaneButton)
        check.assertTrue(0.0 < plan.found.share < 1.0, plan.found)
        check.assertIn("of the liver without tumors", ui.ctRemnant.text)
        first = plan.found.share
        ui.ctPlaneOffsetSlider.value = 20
        slicer.app.processEvents()
        check.assertLess(plan.found.share, first)
        ui.ctPlaneTurnSlider.value = 25
        slicer.app.processEvents()
        check.assertAlmostEqual(plan.turn_deg, 25.0)
        self._picture_of_section("ct-remnant", ui.ctRemnant)
        shown = plan.found.share
        click(ui.ctTurnAroundButton)
        check.assertAlmostEqual(plan.found.share, 1.0 - shown, delta=0.02)
        click(ui.ctRemovePlaneButton)
        check.assertEqual(ui.ctRemnant.text, "")

    def _correct_by_hand(self) -> None:
        ui, check, part = self.window.ui, self._case, self.session.preoperative
        count = len(part.ct.result.measures.lesions)
        ui.ctLesionComboBox.currentIndex = count - 1
        click(ui.ctNoTumorButton)
        self._until_idle()
        check.assertEqual(len(part.ct.result.measures.lesions), count - 1)
        check.assertIn("Corrected by hand, 1 change.", ui.ctFigures.text)
        click(ui.ctUndoButton)
        self._until_idle()
        check.assertEqual(len(part.ct.result.measures.lesions), count)
        check.assertNotIn("Corrected by hand", ui.ctFigures.text)

    def _draw_in_the_segment_editor(self) -> None:
        ui, check, part = self.window.ui, self._case, self.session.preoperative
        before = part.ct.result.measures
        click(ui.ctCorrectButton)
        check.assertTrue(self.window.ct.editing.editor.is_open)
        volume, segmentation = (slicer.mrmlScene.GetFirstNodeByName(name) for name in _NODES)
        for name in ("Red", "Yellow", "Green"):
            logic = slicer.app.layoutManager().sliceWidget(name).sliceLogic()
            check.assertEqual(logic.GetBackgroundLayer().GetVolumeNode(), volume)
        self._draw_a_tumor(volume, segmentation)
        pause(0.5)
        self._picture_of_section("ct-correction", ui.ctEditorFrame)
        click(ui.ctCorrectButton)
        self._until_idle()
        after = part.ct.result.measures
        check.assertEqual(part.corrections.made, 1, self.window.ct.state_text)
        check.assertGreater(after.tumors_ml, before.tumors_ml)
        check.assertAlmostEqual(after.liver_ml, before.liver_ml, delta=0.02 * before.liver_ml)
        for name in _NODES:
            check.assertIsNone(slicer.mrmlScene.GetFirstNodeByName(name))
        click(ui.ctUndoButton)
        self._until_idle()
        check.assertEqual(part.ct.result.measures, before)

    def _draw_a_tumor(self, volume: slicer.vtkMRMLScalarVolumeNode, node: slicer.vtkMRMLSegmentationNode) -> None:
        """What a brush would do: voxels of the tumors' labelmap are set, around the middle of the liver."""
        found = self.session.preoperative.ct.result.structures
        liver = np.argwhere(found.mask("liver").voxels)
        middle = liver.mean(axis=0)
        kji = np.indices(found.label_map.voxels.shape)
        spacing = found.label_map.spacing_mm[::-1]
        away_mm = np.sqrt(sum(((axis - at) * mm) ** 2 for axis, at, mm in zip(kji, middle, spacing)))
        drawn = (found.mask("tumor").voxels > 0) | (away_mm <= _BALL_MM)
        segment = node.GetSegmentation().GetSegmentIdBySegmentName("tumor")
        slicer.util.updateSegmentBinaryLabelmapFromArray(drawn.astype(np.uint8), node, segment, volume)

    def _write_landmarks(self) -> Path:
        """Four points of the liver, and where they are in the operation: the first lesion lies where the tumor is."""
        part = self.session.preoperative
        liver = part.ct.result.structures.mask("liver")
        places = np.argwhere(liver.voxels)[:, ::-1]
        ends = [places[np.argmin(places @ way)] for way in ([1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1])]
        ct = np.array([(liver.ijk_to_ras @ [*end, 1.0])[:3] for end in ends])
        turn = np.radians(_TURN_DEG)
        rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        lesion = np.array(part.ct.result.measures.lesions[0].center_ras_mm)
        tumor = np.array(self.session.tumor.surface.GetCenter())
        reference = (ct - lesion) @ rotation.T + tumor + 0.8 * np.eye(4)[:, :3]
        path = self._own / "landmarks.csv"
        lines = ["name,ct_r,ct_a,ct_s,reference_r,reference_a,reference_s"]
        lines += [f"p{n},{','.join(f'{x:.2f}' for x in [*a, *b])}" for n, (a, b) in enumerate(zip(ct, reference))]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _until_idle(self) -> None:
        part = self.session.preoperative
        wait_until(lambda: not part.is_busy, 60, lambda: self.window.ct.state_text)
        self._case.assertEqual(part.problem, "")
        self.window.refresh()

    def _picture_of_section(self, name: str, widget: object) -> None:
        """With `widget` of the section in sight."""
        self.window.refresh()
        slicer.app.processEvents()
        parent = widget.parent()
        while parent is not None and not hasattr(parent, "ensureWidgetVisible"):
            parent = parent.parent()
        if parent is not None:
            parent.ensureWidgetVisible(widget)
        pause(0.3)
        self.picture(name)

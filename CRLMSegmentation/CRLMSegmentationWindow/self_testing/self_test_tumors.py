"""The self test of several tumors: another one is added and drawn by hand, both are measured to, one is deleted."""

from __future__ import annotations

import numpy as np
import slicer

from .. import sample
from ..view import layouts
from .self_test_tools import Bench, click, pause, place_point, wait_until

# From the sample's tumor to the place of the second one, mm along the first axis of the volume, and its radius.
_BESIDE_MM, _RADIUS_MM = 24.0, 5.0


class Tumors(Bench):
    """Leaves the window as it was: with one tumor, in the navigation view."""

    def several_tumors(self) -> None:
        self.report("Several tumors: another one, drawn by hand")
        ui, check, session = self.window.ui, self._case, self.session
        first, before = session.tumor.surface, self.tumor_ml()
        along = session.volume.value.ijk_to_ras[:3, 0]
        center = np.array(sample.tumor_center_ras()) + _BESIDE_MM * along / np.linalg.norm(along)
        click(ui.addTumorButton)
        check.assertTrue(self.window.box.picker.is_waiting)
        place_point(center)
        wait_until(lambda: self.status("BOX") == "DONE", 5)
        self.window.open_step(self.window.segment)
        click(ui.correctButton)
        self._draw_a_ball(center)
        click(ui.correctButton)
        wait_until(lambda: session.tumor.surface is not None, 20)
        wait_until(lambda: not session.is_computing, 30)
        check.assertEqual([one.name for one in session.tumors.all], ["T1", "T2"])
        check.assertIs(session.tumors.get(1).found.surface, first)
        check.assertIsNotNone(self.view.others.node(1))
        wait_until(lambda: ui.tumorList.count == 2, 5)
        self._distances_to_both()
        self._choose_and_delete(before)

    def _draw_a_ball(self, center_ras: np.ndarray) -> None:
        """What a brush would do: voxels of the segment's labelmap are set."""
        node, volume = self.view.segmentation_node(), self.session.volume.value
        segment = node.GetSegmentation().GetNthSegmentID(0)
        k, j, i = np.indices(volume.voxels.shape)
        index = (np.linalg.inv(volume.ijk_to_ras) @ [*center_ras, 1.0])[:3]
        away_mm = np.sqrt(sum(((axis - at) * mm) ** 2 for axis, at, mm in zip((i, j, k), index, volume.spacing_mm)))
        voxels = (away_mm <= _RADIUS_MM).astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment, self.view.volume_node())

    def _distances_to_both(self) -> None:
        self.window.open_step(self.window.navigate)
        self.window.shown.navigation()
        text = lambda: self.window.navigate.readouts["Stylus"].text  # noqa: E731
        wait_until(lambda: "Stylus to T2" in text() and "T1: " in text(), 60, text)
        wait_until(lambda: " mm" in self.window.ui.tumorList.item(0).text(), 20)
        self._pinned()
        self.picture("several-tumors")

    def _pinned(self) -> None:
        """The read-out is there whatever section and module is open, and in both views."""
        pinned = self.window.navigate.pinned
        self.window.open_step(self.window.connect)
        slicer.util.selectModule("Data")
        wait_until(lambda: "T2" in pinned.text, 20, lambda: pinned.text)
        for text in pinned.texts_in_views:
            self._case.assertIn("T2", text)
        slicer.util.selectModule("CRLMSegmentation")
        self.window.open_step(self.window.navigate)
        # Laid out for what it shows now, not for what it showed before the other module was opened.
        panel = self.window.ui.tumorsFrame.parentWidget()
        full = lambda: panel.layout().totalHeightForWidth(panel.width)  # noqa: E731
        wait_until(lambda: panel.height <= full() + 4, 5, lambda: f"{panel.height} pixels high, full with {full()}")

    def _choose_and_delete(self, before_ml: float) -> None:
        ui, check, session = self.window.ui, self._case, self.session
        ui.tumorList.setCurrentRow(0)
        slicer.app.processEvents()
        check.assertEqual(session.tumors.chosen.number, 1)
        np.testing.assert_allclose(self.tumor_ml(), before_ml, rtol=1e-6)
        check.assertEqual(self.window.layouts.current, layouts.NAVIGATION, "who navigates stays at that")
        self.window.shown.tumor()
        pause(0.5)
        self.picture("several-tumors-planning")
        ui.tumorList.setCurrentRow(1)
        slicer.app.processEvents()
        asked: list[str] = []
        self.window.questions.may_delete_hand_work = lambda name: asked.append(name) or len(asked) > 1
        click(ui.deleteTumorButton)
        check.assertEqual((len(session.tumors.all), asked), (2, ["T2"]))
        click(ui.deleteTumorButton)
        check.assertEqual([one.name for one in session.tumors.all], ["T1"])
        check.assertEqual(self.view.others.nodes(), [])
        np.testing.assert_allclose(self.tumor_ml(), before_ml, rtol=1e-6)
        self.window.open_step(self.window.navigate)
        self.window.shown.navigation()

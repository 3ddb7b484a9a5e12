"""The self test of the module: one case from the live stream to the navigation view, by the widgets themselves.

It opens the CT of a simulated patient, corrects it and brings it into the operation; it plays the shipped sample over
OpenIGTLink, presses the buttons of all five steps, checks nodes and geometry, stops an inference half-way, ends the
worker process and the server and goes on, renames every node, adds and deletes a second tumor, breaks the window's
timer, changes the theme, loads scenes, reloads the module, calibrates a stylus, closes the scene, and checks that
nothing is left running.
A picture of each step goes to the folder of the environment variable CRLM_SCREENSHOTS, or into Slicer's temporary
folder.
"""

from __future__ import annotations

import shutil

import slicer

from .. import remembered
from .self_test_calibrate import CalibrateSteps
from .self_test_ct import CtSteps
from .self_test_faults import Faults
from .self_test_people import People
from .self_test_scenes import Scenes
from .self_test_steps import Steps
from .self_test_tools import Leftovers, make_dark
from .self_test_tumors import Tumors


class SelfTest(Steps, Faults, People, Tumors, Scenes, CalibrateSteps, CtSteps):
    """`SelfTest(case).run()`, with the ScriptedLoadableModuleTest."""

    def run(self) -> None:
        """Everything, in the order of a case."""
        before, settings = Leftovers.now(), remembered.stored()
        slicer.util.mainWindow().resize(1760, 1000)
        make_dark()
        slicer.util.selectModule("CRLMSegmentation")
        self._case.assertIsNotNone(self.session, "packages are missing: " + self.window.ui.packagesLabel.text)
        self.window.parameters.recordFolder = self._own / "recordings"
        self.window.parameters.caseFolder = self._own / "cases"
        try:
            self.ct_before_the_operation()
            self.connect()
            self.record()
            self.box()
            self.cancel_half_way()
            self.kill_the_worker()
            self.segment()
            self.correct()
            self.hand_work_is_kept()
            self.correcting_is_never_unseen()
            self.all_hand_work_goes_by_one_button()
            self.slices_lie_as_the_sweep()
            self.semi_automatic()
            self.doubts_are_seen()
            self.navigate()
            self.rename_every_node()
            self.several_tumors()
            self.ct_into_the_operation()
            self.reconnect_while_navigating()
            self.a_fault_is_shown_as_lost()
            self.words_stand_out_in_every_theme()
            self.load_a_scene_while_live()
            self.lose_the_stream()
            self.connect_by_slicer()
            self.another_patient()
            self.save_and_open()
            self.load_a_scene()
            self.reload()
            self.new_case()
            self.calibrate()
            self.close_the_scene(before)
        finally:
            remembered.store(settings)
            shutil.rmtree(self._own, ignore_errors=True)
        self.report(f"Passed. The pictures are in {self._folder}")

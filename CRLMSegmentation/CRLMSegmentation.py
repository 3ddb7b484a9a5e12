"""CRLM Segmentation: the module in 3D Slicer, from a tracked ultrasound sweep to a tumor beside the tools.

Here are the module, its widget, its logic and its self test, as Slicer asks for them. What the window shows is in
CRLMSegmentationWindow, what it does in CRLMSegmentationLib. Nothing is imported here that a bare Slicer lacks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    import vtk
    from CRLMSegmentationLib.mrml.scene_view import SceneView
    from CRLMSegmentationLib.session.session import Session
    from CRLMSegmentationWindow.parameters import Parameters


class CRLMSegmentation(ScriptedLoadableModule):
    """Name, place and help text of the module."""

    def __init__(self, parent: qt.QWidget):
        from CRLMSegmentationLib.words import tr as _
        from CRLMSegmentationWindow.language import follow_slicer

        ScriptedLoadableModule.__init__(self, parent)
        follow_slicer()
        self.parent.title = _("CRLM Segmentation")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        # Of Slicer itself. SlicerOpenIGTLink, SlicerIGSIO and SlicerIGT are used when they are installed.
        self.parent.dependencies = ["Markups", "Segmentations", "SegmentEditor", "Sequences", "SampleData"]
        self.parent.contributors = ["the CRLM Navigation developers"]
        self.parent.helpText = _(
            "Intraoperative ultrasound navigation of colorectal liver metastases, in five steps: connect to PLUS, "
            "record a sweep, place a box around the tumor, find the tumor in it, and navigate beside it. No "
            "registration to a pre-operative scan is needed.<br><br>"
            "To try it without any device: step 1, Advanced, 'Replay the sample (simulated)'.<br><br>"
            "<b>For research. Not a medical device.</b> The shipped model was trained on simulated data only."
        )
        self.parent.acknowledgementText = _(
            "The approach follows Natali et al., arXiv 2511.05253. Segmentation by nnU-Net (Isensee et al., Nature "
            "Methods 2021), tracking by PLUS (Lasso et al., IEEE TBME 2014), OpenIGTLink and the SlicerIGT extensions."
        )
        slicer.app.connect("startupCompleted()", self._registerSampleData)

    def _registerSampleData(self):
        from CRLMSegmentationWindow import sample

        sample.register(self._showSample)

    @staticmethod
    def _showSample(path):
        slicer.util.selectModule("CRLMSegmentation")
        slicer.modules.crlmsegmentation.widgetRepresentation().self().window.connect.replay(path)


class CRLMSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Loads the .ui file; the window hears when the module is shown, left or reloaded, and when the scene changes."""

    def __init__(self, parent: qt.QWidget | None = None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.window = None
        self._closeGuard = self._theme = None

    def setup(self) -> None:
        """Called once, when the module is first opened."""
        ScriptedLoadableModuleWidget.setup(self)
        from CRLMSegmentationWindow.closing import CloseGuard
        from CRLMSegmentationWindow.language import follow_slicer, translate_ui
        from CRLMSegmentationWindow.theme import ThemeWatch
        from CRLMSegmentationWindow.window import Window

        follow_slicer()
        uiFile = self.resourcePath("UI/CRLMSegmentation.ui")
        uiWidget = slicer.util.loadUI(uiFile)
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        translate_ui(self.ui, uiFile)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = CRLMSegmentationLogic()
        self.window = Window(self.ui, self.logic.openSession, Path(self.resourcePath("requirements.txt")))
        self._closeGuard = CloseGuard(
            self._hasUnsavedData,
            lambda: self.window.case.save_and_wait(),
            lambda: self.window.questions.about_closing(),
        )
        self._theme = ThemeWatch(uiWidget)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndChange)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        if self.parent.isEntered:
            # Reloaded while it is on the screen: Slicer does not call enter() again.
            self.enter()

    def cleanup(self) -> None:
        """Called when Slicer closes and before the module is reloaded: nothing is left behind."""
        self.removeObservers()
        for watch in (self._closeGuard, self._theme):
            if watch is not None:
                watch.remove()
        self._closeGuard = self._theme = None
        if self.window is not None:
            self.window.close()
            self.window = None

    def enter(self) -> None:
        """The user opens the module."""
        # Slicer has made what the module would like to be wide the least that it may be (QSizePolicy.Minimum): its
        # panel would grow and shrink with each title and number, and all views with it.
        self.parent.setSizePolicy(qt.QSizePolicy.Preferred, self.parent.sizePolicy.verticalPolicy())
        self.window.enter(self.logic.getParameters())

    def exit(self) -> None:
        """The user opens another module; a live view goes on."""
        if self.window is not None:
            self.window.leave()

    def onReload(self) -> None:
        """Take every file of the module anew, not this one only."""
        self.cleanup()
        for name in list(sys.modules):
            if name.split(".")[0] in ("CRLMSegmentationLib", "CRLMSegmentationWindow"):
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller: vtk.vtkObject, event: str) -> None:
        """The session releases the scene before it is emptied."""
        if not self.window.scene.is_ours:
            self.window.close_session()

    def onSceneEndChange(self, caller: vtk.vtkObject, event: str) -> None:
        """A session of its own for the new scene."""
        if not self.window.scene.is_ours and self.parent.isEntered:
            self.enter()

    def onSceneStartImport(self, caller: vtk.vtkObject, event: str) -> None:
        """Nodes are about to be loaded."""
        self.window.scene.begin_import()

    def onSceneEndImport(self, caller: vtk.vtkObject, event: str) -> None:
        """Nodes were loaded: the session goes on with what it knows among them, also while it is live or computes."""
        self.onSceneEndChange(caller, event)
        self.window.scene.end_import()

    def _hasUnsavedData(self):
        session = self.window.session if self.window is not None else None
        if session is not None:
            # What is being written ends first.
            self.window.case.finish_saving()
        return session is not None and session.case.has_unsaved_data


class CRLMSegmentationLogic(ScriptedLoadableModuleLogic):
    """The session and the parameters on Slicer's scene, also for scripts.

    logic = CRLMSegmentationLogic()
    session, view = logic.openSession()
    session.recording.open(path)
    view.volume_node()
    """

    def getParameters(self) -> Parameters:
        """The module's Parameters in the present scene, made when they are not there."""
        from CRLMSegmentationWindow.parameters import Parameters

        return Parameters(self.getParameterNode())

    def openSession(self) -> tuple[Session, SceneView]:
        """A new Session, and the SceneView that shows it on Slicer's scene; the caller closes the session.

        Raises ImportError while packages are missing.
        """
        from CRLMSegmentationLib.mrml.application import current_application
        from CRLMSegmentationLib.mrml.scene_view import SceneView
        from CRLMSegmentationLib.session.jobs.first_use import import_for_first_use
        from CRLMSegmentationLib.session.session import Session

        # The idle event loop of 3D Slicer keeps Python to itself: other threads stand still without this.
        session = Session(yields=True)
        import_for_first_use()
        return session, SceneView(session, current_application())


class CRLMSegmentationTest(ScriptedLoadableModuleTest):
    """Slicer's self test: a whole case through the widgets themselves. See CRLMSegmentationWindow/self_testing/."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        from CRLMSegmentationWindow.self_testing.self_test import SelfTest

        self.setUp()
        SelfTest(self).run()

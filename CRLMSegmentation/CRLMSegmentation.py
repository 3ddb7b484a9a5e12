"""CRLM Segmentation: the module's window in 3D Slicer. Qt and bindings; what it does is in CRLMSegmentationLib."""

import logging
import os
from pathlib import Path

import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

BUTTON_HEIGHT_PX = 40


class CRLMSegmentation(ScriptedLoadableModule):
    """Name, place and help text of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CRLM Segmentation")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        self.parent.dependencies = ["Markups", "Segmentations"]
        self.parent.contributors = ["the CRLM Navigation developers"]
        self.parent.helpText = _(
            "Finds a colorectal liver metastasis in a box of a reconstructed intraoperative ultrasound volume. "
            "For research; not a medical device. The shipped model was trained on simulated data."
        )
        self.parent.acknowledgementText = _("After Natali et al., arXiv 2511.05253.")


class CRLMSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Volume, box, one button, one line of state."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = CRLMSegmentationLogic()
        section = ctk.ctkCollapsibleButton()
        section.text = _("Segment")
        self.layout.addWidget(section)
        form = qt.QFormLayout(section)
        self.volumeSelector = self._nodeSelector("vtkMRMLScalarVolumeNode", _("The reconstructed ultrasound volume"))
        form.addRow(_("Volume:"), self.volumeSelector)
        self.boxSelector = self._nodeSelector("vtkMRMLMarkupsROINode", _("A box around the tumor"))
        form.addRow(_("Box:"), self.boxSelector)
        self.tightCheckBox = qt.QCheckBox(_("The box is tight: add the model's margin"))
        form.addRow(self.tightCheckBox)
        self.segmentButton = qt.QPushButton(_("Segment"))
        self.segmentButton.setMinimumHeight(BUTTON_HEIGHT_PX)
        self.segmentButton.connect("clicked(bool)", self.onSegment)
        form.addRow(self.segmentButton)
        self.stateLabel = qt.QLabel()
        self.stateLabel.wordWrap = True
        form.addRow(self.stateLabel)
        self.layout.addStretch(1)
        for selector in (self.volumeSelector, self.boxSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self.updateState)
        self.updateState()

    def cleanup(self):
        self.removeObservers()

    def _nodeSelector(self, nodeClass, toolTip):
        selector = slicer.qMRMLNodeComboBox()
        selector.nodeTypes = [nodeClass]
        selector.addEnabled = selector.removeEnabled = False
        selector.noneEnabled = True
        selector.toolTip = toolTip
        selector.setMRMLScene(slicer.mrmlScene)
        return selector

    def updateState(self, *_unused):
        missing = self.logic.missingPackages()
        ready = bool(self.volumeSelector.currentNode() and self.boxSelector.currentNode() and not missing)
        self.segmentButton.enabled = ready
        if missing:
            self.stateLabel.text = _("Missing in this Slicer's Python: {names}. Install them with pip.").format(
                names=", ".join(missing)
            )
        else:
            self.stateLabel.text = _("Ready.") if ready else _("Choose a volume and a box.")

    def onSegment(self):
        with slicer.util.tryWithErrorDisplay(_("The tumor could not be segmented."), waitCursor=True):
            result = self.logic.segment(
                self.volumeSelector.currentNode(), self.boxSelector.currentNode(), self.tightCheckBox.checked
            )
            words = [_("Tumor of {volume:.1f} mL.").format(volume=result.volume_ml) if result.found else _("Nothing found.")]
            self.stateLabel.text = " ".join([*words, *result.doubts])


class CRLMSegmentationLogic(ScriptedLoadableModuleLogic):
    """From MRML nodes to the library and back."""

    NEEDED = ("torch", "nnunetv2", "SimpleITK", "safetensors")

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self._segmenter = None

    def missingPackages(self):
        """Names of the packages that segmentation needs and this Python does not have."""
        from importlib.util import find_spec

        return [name for name in self.NEEDED if find_spec(name) is None]

    def segment(self, volumeNode, boxNode, tight=False):
        """Segment the tumor in `boxNode`, put segmentation and surface into the scene, return the result."""
        from CRLMSegmentationLib.scene import names
        from CRLMSegmentationLib.scene.conversion import box_of, put_segment, volume_of
        from CRLMSegmentationLib.scene.nodes import get_or_create, remove
        from CRLMSegmentationLib.segmentation.models import load_model
        from CRLMSegmentationLib.segmentation.predictor import Segmenter
        from CRLMSegmentationLib.segmentation.segment import segment

        # An old tumor must never stand beside a new box, also when the new one fails.
        remove(slicer.mrmlScene, "vtkMRMLSegmentationNode", names.SEGMENTATION)
        if self._segmenter is None:
            self._segmenter = Segmenter(load_model())
        result = segment(volume_of(volumeNode), box_of(boxNode), self._segmenter, tight=tight)
        if result.found:
            node = get_or_create(slicer.mrmlScene, "vtkMRMLSegmentationNode", names.SEGMENTATION, with_display=True)
            node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
            put_segment(node, names.SEGMENT, result.mask, result.surface)
        logging.info("Segmented %.2f mL in %s", result.volume_ml, result.timings_s)
        return result


class CRLMSegmentationTest(ScriptedLoadableModuleTest):
    """Slicer's self test of the module."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_library_and_window()

    def test_library_and_window(self):
        from CRLMSegmentationLib.geometry import Box

        library = Path(os.path.dirname(slicer.modules.crlmsegmentation.path)) / "CRLMSegmentationLib"
        self.assertTrue(library.is_dir())
        self.assertEqual(Box([0, 0, 0], [2, 2, 2]).corners_ras().shape, (8, 3))
        slicer.util.selectModule("CRLMSegmentation")
        widget = slicer.modules.crlmsegmentation.widgetRepresentation().self()
        self.assertFalse(widget.segmentButton.enabled)
        self.delayDisplay("The module loads and its library answers.")

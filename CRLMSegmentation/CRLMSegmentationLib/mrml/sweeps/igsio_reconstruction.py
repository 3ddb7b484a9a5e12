"""A second opinion: the volume that SlicerIGT's Volume Reconstruction module, IGSIO's engine, makes of a sweep.

Only in a 3D Slicer with the extensions SlicerIGSIO and SlicerIGT. The frames are handed to the module's logic one by
one, as from a live stream, because that needs no sequence nodes.

The module works on nodes, so only the thread of the scene can run it; it is cut in slices, one frame each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import Cancelled, ReconstructionError
from ...reconstruction import ReconstructionSettings
from ...session.jobs.job import run_to_end
from ...session.reconstruction_engine import Slices
from ...sweep import Sweep
from ...values import Volume
from ...values.progress import Progress, ShouldCancel
from ...words import mark, tr
from ..conversion import image_data, set_transform, volume_of

if TYPE_CHECKING:
    from ...reconstruction.region import Region

_THE_STICK = (9, 1)  # longest stick in voxels and number of sticks: the module knows no others
_INTERPOLATIONS = {"nearest": "NEAREST_NEIGHBOR_INTERPOLATION", "linear": mark("LINEAR_INTERPOLATION")}
_OPTIMIZATIONS = {
    "full": "FULL_OPTIMIZATION",
    "partial": "PARTIAL_OPTIMIZATION",
    "none": "NO_OPTIMIZATION",
}


class IgsioEngine:
    """IGSIO's reconstruction as a ReconstructionEngine of the session.

    scene  vtkMRMLScene in which helper nodes appear while it runs
    """

    name, label = "igsio", "SlicerIGSIO"

    def __init__(self, scene: Any):
        self._scene = scene

    def check_available(self) -> None:
        """Raises ReconstructionError where it is not installed."""
        check_igsio_available()

    def slices(
        self,
        sweep: Sweep,
        settings: ReconstructionSettings,
        progress: Progress | None,
        should_cancel: ShouldCancel | None,
    ) -> Slices:
        """As igsio_slices(), with the nearest settings that the module has: it fills holes by sticks, if at all."""
        return igsio_slices(sweep, nearest_igsio_settings(settings), progress, should_cancel, self._scene)


def igsio_available() -> bool:
    """Whether this is a 3D Slicer that has the Volume Reconstruction module."""
    try:
        import slicer
    except ImportError:
        return False
    return hasattr(getattr(slicer, "modules", None), "volumereconstruction")


def check_igsio_available() -> None:
    """Raises ReconstructionError when it is absent."""
    if not igsio_available():
        raise ReconstructionError(
            tr("IGSIO's reconstruction is not here; it needs 3D Slicer with the extensions SlicerIGSIO and SlicerIGT.")
        )


def igsio_reconstruct(
    sweep: Sweep, settings: ReconstructionSettings | None = None, progress: Progress | None = None,
    should_cancel: ShouldCancel | None = None, scene: Any = None,
) -> Volume:  # fmt: skip
    """The volume of the module, in Reference, on the grid of our own reconstruction with these settings.

    To be called in the thread of the scene, which waits for it; igsio_slices() gives it room in between.

    settings  spacing, region, interpolation, compounding, optimization, clip rectangle; fill 'none' or 'stick'
    scene     vtkMRMLScene in which helper nodes appear while it runs; None for the application's
    Raises ReconstructionError when the module is absent or cannot do what the settings ask for, Cancelled when stopped.
    """
    volume: Volume = run_to_end(igsio_slices(sweep, settings, progress, should_cancel, scene))
    return volume


def nearest_igsio_settings(settings: ReconstructionSettings) -> ReconstructionSettings:
    """These settings, with holes filled the module's way where they are to be filled at all."""
    length, sticks = _THE_STICK
    fill = "none" if settings.fill == "none" else "stick"
    return settings.with_changes(definition="igsio", fill=fill, stick_length_voxels=length, sticks_used=sticks)


def igsio_slices(
    sweep: Sweep, settings: ReconstructionSettings | None = None, progress: Progress | None = None,
    should_cancel: ShouldCancel | None = None, scene: Any = None,
) -> Slices:  # fmt: skip
    """As igsio_reconstruct(), which says what is what; yields after every frame and returns the volume."""
    from ...reconstruction.frame_selection import select_frames
    from ...reconstruction.region import region_of_sweep

    settings = settings or ReconstructionSettings(definition="igsio", fill="stick")
    _check(settings)
    import slicer

    scene = scene or slicer.mrmlScene
    selection = select_frames(sweep, settings.skip_interval, settings.reject_jumps)
    measured = (sweep.frames[number].image_to_reference for number in selection.within_extent)
    poses = [pose for pose in measured if pose is not None]
    region = region_of_sweep(poses, sweep.image_size, settings)
    logic = slicer.modules.volumereconstruction.logic()
    nodes = _Nodes(scene)
    try:
        recipe = nodes.add("vtkMRMLVolumeReconstructionNode")
        _put_settings(recipe, settings)
        recipe.SetAndObserveInputROINode(_roi(nodes, region))
        image, pose = nodes.add("vtkMRMLScalarVolumeNode"), nodes.add("vtkMRMLLinearTransformNode")
        image.SetAndObserveTransformNodeID(pose.GetID())
        recipe.SetAndObserveInputVolumeNode(image)
        recipe.SetAndObserveOutputVolumeNode(nodes.add("vtkMRMLScalarVolumeNode"))
        logic.StartVolumeReconstruction(recipe)
        last = len(selection.used) - 1
        for place, number in enumerate(selection.used):
            if should_cancel is not None and should_cancel():
                raise Cancelled(tr("The reconstruction was stopped; the sweep is unchanged."))
            image.SetAndObserveImageData(image_data(sweep.frames[number].pixels[None]))
            image_to_reference = sweep.frames[number].image_to_reference
            assert image_to_reference is not None, "frames without a pose are not selected"
            set_transform(pose, image_to_reference)
            if not logic.AddVolumeNodeToReconstructedVolume(recipe, place == 0, place == last):
                raise ReconstructionError(
                    tr("IGSIO did not take frame {number}; Slicer's error log says why.", number=number)
                )
            if progress is not None:
                progress((place + 1) / (last + 2), tr("inserting frames with IGSIO"))
            yield
        logic.GetReconstructedVolume(recipe)
        made = volume_of(recipe.GetOutputVolumeNode())
    finally:
        nodes.remove_all()
    if made is None:
        raise ReconstructionError(tr("IGSIO gave no volume; Slicer's error log says why."))
    if made.dimensions != region.dimensions:
        raise ReconstructionError(
            tr(
                "IGSIO's volume has {dimensions} voxels instead of {dimensions_2}; it cannot be compared.",
                dimensions=made.dimensions,
                dimensions_2=region.dimensions,
            )
        )
    if progress is not None:
        progress(1.0, tr("volume ready"))
    return Volume(made.voxels, region.ijk_to_ras)


def _check(settings: ReconstructionSettings) -> None:
    check_igsio_available()
    if settings.fill == "distance":
        raise ReconstructionError(tr("IGSIO cannot fill holes by distance; choose 'stick' or 'none'."))
    if settings.fill == "stick" and (settings.stick_length_voxels, settings.sticks_used) != _THE_STICK:
        raise ReconstructionError(tr("SlicerIGT's module fills with one stick of up to 9 voxels only; choose these."))
    if settings.fan is not None or settings.pixel_rejection_threshold is not None:
        raise ReconstructionError(
            tr("SlicerIGT's module knows neither a fan nor a rejection of dark pixels; leave both out to compare.")
        )


def _put_settings(recipe: Any, settings: ReconstructionSettings) -> None:
    recipe.SetOutputSpacing(settings.spacing_mm)
    recipe.SetInterpolationMode(getattr(recipe, _INTERPOLATIONS[settings.interpolation]))
    recipe.SetCompoundingMode(getattr(recipe, f"{settings.compounding.upper()}_COMPOUNDING_MODE"))
    recipe.SetOptimizationMode(getattr(recipe, _OPTIMIZATIONS[settings.optimization]))
    recipe.SetFillHoles(settings.fill == "stick")
    recipe.SetNumberOfThreads(1)  # on several its volume is not the same every time
    if settings.clip_rectangle is not None:
        clip = settings.clip_rectangle
        recipe.SetClipRectangleOrigin(clip.u, clip.v)
        recipe.SetClipRectangleSize(clip.width, clip.height)


def _roi(nodes: _Nodes, region: Region) -> Any:
    """A box whose lower corner is the first voxel's centre; the module rounds its number of voxels up."""
    spacing, last = np.array(region.spacing_mm), np.array(region.dimensions) - 1
    size = last * spacing * (1 - 1e-12)
    roi = nodes.add("vtkMRMLMarkupsROINode")
    roi.SetSize(*size.tolist())
    roi.SetCenter(*(np.array(region.origin_mm) + size / 2).tolist())
    return roi


class _Nodes:
    """Nodes that are taken out of the scene again, with what was made for them."""

    def __init__(self, scene: Any):
        self._scene = scene
        self._made: list[Any] = []

    def add(self, class_name: str) -> Any:
        node = self._scene.AddNewNodeByClass(class_name)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        self._made.append(node)
        return node

    def remove_all(self) -> None:
        for node in filter(self._scene.IsNodePresent, self._made):
            display = node.GetDisplayNode() if hasattr(node, "GetDisplayNode") else None
            self._scene.RemoveNode(node)
            if display is not None:
                self._scene.RemoveNode(display)

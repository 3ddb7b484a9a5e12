"""A sweep as MRML sequences, as 3D Slicer records and replays them, and back.

One sequence holds the images, one the poses of the image, and one each for every other transform of the frames; a
browser node plays them together. Items are indexed by the time since the first frame. A frame without a valid pose
keeps its image but has no item among the poses: what was not measured is not written down, and the browser, which
steps through the poses, passes it by.
"""

from __future__ import annotations

import numpy as np

from ..sweep import Pose, Sweep, TrackedFrame
from . import names
from .conversion import array_of_image, image_data, matrix_of_transform, set_transform
from .nodes import find, get_or_create, put_under, remove_node

_SEQUENCE = "vtkMRMLSequenceNode"
_BROWSER = "vtkMRMLSequenceBrowserNode"
# Slicer writes the transform's PLUS name from this attribute into the sequence file, and reads it back from there.
_SOURCE = "Sequences.Source"
_TIMESTAMPS = "CRLM.Timestamps"
_SWEEP_NAME = "CRLM.SweepName"
# Slicer rounds the times of transform sequences to milliseconds when it reads them, and finds items by them within
# as much: frames must lie further apart to be told from one another.
_LEAST_INTERVAL_S = 0.0025


def put_sweep(application, sweep: Sweep):
    """Make the scene hold `sweep`, in place of an earlier one; returns the browser node."""
    scene = application.scene
    remove_sweep(scene)
    index = _index_values(sweep)
    image = _new_sequence(scene, names.LIVE_IMAGE)
    for value, frame in zip(index, sweep.frames):
        image.SetDataNodeAtValue(_image_node(frame), value)
    # The first one leads the browser: its poses, or the images when not a single pose was measured.
    sequences = [image]
    for name in [names.IMAGE_TO_REFERENCE, *_other_transforms(sweep)]:
        poses = [(value, pose) for value, pose in zip(index, (_pose_of(frame, name) for frame in sweep.frames))]
        measured = [(value, pose) for value, pose in poses if pose is not None]
        if measured:
            sequence = _new_sequence(scene, name)
            for value, pose in measured:
                sequence.SetDataNodeAtValue(_transform_node(pose), value)
            sequences.insert(0 if name == names.IMAGE_TO_REFERENCE else len(sequences), sequence)
    return _browser(application, sweep, sequences)


def sweep_of(application) -> Sweep | None:
    """The sweep in the scene; None when there is none. A pose that was not measured comes back as an invalid one.

    Poses read from a saved scene have the six significant digits that Slicer writes.
    """
    browser = find(application.scene, _BROWSER, names.SWEEP_BROWSER)
    sequences = {sequence.GetAttribute(_SOURCE): sequence for sequence in _sequences(browser)} if browser else {}
    image = sequences.pop(names.LIVE_IMAGE, None)
    if image is None or image.GetNumberOfDataNodes() == 0:
        return None
    poses = sequences.pop(names.IMAGE_TO_REFERENCE, None)
    timestamps = [float(text) for text in (browser.GetAttribute(_TIMESTAMPS) or "").split()]
    frames = []
    for number in range(image.GetNumberOfDataNodes()):
        value = image.GetNthIndexValue(number)
        pose = _pose_at(poses, value)
        frames.append(
            TrackedFrame(
                pixels=array_of_image(image.GetNthDataNode(number).GetImageData())[0].copy(),
                image_to_reference=pose.matrix if pose.valid else None,
                timestamp=timestamps[number] if number < len(timestamps) else float(value),
                valid=pose.valid,
                transforms={name: _pose_at(sequence, value) for name, sequence in sequences.items()},
            )
        )
    return Sweep(frames, browser.GetAttribute(_SWEEP_NAME) or "")


def sweep_nodes(scene) -> list:
    """The browser, its sequences, and the nodes that show them; nothing when there is no recorded sweep."""
    browser = find(scene, _BROWSER, names.SWEEP_BROWSER)
    if browser is None:
        return []
    sequences = _sequences(browser)
    shown = [browser.GetProxyNode(sequence) for sequence in sequences]
    return [browser, *sequences, *(node for node in shown if node is not None)]


def remove_sweep(scene) -> None:
    """Take the recorded sweep, and the nodes that show it, out of the scene."""
    for number, node in enumerate(sweep_nodes(scene)):
        if number == 0:
            scene.RemoveNode(node)
        else:
            remove_node(scene, node)


def _browser(application, sweep: Sweep, sequences):
    """A browser that plays `sequences`, the first of which leads, on nodes of their own under 'Recorded ...'.

    The live nodes are left alone: a replayed tool must never pass for a live one.
    """
    scene = application.scene
    browser = get_or_create(scene, _BROWSER, names.SWEEP_BROWSER)
    browser.SetAttribute(_TIMESTAMPS, " ".join(repr(float(frame.timestamp)) for frame in sweep.frames))
    browser.SetAttribute(_SWEEP_NAME, sweep.name or None)
    shown = {}
    # Told of each change, the logic would at once make nodes of its own to show the sequences.
    was_modifying = browser.StartModify()
    for sequence in sequences:
        source = sequence.GetAttribute(_SOURCE)
        is_image = source == names.LIVE_IMAGE
        kind = "vtkMRMLScalarVolumeNode" if is_image else "vtkMRMLLinearTransformNode"
        shown[source] = get_or_create(scene, kind, names.recorded(source), with_display=is_image)
        application.sequences_logic.AddSynchronizedNode(sequence, shown[source], browser)
        # 3D Slicer 5.8 cannot ignore what is missing; of what it can, this alone adds no poses that nobody measured.
        ignore = getattr(browser, "MissingItemIgnore", browser.MissingItemSetToDefault)
        browser.SetMissingItemMode(sequence, ignore)
    put_under(shown[names.LIVE_IMAGE], shown.get(names.IMAGE_TO_REFERENCE))
    rate = sweep.frames_per_second
    if np.isfinite(rate):
        browser.SetPlaybackRateFps(float(rate))
    browser.EndModify(was_modifying)
    browser.SetSelectedItemNumber(0)
    application.sequences_logic.UpdateProxyNodesFromSequences(browser)
    return browser


def _other_transforms(sweep: Sweep) -> list[str]:
    return sorted({name for frame in sweep.frames for name in frame.transforms} - {names.IMAGE_TO_REFERENCE})


def _pose_of(frame: TrackedFrame, name: str) -> np.ndarray | None:
    """(4, 4) of that transform as measured with the frame; None when it was not."""
    if name == names.IMAGE_TO_REFERENCE:
        matrix, valid = frame.image_to_reference, frame.valid
    else:
        pose = frame.transforms.get(name)
        matrix, valid = (pose.matrix, pose.valid) if pose is not None else (None, False)
    return matrix if valid and matrix is not None and np.isfinite(matrix).all() else None


def _index_values(sweep: Sweep) -> list[str]:
    """Seconds since the first frame; frame numbers when the times are unknown or too near one another."""
    times = np.array([frame.timestamp for frame in sweep.frames], dtype=np.float64)
    if not np.isfinite(times).all() or (np.diff(times) < _LEAST_INTERVAL_S).any():
        times = np.arange(len(times), dtype=np.float64)
    return [f"{time:.3f}" for time in times - times[0]]


def _new_sequence(scene, source: str):
    sequence = get_or_create(scene, _SEQUENCE, f"{names.SWEEP_BROWSER}-{source}-Seq")
    sequence.SetAttribute(_SOURCE, source)
    sequence.SetIndexName("time")
    sequence.SetIndexUnit("s")
    return sequence


def _sequences(browser) -> list:
    from vtkmodules.vtkCommonCore import vtkCollection

    found = vtkCollection()
    browser.GetSynchronizedSequenceNodes(found, True)
    return [found.GetItemAsObject(number) for number in range(found.GetNumberOfItems())]


def _image_node(frame: TrackedFrame):
    from slicer import vtkMRMLScalarVolumeNode

    node = vtkMRMLScalarVolumeNode()
    node.SetAndObserveImageData(image_data(frame.pixels[None]))
    return node


def _transform_node(matrix):
    from slicer import vtkMRMLLinearTransformNode

    node = vtkMRMLLinearTransformNode()
    set_transform(node, matrix)
    return node


def _pose_at(sequence, index_value: str) -> Pose:
    node = sequence.GetDataNodeAtValue(index_value, True) if sequence is not None else None
    return Pose(np.eye(4), False) if node is None else Pose(matrix_of_transform(node))

"""A sweep as MRML sequences, as 3D Slicer records and replays them, and back.

One sequence holds the images, one the poses of the image, and one each for every other transform of the frames; a
browser node plays them together. Items are indexed by the time since the first frame. A frame without a valid pose
keeps its image but has no item among the poses: what was not measured is not written down, and the browser, which
steps through the poses, passes it by.

While a sweep is recorded it grows in the scene a few frames at a time (GrowingSweep).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...sweep import Pose, Sweep, TrackedFrame
from ...words import tr
from .. import names
from ..application import Application
from ..conversion import array_of_image, image_data, matrix_of_transform, set_transform
from ..nodes import find, get_or_create, put_under, remove_node, set_saved

_SEQUENCE = "vtkMRMLSequenceNode"
BROWSER_CLASS = "vtkMRMLSequenceBrowserNode"
# Slicer writes the transform's PLUS name from this attribute into the sequence file, and reads it back from there.
_SOURCE = "Sequences.Source"
_TIMESTAMPS = "CRLM.Timestamps"
_SWEEP_NAME = "CRLM.SweepName"
_GROWING = "CRLM.Growing"
_EVERY = "CRLM.Every"
# Half a minute of 640 x 480 at 30 frames/s.
MOST_IMAGE_BYTES = 256 << 20
# Slicer rounds the times of transform sequences to milliseconds when it reads them, and finds items by them within
# as much: frames must lie further apart to be told from one another.
_LEAST_INTERVAL_S = 0.0025


def put_sweep(application: Application, sweep: Sweep) -> Any:
    """Make the scene hold `sweep`, in place of an earlier one; returns the browser node."""
    growing = GrowingSweep(application)
    growing.end(sweep)
    growing.write()
    return find(application.scene, BROWSER_CLASS, names.SWEEP_BROWSER)


class GrowingSweep:
    """A sweep that comes into the scene a few frames at a time, in place of an earlier one, while it is recorded.

    Until it is complete the nodes that show it stand still, and nothing of it goes into saved scenes. When its nodes
    are taken away meanwhile, by another scene or sweep, it waits for the end and is then written anew.

    So that the scene does not take all memory, of a long sweep only every second, fourth, ... frame is in it: its
    images never take more than `most_bytes`.

    is_ended     True when no more frames come
    is_complete  True when the scene holds all of it that it will hold
    every        1 when the scene holds every frame, 2 for every second one, ...
    """

    def __init__(self, application: Application, most_bytes: float = MOST_IMAGE_BYTES):
        self.is_ended = self.is_complete = False
        self.every = 1
        self._most_bytes = most_bytes
        self._application, self._scene = application, application.scene
        self._frames: list[TrackedFrame] = []
        self._name = ""
        self._browser: Any = None
        self._sequences: dict[str, Any] = {}
        self._written = 0
        self._is_numbered = False

    @property
    def browser(self) -> Any:
        """The browser node; None before the first frame is in the scene."""
        return self._browser

    def add(self, frame: TrackedFrame) -> None:
        """The next frame; the scene is left as it is."""
        self._frames.append(frame)
        self._set_numbered(self._is_numbered or not _are_apart(self._frames[-2:]))

    def end(self, sweep: Sweep) -> None:
        """No more frames come: `sweep` is what is to be in the scene in the end."""
        frames = list(sweep.frames)
        before = self._frames[: self._written]
        if len(before) > len(frames) or any(one is not other for one, other in zip(before, frames)):
            self._written = 0
        self._frames, self._name, self.is_ended = frames, sweep.name, True
        self._set_numbered(not _are_apart(frames))

    def write(self, budget_s: float = math.inf) -> None:
        """Bring frames into the scene until all that came are in it or the time is up, but one at least."""
        until = time.perf_counter() + budget_s
        if self.is_complete or not self._frames or not self._can_go_on():
            return
        while self._written < len(self._frames):
            self._write_next()
            if time.perf_counter() >= until:
                break
        if self.is_ended and self._written == len(self._frames):
            self._complete()

    def remove(self) -> None:
        """It is not wanted any more: take what there is of it out of the scene."""
        if self._written and self._has_its_nodes():
            remove_sweep(self._scene, self._browser)
        self._frames, self._written = [], 0

    def _thin_out(self) -> None:
        """Every second one of the frames in the scene is left."""
        self.every *= 2
        written = [number for number in range(self._written) if number % (self.every // 2) == 0]
        for number in written:
            if number % self.every:
                for sequence in self._sequences.values():
                    sequence.RemoveDataNodeAtValue(self._index_value(number))

    def _set_numbered(self, is_numbered: bool) -> None:
        if is_numbered != self._is_numbered:
            self._is_numbered, self._written = is_numbered, 0

    def _has_its_nodes(self) -> bool:
        return all(self._scene.IsNodePresent(node) for node in (self._browser, *self._sequences.values()))

    def _can_go_on(self) -> bool:
        if self._written and not self._has_its_nodes():
            if not self.is_ended:
                return False
            self._written = 0
        return True

    def _write_next(self) -> None:
        if self._written == 0:
            remove_sweep(self._scene)
            self._browser, self._sequences = get_or_create(self._scene, BROWSER_CLASS, names.SWEEP_BROWSER), {}
            self._browser.SetAttribute(_GROWING, "true")
        if self._written % self.every:
            self._written += 1
            return
        frame, value = self._frames[self._written], self._index_value(self._written)
        number_before = len(self._sequences)
        self._sequence(names.LIVE_IMAGE).SetDataNodeAtValue(_image_node(frame), value)
        for name in sorted({names.IMAGE_TO_REFERENCE, *frame.transforms}):
            matrix = _pose_of(frame, name)
            if matrix is not None:
                self._sequence(name).SetDataNodeAtValue(_transform_node(matrix), value)
        self._written += 1
        if len(self._sequences) > number_before:
            self._show()
        width, height = frame.image_size
        if -(-self._written // self.every) * width * height * frame.dtype.itemsize > self._most_bytes:
            self._thin_out()

    def _index_value(self, number: int) -> str:
        """Seconds since the first frame; frame numbers when the times do not tell the frames apart."""
        value = number if self._is_numbered else self._frames[number].timestamp - self._frames[0].timestamp
        return f"{value:.3f}"

    def _sequence(self, source: str) -> Any:
        if source not in self._sequences:
            self._sequences[source] = _new_sequence(self._scene, source)
        return self._sequences[source]

    def _show(self) -> None:
        """Have the browser play all sequences, on nodes of their own under 'Recorded ...'.

        The live nodes are left alone: a replayed tool must never pass for a live one.
        """
        browser, logic = self._browser, self._application.sequences_logic
        # The first one leads: the poses, or the images when not a single pose was measured.
        first = [name for name in (names.IMAGE_TO_REFERENCE, names.LIVE_IMAGE) if name in self._sequences]
        shown = {}
        # Told of each change, the logic would at once make nodes of its own to show the sequences.
        was_modifying = browser.StartModify()
        browser.RemoveAllSequenceNodes()
        for source in [*first, *sorted(set(self._sequences) - set(first))]:
            sequence, is_image = self._sequences[source], source == names.LIVE_IMAGE
            kind = "vtkMRMLScalarVolumeNode" if is_image else "vtkMRMLLinearTransformNode"
            shown[source] = get_or_create(self._scene, kind, names.recorded(source), with_display=is_image)
            logic.AddSynchronizedNode(sequence, shown[source], browser)
            # 3D Slicer 5.8 cannot ignore what is missing; of what it can, this alone adds no unmeasured poses.
            ignore = getattr(browser, "MissingItemIgnore", browser.MissingItemSetToDefault)
            browser.SetMissingItemMode(sequence, ignore)
            browser.SetPlayback(sequence, False)
        put_under(shown[names.LIVE_IMAGE], shown.get(names.IMAGE_TO_REFERENCE))
        browser.EndModify(was_modifying)
        for node in sweep_nodes(self._scene):
            set_saved(node, False)

    def _complete(self) -> None:
        browser, sweep = self._browser, Sweep(self._frames[:: self.every], self._name)
        was_modifying = browser.StartModify()
        browser.SetAttribute(_TIMESTAMPS, " ".join(repr(float(frame.timestamp)) for frame in sweep.frames))
        browser.SetAttribute(_EVERY, str(self.every) if self.every > 1 else None)
        browser.SetAttribute(_SWEEP_NAME, self._name or None)
        browser.SetAttribute(_GROWING, None)
        if np.isfinite(sweep.frames_per_second):
            browser.SetPlaybackRateFps(float(sweep.frames_per_second))
        for sequence in self._sequences.values():
            browser.SetPlayback(sequence, True)
        browser.EndModify(was_modifying)
        for node in sweep_nodes(self._scene):
            set_saved(node, True)
        browser.SetSelectedItemNumber(0)
        self._application.sequences_logic.UpdateProxyNodesFromSequences(browser)
        self.is_complete = True
        # The scene has them now.
        self._frames = []


def sweep_of(application: Application) -> Sweep | None:
    """The sweep in the scene; None when there is none, or it still grows.

    A pose that was not measured comes back as an invalid one; one read from a saved scene has the six significant
    digits that Slicer writes.
    """
    browser = find(application.scene, BROWSER_CLASS, names.SWEEP_BROWSER)
    if browser is None or browser.GetAttribute(_GROWING):
        return None
    sequences = {sequence.GetAttribute(_SOURCE): sequence for sequence in _sequences(browser)}
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
    every = browser.GetAttribute(_EVERY)
    notes = (
        (tr("The scene holds one frame of {every} of this recording; all of them are in its file.", every=every),)
        if every
        else ()
    )
    return Sweep(frames, browser.GetAttribute(_SWEEP_NAME) or "", notes=notes)


def sweep_nodes(scene: Any, browser: Any = None) -> list[Any]:
    """The browser, its sequences, and the nodes that show them; nothing when there is no recorded sweep.

    browser  None for the one of the recorded sweep
    """
    browser = find(scene, BROWSER_CLASS, names.SWEEP_BROWSER) if browser is None else browser
    if browser is None:
        return []
    sequences = _sequences(browser)
    shown = [browser.GetProxyNode(sequence) for sequence in sequences]
    return [browser, *sequences, *(node for node in shown if node is not None)]


def remove_sweep(scene: Any, browser: Any = None) -> None:
    """Take the recorded sweep, and the nodes that show it, out of the scene; `browser` as in sweep_nodes()."""
    for number, node in enumerate(sweep_nodes(scene, browser)):
        if number == 0:
            scene.RemoveNode(node)
        else:
            remove_node(scene, node)


def _pose_of(frame: TrackedFrame, name: str) -> np.ndarray | None:
    """(4, 4) of that transform as measured with the frame; None when it was not."""
    if name == names.IMAGE_TO_REFERENCE:
        matrix, valid = frame.image_to_reference, frame.valid
    else:
        pose = frame.transforms.get(name)
        matrix, valid = (pose.matrix, pose.valid) if pose is not None else (None, False)
    return matrix if valid and matrix is not None and np.isfinite(matrix).all() else None


def _are_apart(frames: Sequence[TrackedFrame]) -> bool:
    """True when the times of the frames are known and tell one from the next."""
    times = np.array([frame.timestamp for frame in frames], dtype=np.float64)
    return bool(np.isfinite(times).all() and (np.diff(times) >= _LEAST_INTERVAL_S).all())


def _new_sequence(scene: Any, source: str) -> Any:
    sequence = get_or_create(scene, _SEQUENCE, f"{names.SWEEP_BROWSER}-{source}-Seq")
    sequence.SetAttribute(_SOURCE, source)
    sequence.SetIndexName("time")
    sequence.SetIndexUnit("s")
    return sequence


def _sequences(browser: Any) -> list[Any]:
    from vtkmodules.vtkCommonCore import vtkCollection

    found = vtkCollection()
    browser.GetSynchronizedSequenceNodes(found, True)
    return [found.GetItemAsObject(number) for number in range(found.GetNumberOfItems())]


def _image_node(frame: TrackedFrame) -> Any:
    from slicer import vtkMRMLScalarVolumeNode

    node = vtkMRMLScalarVolumeNode()
    node.SetAndObserveImageData(image_data(frame.pixels[None]))
    return node


def _transform_node(matrix: np.ndarray) -> Any:
    from slicer import vtkMRMLLinearTransformNode

    node = vtkMRMLLinearTransformNode()
    set_transform(node, matrix)
    return node


def _pose_at(sequence: Any, index_value: str) -> Pose:
    node = sequence.GetDataNodeAtValue(index_value, True) if sequence is not None else None
    return Pose(np.eye(4), False) if node is None else Pose(matrix_of_transform(node))

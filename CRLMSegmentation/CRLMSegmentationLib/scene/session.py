"""The navigation session: Connect, Record, Reconstruct, Box, Segment, Navigate on the nodes of one MRML scene.

The session belongs to one thread, the one that owns the scene. Long steps can be computed elsewhere (see job.py). A
result is only shown while it belongs to what it was made from: a new sweep makes the volume stale, a new volume or box
makes the tumor stale, and what is stale is hidden, gives no distance, and is left out of saved scenes.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Callable

import numpy as np

from ..errors import CRLMError, GeometryError, ReconstructionError, RecordingError, SegmentationError
from ..geometry import Box, Volume
from ..navigation.margin import DEFAULT_MARGIN_MM
from ..navigation.stream_clock import StreamClock
from ..sweep import Sweep, TrackedFrame
from . import names
from .application import Application, current_application
from .box import BoxNode
from .conversion import put_volume, volume_of
from .job import Job
from .live_image import LiveImage, tool_poses
from .nodes import find, get_or_create, is_stale, mark_stale
from .state import SessionState, Step, StepStatus
from .sweep_sequence import put_sweep, sweep_of
from .tools import ToolReading, Tools
from .tumor import TumorNodes


class NavigationSession:
    """One case, from the live stream to the distance of the tools.

    application  None takes that of the running Slicer, or makes a scene of its own outside of it
    margin_mm    within which a tool tip is warned of
    tool_names   tools that are looked for in live frames, beside those that are calibrated or came by update_tool()
    """

    def __init__(
        self,
        application: Application | None = None,
        margin_mm: float = DEFAULT_MARGIN_MM,
        tool_names: tuple[str, ...] = (names.DEFAULT_TOOL,),
    ):
        self.application = application or current_application()
        self.state = SessionState()
        self.tool_names = tuple(tool_names)
        self.segmentation_result = None
        self._listeners: list[Callable[[SessionState], None]] = []
        clock = StreamClock()
        self.tools = Tools(self.scene, clock, margin_mm)
        self._live = LiveImage(self.scene, clock)
        self._box = BoxNode(self.scene, self._on_box_changed)
        self._tumor = TumorNodes(self.scene)
        self._sweep: Sweep | None = None
        self._recording: list[TrackedFrame] | None = None
        self._box_is_tight = False
        self._revisions = {Step.RECONSTRUCT: 0, Step.SEGMENT: 0}
        self._being_replaced = False
        self._scene_tag = self.scene.AddObserver(self.scene.EndCloseEvent, lambda *_: self._on_scene_closed())
        self._adopt()

    @property
    def scene(self):
        """The vtkMRMLScene."""
        return self.application.scene

    # State, and who wants to hear of it

    def add_listener(self, listener: Callable[[SessionState], None]) -> Callable[[], None]:
        """Call `listener(state)` after every change; returns a function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def set_margin_mm(self, margin_mm: float) -> None:
        """The margin around the tumor within which a tip is warned of."""
        self.tools.margin_mm = float(margin_mm)
        self.tools.refresh()
        self._tell()

    def close(self) -> None:
        """Let go of the scene: no observer and no listener is left; the nodes stay. Can be called twice."""
        if self._scene_tag is not None:
            self.scene.RemoveObserver(self._scene_tag)
            self._scene_tag = None
        self._box.release()
        self._listeners.clear()

    # Connect

    def set_connection(self, connected: bool, message: str = "") -> None:
        """Tell what the receiver sees."""
        self._set(Step.CONNECT, StepStatus.DONE if connected else StepStatus.READY, message)
        if connected and self.state.status(Step.RECORD) is StepStatus.WAITING:
            self._set(Step.RECORD, StepStatus.READY)
        self._tell()

    def show_frame(self, frame: TrackedFrame, received_s: float | None = None) -> None:
        """Show a live frame and the tools that came with it; keep it when recording.

        received_s  time.monotonic() when it arrived; now, when left out
        """
        received_s = time.monotonic() if received_s is None else received_s
        if self._recording is not None:
            self._recording.append(frame)
        self._live.show(frame, received_s)
        for name, pose in tool_poses(frame, {*self.tool_names, *self.tools.names}).items():
            self.tools.update(name, pose, frame.timestamp, received_s)

    def update_tool(self, name: str, pose, stamp_s: float | None = None, received_s: float | None = None) -> bool:
        """Take a tool's pose or calibration by its PLUS name ('StylusToReference', 'StylusTipToStylus').

        An invalid pose, or None, loses the tool. Returns False for a transform that concerns no tool.
        """
        return self.tools.update(name, pose, stamp_s, received_s)

    def refresh(self, now_s: float | None = None) -> list[ToolReading]:
        """Bring image and tools up to date with the clock; a front end calls this by a timer."""
        self._live.refresh(now_s)
        return self.tools.refresh(now_s)

    # Record

    def start_recording(self) -> None:
        """Keep every frame that is shown from now on."""
        self._recording = []
        self._set(Step.RECORD, StepStatus.RUNNING, "recording")
        self._tell()

    @property
    def frames_recorded(self) -> int:
        """So far, in the recording that is going on."""
        return len(self._recording or ())

    def stop_recording(self) -> Sweep:
        """End the recording and take it as the sweep.

        Raises RecordingError when no frame came; then an earlier sweep stays.
        """
        frames, self._recording = self._recording or [], None
        if not frames:
            error = RecordingError("No frame came while recording; check that PLUS sends images, then record again.")
            self._set(Step.RECORD, StepStatus.FAILED, str(error))
            self._tell()
            raise error
        sweep = Sweep(frames)
        self.set_sweep(sweep)
        return sweep

    @property
    def sweep(self) -> Sweep | None:
        """The recorded sweep."""
        return self._sweep

    def set_sweep(self, sweep: Sweep) -> None:
        """Take a recorded sweep. The volume and the tumor made from an earlier one become stale."""
        if len(sweep) == 0:
            raise RecordingError("The sweep holds no frame; record or choose another one.")
        put_sweep(self.application, sweep)
        self._sweep = sweep
        self._revisions[Step.RECONSTRUCT] += 1
        self._set(Step.RECORD, StepStatus.DONE, f"{len(sweep)} frames, {len(sweep.valid_frames)} with a valid pose")
        node = self._volume_node()
        mark_stale(node, True)
        self._set(Step.RECONSTRUCT, StepStatus.READY if node is None else StepStatus.STALE)
        self._make_tumor_stale()
        self._tell()

    # Reconstruct

    def begin_reconstruct(self, settings=None) -> Job:
        """The job that makes a volume of the sweep; settings: ReconstructionSettings. Raises ReconstructionError."""
        if self._sweep is None:
            raise ReconstructionError("There is no sweep to make a volume of; record one first.")
        sweep = self._sweep

        def compute(progress, should_cancel):
            from ..reconstruction import reconstruct

            return reconstruct(sweep, settings, progress)

        return self._begin(Step.RECONSTRUCT, compute)

    def reconstruct(self, settings=None, progress=None):
        """Make the volume of the sweep; returns the Reconstruction. Raises ReconstructionError."""
        return self._run(self.begin_reconstruct(settings), progress)

    @property
    def volume(self) -> Volume | None:
        """A copy of the reconstructed volume; None when there is none, or it is stale."""
        node = self._volume_node()
        return None if is_stale(node) else volume_of(node)

    def set_volume(self, volume: Volume) -> None:
        """Take a reconstructed volume; an earlier tumor becomes stale."""
        node = get_or_create(self.scene, "vtkMRMLScalarVolumeNode", names.VOLUME, with_display=True)
        put_volume(node, volume)
        if volume.voxels.dtype == np.uint8:
            node.GetScalarVolumeDisplayNode().AutoWindowLevelOff()
            node.GetScalarVolumeDisplayNode().SetWindowLevelMinMax(0, 255)
        mark_stale(node, False)
        i, j, k = volume.dimensions
        self._set(Step.RECONSTRUCT, StepStatus.DONE, f"{i} x {j} x {k} voxels of {volume.spacing_mm.max():.2g} mm")
        if self.state.status(Step.BOX) is StepStatus.WAITING:
            self._set(Step.BOX, StepStatus.READY)
        self._make_tumor_stale()
        self._tell()

    # Box

    @property
    def box(self) -> Box | None:
        """The box around the tumor as it is in the scene; None when none was placed."""
        return self._box.get()

    @property
    def box_is_tight(self) -> bool:
        """True when the model's margin is still to be added."""
        return self._box_is_tight

    def set_box(self, box: Box, tight: bool = False) -> None:
        """Place the box. The tumor found in another one becomes stale.

        tight  True when the box closely fits the tumor: the model's margin is added before it is segmented
        """
        changed_meaning = tight != self._box_is_tight
        self._box_is_tight = tight
        self._box.put(box)
        if changed_meaning:
            self._on_box_changed()

    def box_node(self):
        """The Markups ROI, made when it is not there. Dragging its handles is the same as set_box()."""
        return self._box.node()

    def _on_box_changed(self) -> None:
        try:
            box, problem = self.box, ""
        except GeometryError as error:
            box, problem = None, str(error)
        if box is not None:
            self._set(Step.BOX, StepStatus.DONE, " x ".join(f"{edge:.0f}" for edge in box.size_mm) + " mm")
        else:
            self._set(Step.BOX, StepStatus.FAILED if problem else StepStatus.READY, problem)
        self._make_tumor_stale()
        self._tell()

    # Segment

    def begin_segment(self, segmenter, threshold: float | None = None, keep: str = "largest") -> Job:
        """The job that finds the tumor in the box. Raises SegmentationError when there is no volume or box.

        segmenter  segmentation.Segmenter or Model
        threshold  None for the model's own
        keep       which part counts; see segmentation.segment
        """
        volume, box, tight = self.volume, self.box, self._box_is_tight
        if volume is None:
            raise SegmentationError("There is no volume to segment; reconstruct the sweep first.")
        if box is None:
            raise SegmentationError("There is no box; place one around the tumor first.")

        def compute(progress, should_cancel):
            from ..segmentation.segment import segment

            return segment(volume, box, segmenter, threshold, tight, keep, progress, should_cancel)

        return self._begin(Step.SEGMENT, compute)

    def segment(self, segmenter, threshold: float | None = None, progress=None, should_cancel=None, keep="largest"):
        """Find the tumor in the box; returns the SegmentationResult. Raises SegmentationError and GeometryError."""
        return self._run(self.begin_segment(segmenter, threshold, keep), progress, should_cancel)

    def set_threshold(self, threshold: float, keep: str = "largest"):
        """Cut the stored probability at another threshold; returns the SegmentationResult. Raises SegmentationError."""
        if self.segmentation_result is None:
            raise SegmentationError("There is no probability to cut; segment the box first.")
        result = self.segmentation_result.with_threshold(threshold, keep)
        self._take_segmentation(result)
        return result

    def set_segmentation(self, mask: Volume, probability: Volume | None = None, surface=None) -> None:
        """Take a tumor mask that belongs to the present volume and box.

        mask         nonzero inside the tumor, in Reference;  probability  float32, any grid, or None
        surface      vtkPolyData, RAS mm; None makes one of the mask
        Raises GeometryError when the surface is open, SegmentationError when the mask is empty.
        """
        self._put_tumor(mask, probability, surface)
        self.segmentation_result = None
        self._tell()

    @property
    def mask(self) -> Volume | None:
        """The tumor mask on the voxels of the volume, corrections by hand included; None when there is none."""
        volume = volume_of(self._volume_node())
        return None if volume is None else self._tumor.mask(volume)

    @property
    def probability(self) -> Volume | None:
        """float32 on the voxels of the crop; None when there is none."""
        return self._tumor.probability()

    @property
    def surface(self):
        """The tumor surface as vtkPolyData in RAS mm; None when there is none."""
        return self._tumor.surface()

    def _take_segmentation(self, result) -> None:
        """`result`: segmentation.SegmentationResult."""
        took_s = result.timings_s
        self.state.timings_s["crop"] = took_s.get("crop", 0.0)
        self.state.timings_s["segment"] = took_s.get("network", 0.0) + took_s.get("mask", 0.0)
        self.state.timings_s["surface"] = took_s.get("surface", 0.0)
        if result.found:
            self._put_tumor(result.mask, result.probability, result.surface)
            found = f"{result.volume_ml:.1f} mL, largest diameter {result.largest_diameter_mm:.0f} mm"
        else:
            self._make_tumor_stale()
            found = "no tumor was found in the box"
        self._set(Step.SEGMENT, StepStatus.DONE, found)
        self.segmentation_result = result
        self.state.doubts = tuple(result.doubts)
        self._tell()

    def _put_tumor(self, mask: Volume, probability: Volume | None, surface) -> None:
        if surface is None:
            from ..segmentation.surface import surface_from_mask

            surface = surface_from_mask(mask)
        self.tools.set_tumor(surface)
        self._tumor.put(mask, probability, surface, self._volume_node())
        self.state.doubts = ()
        self._set(Step.SEGMENT, StepStatus.DONE)
        self._set(Step.NAVIGATE, StepStatus.READY)

    def _make_tumor_stale(self) -> None:
        """Hide the tumor and measure to it no more, because what it was made from has changed."""
        self._revisions[Step.SEGMENT] += 1
        self.segmentation_result = None
        self.state.doubts = ()
        if self._tumor.make_stale():
            self._set(Step.SEGMENT, StepStatus.STALE, "out of date: what it was made from has changed")
        elif self.state.status(Step.SEGMENT) is not StepStatus.RUNNING:
            self._set(Step.SEGMENT, self._status_before(Step.SEGMENT))
        self._set(Step.NAVIGATE, StepStatus.WAITING)
        self.tools.set_tumor(None)

    # Navigate

    def tool_reading(self, name: str = names.DEFAULT_TOOL, now_s: float | None = None) -> ToolReading:
        """What is known of a tool now: its status, tip, distance and what that means for the margin."""
        return self.tools.reading(name, now_s)

    def tool_distance_mm(self, name: str = names.DEFAULT_TOOL, now_s: float | None = None) -> float | None:
        """Tip to tumor surface, negative inside; None when the tool is lost or there is no tumor to measure to."""
        return self.tools.reading(name, now_s).signed_distance_mm

    # Jobs

    def finish(self, job: Job, result) -> bool:
        """Take what a job computed; returns False, and drops it, when what it was made from has changed meanwhile."""
        if job.revision != self._revisions[job.step]:
            self._set(job.step, self._status_before(job.step), "the result was dropped, because its input has changed")
            self._tell()
            return False
        if job.step is Step.RECONSTRUCT:
            self.set_volume(result.volume)
        else:
            self._take_segmentation(result)
        return True

    def fail(self, job: Job, error: Exception) -> None:
        """Tell that a job ended with an error, or was cancelled."""
        self._set(job.step, StepStatus.FAILED, str(error))
        self._tell()

    def set_progress(self, step: Step, fraction: float, text: str) -> None:
        """Tell how far a running job is; to be called in the session's thread."""
        self.state.progress = fraction
        self.state[step].message = text
        self._tell()

    def _begin(self, step: Step, compute) -> Job:
        self.state.progress = 0.0
        self._set(step, StepStatus.RUNNING)
        self._tell()
        return Job(step, compute, self._revisions[step])

    def _run(self, job: Job, progress=None, should_cancel=None):
        try:
            with self.state.timed(job.step.value.lower()):
                result = job.run(progress, should_cancel)
            self.finish(job, result)
        except CRLMError as error:
            self.fail(job, error)
            raise
        return result

    def _status_before(self, step: Step) -> StepStatus:
        """READY when what the step needs is there, WAITING when it is not."""
        if step is Step.RECONSTRUCT:
            ready = self._sweep is not None
        else:
            ready = not is_stale(self._volume_node()) and self.state.status(Step.BOX) is StepStatus.DONE
        return StepStatus.READY if ready else StepStatus.WAITING

    def _set(self, step: Step, status: StepStatus, message: str = "") -> None:
        self.state[step].status, self.state[step].message = status, message

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener(self.state)

    # The scene as somebody else changes it

    @contextmanager
    def scene_replaced(self):
        """For who loads another scene into this session: go on from what is in it afterwards."""
        self._being_replaced = True
        self._forget()
        try:
            yield
        finally:
            self._being_replaced = False
            self._adopt()
            self._tell()

    def _on_scene_closed(self) -> None:
        if not self._being_replaced:
            self._forget()
            self._tell()

    def _forget(self) -> None:
        """As at the beginning; jobs that still run will be refused."""
        self._box.release()
        self.tools.forget()
        for step in self._revisions:
            self._revisions[step] += 1
        self._sweep = self._recording = self.segmentation_result = None
        self._box_is_tight = False
        fresh = SessionState()
        self.state.steps, self.state.timings_s, self.state.doubts = fresh.steps, fresh.timings_s, ()
        self._set(Step.CONNECT, StepStatus.READY)

    def _adopt(self) -> None:
        """Take over what the scene already holds. Image and tools in it are not live."""
        self._set(Step.CONNECT, StepStatus.READY)
        self._sweep = sweep_of(self.application)
        if self._sweep is not None:
            self._set(Step.RECORD, StepStatus.DONE, f"{len(self._sweep)} frames")
            self._set(Step.RECONSTRUCT, StepStatus.READY)
        if not is_stale(self._volume_node()):
            self._set(Step.RECONSTRUCT, StepStatus.DONE)
            self._set(Step.BOX, StepStatus.READY)
        self._box.adopt()
        if self.box is not None:
            self._set(Step.BOX, StepStatus.DONE)
        self._live.adopt()
        self.tools.adopt()
        self._set(Step.SEGMENT, self._status_before(Step.SEGMENT))
        surface = self.surface
        if surface is not None:
            self.tools.set_tumor(surface)
            self._set(Step.SEGMENT, StepStatus.DONE)
            self._set(Step.NAVIGATE, StepStatus.READY)

    def _volume_node(self):
        return find(self.scene, "vtkMRMLScalarVolumeNode", names.VOLUME)

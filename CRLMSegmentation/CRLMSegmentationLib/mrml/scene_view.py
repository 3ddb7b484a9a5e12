"""A session on the nodes of an MRML scene: one view for each part, each listening to its part alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConfigurationError
from ..navigation.tool_transforms import DEFAULT_TOOL
from ..session.case.contents import CaseContents
from ..words import tr
from .case_nodes import case_scene, is_result, prepare_case_scene, remove_doubles, remove_results
from .scene_watch import SceneWatch
from .sweeps.igsio_reconstruction import IgsioEngine
from .sweeps.sweep_view import SweepView
from .views.box_view import BoxView
from .views.case_view import CaseView
from .views.crossing_view import CrossingView
from .views.live_image_view import LiveImageView
from .views.other_tumors_view import OtherTumorsView
from .views.outline_view import OutlineView
from .views.preoperative_view import PreoperativeView
from .views.structures_view import StructuresView
from .views.tools_view import ToolsView
from .views.tumor_view import TumorView
from .views.volume_view import VolumeView

if TYPE_CHECKING:
    from ..session.session import Session
    from .application import Application

# Of what a save would have to do first, one piece at a time.
_PREPARE_EVERY_S = 1.0


class PartView(Protocol):
    """Shows one part of a session on nodes, and makes commands to the part of what a user does with them."""

    @property
    def is_busy(self) -> bool:
        """True while the scene does not hold yet what the part has."""
        ...

    def process(self, now_s: float) -> None:
        """Called by the session's timer; returns within milliseconds."""
        ...

    def check_nodes(self) -> None:
        """Nodes were taken out of the scene: what belongs to one goes from the session, or the node comes back."""
        ...

    def hide_live(self) -> None:
        """Show nothing as live."""
        ...

    def close(self) -> None:
        """No observer is left; the nodes stay."""
        ...


class SceneView:
    """Shows a session on the scene of an application, and has it go on from what the scene holds already.

    To be made while the session is empty: what it held would give way to what the scene holds. Raises
    ConfigurationError otherwise.

    views   by the name of the part that each shows; each is an attribute of that name, too
    moving  entered while tools, probe, live image or what is drawn on it change: no slice of a volume has to show
            these, and who draws the slices need not draw them again
    """

    moving: Callable[[], AbstractContextManager[object]] = staticmethod(nullcontext)

    def __init__(self, session: Session, application: Application) -> None:
        if not session.case.is_empty:
            raise ConfigurationError(
                tr("The session holds a case already: show it on a scene before it is given anything.")
            )
        self.session, self.application = session, application
        scene = application.scene
        self._watch = SceneWatch(scene, session.report_fault, self._on_closed, self._on_loaded, self._on_nodes_removed)
        self._loaded: list[Any] = []
        self._prepared_s = 0.0
        self.volume = VolumeView(scene, session.volume)
        self.sweep = SweepView(application, session.recording, session.report)
        self.box = BoxView(scene, session.box)
        self.tumor = TumorView(session.tumor, scene, self.volume.node)
        self.others = OtherTumorsView(scene, session.tumors)
        self.structures = StructuresView(session.structures, scene)
        self.live_image = LiveImageView(scene, session.stream.image, lambda: self.moving())
        self.live = OutlineView(scene, session.live, lambda: self.moving())
        self.tools = ToolsView(scene, session.tools, lambda: self.moving())
        self.crossings = CrossingView(scene, session.tools, session.stream.image, lambda: self.moving())
        self.preoperative = PreoperativeView(scene, session.preoperative)
        self.case = CaseView(scene, session, self._case_nodes)
        self.views: dict[str, PartView] = {
            "volume": self.volume, "sweep": self.sweep, "box": self.box, "tumor": self.tumor,
            "others": self.others, "structures": self.structures, "live_image": self.live_image, "live": self.live,
            "tools": self.tools, "crossings": self.crossings, "preoperative": self.preoperative, "case": self.case,
        }  # fmt: skip
        session.volume.register_engine(IgsioEngine(scene))
        session.attach(self)
        session.case.forgotten.connect(self._remove_results)
        session.case.take_scene = self._take_case_scene
        self._restore()
        self._end_listening = session.add_listener(lambda state: self._write_facts())

    @property
    def scene(self) -> Any:
        """The vtkMRMLScene."""
        return self.application.scene

    @property
    def is_busy(self) -> bool:
        """True while the scene does not hold yet what the session has, or holds what is still to be taken over."""
        return self.is_changing or any(view.is_busy for view in self.views.values())

    @property
    def is_changing(self) -> bool:
        """True while somebody loads nodes or closes the scene: nothing may be written to it meanwhile."""
        return self._watch.is_changing

    def take_over(self) -> None:
        """Have the session go on from nodes that somebody has loaded; called by its timer, before anything else."""
        self._watch.take_over()

    def process(self, now_s: float) -> None:
        """Bring up to date what does not follow from events; called by the session's timer. A view that fails keeps no
        other from it.
        """
        with ExitStack() as stack:
            for view in reversed(self.views.values()):
                stack.callback(view.process, now_s)
        if now_s - self._prepared_s > _PREPARE_EVERY_S and not self.is_busy and self.session.recording.state is None:
            self._prepared_s = now_s
            prepare_case_scene(self.scene, self.session.tools.names)

    def hide_live(self) -> None:
        """Show nothing as live; a view that fails keeps no other from it."""
        with ExitStack() as stack:
            for view in self.views.values():
                stack.callback(view.hide_live)

    def close(self) -> None:
        """No observer is left; the nodes stay. Can be repeated."""
        self._end_listening()
        self._watch.close()
        for view in self.views.values():
            view.close()

    # Where what the session holds is in the scene; None where it is not

    def box_node(self) -> Any:
        """The Markups ROI, made when it is not there. Dragging its handles is the same as box.set()."""
        return self.box.node()

    def volume_node(self) -> Any:
        """Of the reconstructed volume."""
        return self.volume.node()

    def live_image_node(self) -> Any:
        """Of the live ultrasound image; it lies under image_to_reference_node()."""
        return self.live_image.image_node()

    def image_to_reference_node(self) -> Any:
        """The transform of the live image."""
        return self.live_image.transform_node()

    def surface_node(self) -> Any:
        """The model of the tumor's surface."""
        return self.tumor.nodes.surface_node()

    def segmentation_node(self) -> Any:
        """The segmentation that is corrected by hand."""
        return self.tumor.nodes.segmentation_node()

    def probability_node(self) -> Any:
        """The volume of the tumor's probability."""
        return self.tumor.nodes.probability_node()

    def tool_tip_node(self, name: str = DEFAULT_TOOL) -> Any:
        """The transform of a tool's tip, under that of the tool: TipToTool, ToolToReference."""
        return self.tools.tip_node(name)

    def distance_line_node(self, name: str = DEFAULT_TOOL) -> Any:
        """The Markups line from a tool's tip to the tumor, whatever a user calls it; None before there was one."""
        return self.tools.line_node(name)

    def margin_node(self) -> Any:
        """The model of the shell at the margin's distance; None while it is not shown."""
        return self.structures.margin_node()

    # What the scene holds

    def contents(self) -> CaseContents:
        """What the scene holds."""
        volume, status, volume_problem = self.volume.read()
        box, box_problem = self.box.read()
        raw = self.case.raw_facts()
        scan_number = raw.get("sweep")
        scan_number = scan_number if isinstance(scan_number, int) and scan_number > 0 else 1
        tumors, chosen, newest = self.others.saved(raw, volume, scan_number)
        return CaseContents(
            replace(self.case.facts(), tools=self.tools.calibrations()), self.sweep.read(), volume, status,
            volume_problem, box, box_problem, self.tumor.saved(), tumors, chosen, scan_number, newest,
        )  # fmt: skip

    @contextmanager
    def scene_replaced(self) -> Iterator[None]:
        """For who loads another scene into this one: the session goes on from what is in it afterwards."""
        with self.session.held():
            try:
                with self._watch.paused():
                    self.session.tools.forget()
                    self.session.forget_case()
                    yield
            finally:
                self._restore()

    def complete_scene(self) -> None:
        """Have the scene hold all of the recorded sweep now, for who is about to save it.

        After recording.stop() its Sequence browser is completed bit by bit by process(), and nothing of it goes into
        saved scenes before that. Session.is_computing says so, and case.save() needs not wait for it. What is hidden
        because of `case.question` is shown again until the next process(), so that it is not saved as hidden.
        """
        self.case.show_hidden()
        with self.session.held():
            self.sweep.complete()

    def _restore(self) -> None:
        # What the scene shows as the live image is not live.
        self.session.stream.image.lose()
        self.session.restore(self.contents())

    def _case_nodes(self) -> list[Any]:
        """What would be taken for part of the live scene."""
        tumor = self.tumor.nodes
        shown = (
            tumor.surface_node(), tumor.segmentation_node(), self.box.found(), *self.structures.nodes(),
            *self.others.nodes(), *self.preoperative.nodes(),
        )  # fmt: skip
        return [node for node in shown if node is not None]

    def _remove_results(self) -> None:
        """The case is as at the beginning: so is the scene, but for what has just been loaded."""
        remove_results(self.scene, self._loaded)

    def _take_case_scene(self) -> Callable[[Path], None]:
        # What is hidden for as long as it is asked about is not saved as hidden.
        self.case.show_hidden()
        return case_scene(self.scene, self.session.tools.names).write

    def _write_facts(self) -> None:
        if not self.is_changing:
            with self._watch.paused():
                self.case.write_facts()

    # The scene as somebody else changes it

    def _on_closed(self) -> None:
        self.session.case.begin(keep_calibration=False)

    def _on_loaded(self, loaded: list[Any]) -> None:
        """Somebody has loaded nodes of a session, of a saved case or scene: what they hold is gone on from.

        Results take the place of those that are there. Of image and tools those stay that are there already: they are
        live, and what was saved of them is not.
        """
        session = self.session
        with session.held(), self._watch.paused():
            is_case = any(is_result(node) for node in loaded)
            if is_case:
                self._loaded = loaded
                session.forget_case()
                self._loaded = []
            remove_doubles(self.scene, loaded)
            if is_case:
                self._restore()
            else:
                session.tools.restore(self.tools.calibrations())
                session.stream.image.refresh()

    def _on_nodes_removed(self) -> None:
        """What was deleted is not there any more, and neither is what was made from it; shells and tools come back."""
        if self.session.is_held:
            # The session's own doing.
            return
        with self.session.held():
            for view in self.views.values():
                view.check_nodes()
            self.session.case.check_source()

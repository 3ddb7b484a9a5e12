"""A session on the nodes of an MRML scene: one view for each part, each listening to its part alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from .box_view import BoxView
from .live_image_view import LiveImageView
from .structures_view import StructuresView
from .sweeps.igsio_reconstruction import IgsioEngine
from .sweeps.sweep_view import SweepView
from .tools_view import ToolsView
from .tumor_view import TumorView
from .volume_view import VolumeView

if TYPE_CHECKING:
    from ..session.session import Session
    from .application import Application


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
    """Shows a session on the scene of an application.

    views  by the name of the part that each shows; each is an attribute of that name, too
    """

    def __init__(self, session: Session, application: Application):
        self.session, self.application = session, application
        self.volume = VolumeView(application.scene, session.volume)
        self.sweep = SweepView(application, session.recording, session.report)
        self.box = BoxView(application.scene, session.box)
        self.live_image = LiveImageView(application.scene, session.stream.image)
        self.tools = ToolsView(application.scene, session.tools)
        self.structures = StructuresView(session.structures, self.scene)
        self.tumor = TumorView(session.tumor, self.scene, self.volume.node)
        self.views: dict[str, PartView] = {
            "volume": self.volume, "sweep": self.sweep, "box": self.box, "live_image": self.live_image,
            "tools": self.tools, "tumor": self.tumor, "structures": self.structures,
        }  # fmt: skip
        session.volume.register_engine(IgsioEngine(application.scene))

    @property
    def scene(self) -> Any:
        """The vtkMRMLScene."""
        return self.application.scene

    @property
    def is_busy(self) -> bool:
        """True while the scene does not hold yet what the session has."""
        return any(view.is_busy for view in self.views.values())

    def process(self, now_s: float) -> None:
        """Bring up to date what does not follow from events; called by the session's timer. A view that fails keeps no
        other from it.
        """
        with ExitStack() as stack:
            for view in reversed(self.views.values()):
                stack.callback(view.process, now_s)

    def complete_scene(self) -> None:
        """Have the scene hold now all that it is to hold of the session, for who is about to save it."""
        self.sweep.complete()

    def check_nodes(self) -> None:
        """Nodes were taken out of the scene by somebody else."""
        for view in self.views.values():
            view.check_nodes()

    def hide_live(self) -> None:
        """Show nothing as live; a view that fails keeps no other from it."""
        with ExitStack() as stack:
            for view in self.views.values():
                stack.callback(view.hide_live)

    def close(self) -> None:
        """No observer is left; the nodes stay."""
        for view in self.views.values():
            view.close()

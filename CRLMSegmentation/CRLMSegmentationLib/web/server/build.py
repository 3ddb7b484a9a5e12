"""Putting the page together: server, views, session, layout and what the buttons do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from trame.app import get_server
from trame_server.core import Server
from trame_slicer.core import SlicerApp

from ..actions.calibration_actions import CalibrationActions
from ..actions.case_actions import CaseActions
from ..actions.ct_actions import CtActions
from ..actions.hands_free_actions import HandsFreeActions
from ..actions.preparing import Preparing
from ..actions.questions import Questions
from ..actions.saving import Saving
from ..actions.scope_actions import ScopeActions
from ..actions.settable import settable
from ..actions.source_actions import SourceActions
from ..actions.tool_actions import ToolActions
from ..actions.workflow_actions import Actions
from ..controller import Controller
from ..library import Library
from ..page.assets_folder import serve_assets
from ..page.page import TITLE, Page
from ..page.page_state import PageState
from ..page.view_controls import view_controls
from ..views.views import LIVE, VIEWS, Views
from .allowed import Allowed
from .few_arenas import keep_few_arenas
from .guarded_socket import LARGEST_MESSAGE_BYTES
from .rendered_once import rendered_once
from .routes import Routes


def build(
    folder: str | Path, given: Iterable[str | Path], any_path: bool, frame_rate: float
) -> tuple[Server, Controller, Routes, Allowed]:
    """(trame server, Controller, Routes, Allowed); to be called in a running event loop.

    any_path    whether a recording may be named by its path on this computer
    frame_rate  pictures a second of a view at most
    """
    keep_few_arenas()
    server = get_server("crlm", client_type="vue3")
    # Of one frame on the wire, after it is unpacked; a compressed one is unpacked no further.
    server.options["ws_max_msg_size"] = LARGEST_MESSAGE_BYTES
    serve_assets(server)
    server.state.trame__title = TITLE
    library = Library(folder, given, any_path)
    server.state.update(asdict(PageState()))
    slicer_app = SlicerApp()
    _write_vtk_messages_to(library.folder / "vtk.log")
    controller = Controller(slicer_app, server.state, library)
    saving = Saving(controller)
    questions, preparing = Questions(server.state), Preparing(server.state)
    cases = CaseActions(controller, saving, questions, preparing)
    source = SourceActions(controller, preparing, cases.unless_lost)
    actions = Actions(controller, source, questions)
    sliders: list[str] = []
    controls = view_controls(LIVE, controller.fit, sliders)
    with rendered_once():
        views = Views(slicer_app, server, controls, actions.click_in_view, frame_rate)
    controller.show_in(views)
    controller.fill_choices()
    ct = CtActions(controller)
    hands_free = HandsFreeActions(controller, actions)
    calibrating, scope, tools = CalibrationActions(controller), ScopeActions(controller), ToolActions(controller)
    with rendered_once():
        Page(server, source, actions, cases, calibrating, ct, scope, hands_free, tools)
    actions.bind()
    ct.bind()
    controller.open_step.confirm = lambda: server.force_state_push("open_step")
    # A tab measures by the answer how late it is.
    server.controller.trigger("crlm_echo")(_answer)
    server.controller.trigger("crlm_key")(hands_free.press)
    server.controller.trigger("crlm_cut")(ct.editing.drag_plane)
    allowed = Allowed(settable(sliders), server.controller.trigger_fn, VIEWS)
    return server, controller, Routes(controller, saving), allowed


def _write_vtk_messages_to(path: Path) -> None:
    """VTK is talkative; the terminal is for what a person should read."""
    from vtkmodules.vtkCommonCore import vtkFileOutputWindow, vtkLogger, vtkOutputWindow

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    window = vtkFileOutputWindow()
    window.SetFileName(str(path))
    vtkOutputWindow.SetInstance(window)


def _answer() -> None:
    return None

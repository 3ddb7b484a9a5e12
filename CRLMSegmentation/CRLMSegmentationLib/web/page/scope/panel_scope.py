"""Beside the steps: the laparoscope's video, its landmarks, and the model of the liver over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ....session import actions as described
from ....words import mark, tr
from ..widgets import bound_to, either, main_button, named, quoted, side_section, warning_list

if TYPE_CHECKING:
    from ...actions.scope_actions import ScopeActions

# Signs of aligned_model.MOVES, in rows of four.
_MOVE_ICONS = {
    mark("left"): "mdi-arrow-left", mark("right"): "mdi-arrow-right", mark("up"): "mdi-arrow-up",
    mark("down"): "mdi-arrow-down",
    mark("nearer"): "mdi-magnify-plus-outline", mark("farther"): "mdi-magnify-minus-outline",
    mark("turn left"): "mdi-rotate-left", mark("turn right"): "mdi-rotate-right",
    mark("tilt up"): "mdi-chevron-double-up", mark("tilt down"): "mdi-chevron-double-down",
    mark("swing left"): "mdi-chevron-double-left", mark("swing right"): "mdi-chevron-double-right",
}  # fmt: skip
_FIELD = {"variant": "outlined", "density": "compact", "hide_details": True, "classes": "mt-3 mb-2"}


def scope_panel(scope: ScopeActions) -> None:
    """The whole section."""
    kind = "scope_open ? 'running' : scope_problem ? 'failed' : ''"
    with side_section("scope", tr("Laparoscope"), "mdi-video-outline", "scope_line", kind, "scope_busy", block="start"):
        with html.Div(v_if="scope_problem", classes="warning-line mb-3", id="scope-problem"):
            vuetify.VIcon("mdi-alert-outline", size="small")
            html.Span("{{ scope_problem }}")
        _shown(scope)
        _video(scope)
        _camera(scope)
        _registration(scope)


def _shown(scope: ScopeActions) -> None:
    """What is seen in the newest frame, and what is drawn over it."""
    with html.Div(v_if="scope_open", id="scope-shown"):
        html.Div("{{ scope_title }}", classes="figure")
        html.P("{{ scope_text }}", classes="quiet mb-2", id="scope-text")
        with html.Div(v_for="one in scope_landmarks", key="one.name", classes="figure-row"):
            with html.Span():
                html.Span(classes="dot-of-line", style=("`background: ${one.color}`",))
                html.Span("{{ one.name }}")
            html.Span("{{ one.percent }}", classes="value")
        with html.Div(classes="structures my-2", id="scope-switches"):
            with html.Button(
                v_for="one in scope_switches", key="one.name", click=(scope.switch, "[one.name]"),
                id=("`scope-show-${one.name}`",), classes=("`structure ${one.shown ? 'is-shown' : ''}`",),
                raw_attrs=[':aria-pressed="one.shown"'],
                title=(either("one.shown", tr("Hide it over the video"), tr("Show it over the video")),),
            ):  # fmt: skip
                html.Span("{{ one.title }}")


def _video(scope: ScopeActions) -> None:
    vuetify.VTextField(
        v_model=("scope_path",), label=tr("Video, picture or folder"), v_if="any_path && !scope_open", id="scope-path",
        **_FIELD,
    )  # fmt: skip
    with html.Div(v_if="!scope_open"):
        main_button(
            described.OPEN_SCOPE_VIDEO.label, "mdi-folder-open-outline", (scope.open_video, "[scope_path]"),
            id="scope-open", **bound_to(described.OPEN_SCOPE_VIDEO),
        )  # fmt: skip
        vuetify.VTextField(v_model=("scope_image",), label=tr("or the name of its images over OpenIGTLink"),
                           id="scope-image", **_FIELD)  # fmt: skip
        main_button(
            described.CONNECT_SCOPE.label, "mdi-lan-connect", (scope.connect, "[plus_host, plus_port, scope_image]"),
            id="scope-connect", variant="outlined", **bound_to(described.CONNECT_SCOPE),
        )  # fmt: skip
        html.P(tr("From {{ plus_host }}, port {{ plus_port }}, as in Connect."), classes="quiet mt-1 mb-2")
        with html.Div(v_if="any_path"):
            vuetify.VTextField(v_model=("scope_device",), label=tr("or the number of a capture device"), type="number",
                               id="scope-device", **_FIELD)  # fmt: skip
            main_button(
                described.OPEN_SCOPE_DEVICE.label, "mdi-video-input-hdmi", (scope.open_device, "[scope_device]"),
                id="scope-open-device", variant="outlined", **bound_to(described.OPEN_SCOPE_DEVICE),
            )  # fmt: skip
    html.P("{{ scope_recording }}", v_if="scope_recording", classes="quiet mb-2", id="scope-recording")
    with html.Div(v_if="scope_open"):
        main_button(
            described.RECORD_SCOPE.label, "mdi-record-circle-outline", scope.record, id="scope-record",
            v_if="!scope_recorded", variant="outlined", classes="mb-2", **bound_to(described.RECORD_SCOPE),
        )  # fmt: skip
        main_button(
            described.STOP_SCOPE.label, "mdi-stop-circle-outline", scope.record, id="scope-stop",
            v_if="scope_recorded", variant="outlined", classes="mb-2", **bound_to(described.STOP_SCOPE),
        )  # fmt: skip
        main_button(
            described.CLOSE_SCOPE.label, "mdi-close", scope.close, id="scope-close", variant="outlined",
            **bound_to(described.CLOSE_SCOPE),
        )  # fmt: skip


def _camera(scope: ScopeActions) -> None:
    """The camera from its file, or found from pictures of a board."""
    with html.Div(classes="mt-3"):
        vuetify.VTextField(v_model=("scope_camera",), label=tr("Camera, as crlm scope calibrate writes it"),
                           v_if="any_path", id="scope-camera", **_FIELD)  # fmt: skip
        main_button(
            described.OPEN_SCOPE_CAMERA.label, "mdi-camera-outline", (scope.open_camera, "[scope_camera]"),
            id="scope-open-camera", variant="outlined", **bound_to(described.OPEN_SCOPE_CAMERA),
        )  # fmt: skip
        with html.Div(v_if="scope_open && !scope_calibrating && !scope_result_waits"):
            vuetify.VTextField(v_model=("scope_board",), label=tr("or its board, such as 9x6 or 8x6 DICT_4X4_50"),
                               id="scope-board", **_FIELD)  # fmt: skip
            vuetify.VTextField(v_model=("scope_square_mm",), label=tr("Side of a square, mm"), type="number",
                               id="scope-square", **_FIELD)  # fmt: skip
            main_button(
                described.CALIBRATE_SCOPE.label, "mdi-checkerboard",
                (scope.calibrate, "[scope_board, scope_square_mm]"), id="scope-calibrate", variant="outlined",
                **bound_to(described.CALIBRATE_SCOPE),
            )  # fmt: skip
        html.P("{{ scope_calibration }}", v_if="scope_calibration", classes="quiet mt-2 mb-2", id="scope-calibration")
        warning_list("scope_calibration_doubts")
        main_button(
            described.END_SCOPE_CALIBRATION.label, "mdi-calculator", (scope.calibrate, "['', 0]"),
            v_if="scope_calibrating", id="scope-end-calibration", classes="mb-2",
            **bound_to(described.END_SCOPE_CALIBRATION),
        )  # fmt: skip
        main_button(
            described.ACCEPT_SCOPE_CALIBRATION.label, "mdi-check", scope.accept_camera, v_if="scope_result_waits",
            id="scope-accept-camera", classes="mb-2", **bound_to(described.ACCEPT_SCOPE_CALIBRATION),
        )  # fmt: skip
        main_button(
            described.DISCARD_SCOPE_CALIBRATION.label, "mdi-close", scope.discard_camera, variant="outlined",
            v_if="scope_calibrating || scope_result_waits", id="scope-discard-camera",
            **bound_to(described.DISCARD_SCOPE_CALIBRATION),
        )  # fmt: skip


def _registration(scope: ScopeActions) -> None:
    with html.Div(classes="mt-3"):
        html.Div("{{ scope_registration }}", v_if="scope_registration", classes="figure", id="scope-registration")
        warning_list("scope_doubts")
        vuetify.VTextField(v_model=("scope_model",), label=tr("Model of the liver: a surface or a folder"),
                           v_if="any_path", id="scope-model", **_FIELD)  # fmt: skip
        main_button(
            described.OPEN_SCOPE_MODEL.label, "mdi-shape-outline", (scope.open_model, "[scope_model]"),
            id="scope-open-model", variant="outlined", **bound_to(described.OPEN_SCOPE_MODEL),
        )  # fmt: skip
        _alignment(scope)
        vuetify.VCheckbox(v_model=("scope_deform",), label=tr("The liver may have changed its shape"),
                          density="compact", hide_details=True, id="scope-deform")  # fmt: skip
        main_button(
            described.REGISTER_SCOPE.label, "mdi-layers-outline", (scope.register, "[scope_deform]"),
            id="scope-register", **bound_to(described.REGISTER_SCOPE),
        )  # fmt: skip
        html.P("{{ actions.register_scope.why_not }}", v_if="actions.register_scope.why_not", classes="quiet mt-2",
               id="scope-why-not")  # fmt: skip


def _alignment(scope: ScopeActions) -> None:
    """The model laid over the picture by hand."""
    main_button(
        described.ALIGN_SCOPE.label, "mdi-hand-back-right-outline", scope.align, v_if="!scope_aligning",
        variant="outlined", classes="mt-2", id="scope-align", **bound_to(described.ALIGN_SCOPE),
    )  # fmt: skip
    with html.Div(v_if="scope_aligning", id="scope-alignment", classes="mt-2"):
        with html.Div(classes="move-grid"):
            for move, icon in _MOVE_ICONS.items():
                vuetify.VBtn(
                    icon=icon, variant="tonal", id=f"scope-move-{move.replace(' ', '-')}",
                    click=(scope.move_model, f"['{move}', scope_fine]"),
                    raw_attrs=named(tr("Model: {move}", move=tr(move))),
                    **{**bound_to(described.MOVE_SCOPE_MODEL), "title": (quoted(tr("Model: {move}", move=tr(move))),)},
                )  # fmt: skip
        vuetify.VCheckbox(v_model=("scope_fine",), label=tr("Small steps"), density="compact", hide_details=True,
                          id="scope-fine")  # fmt: skip
        main_button(
            described.END_SCOPE_ALIGNMENT.label, "mdi-play-outline", scope.align, variant="outlined",
            id="scope-end-align", **bound_to(described.END_SCOPE_ALIGNMENT),
        )  # fmt: skip


def scope_view() -> None:
    """The video with what is drawn over it, over the views of the operation while its section is open."""
    with html.Div(classes="scope-view", v_if="open_step === 'scope'", id="scope-view"):
        html.Img(
            v_if="scope_there", alt=tr("The laparoscope's video"), draggable="false", id="scope-picture",
            src=("`scope/picture?version=${scope_version}`",),
        )  # fmt: skip
        html.Div(tr("Laparoscope"), classes="view-title")
        html.Div("{{ scope_old }}", classes="view-banner", v_if="scope_old", id="scope-old")
        html.Div(tr("The video appears here"), classes="view-empty", v_if="!scope_there")
        html.Div("{{ scope_registration }}", classes="view-ct", v_if="scope_registration", id="scope-banner")

"""Beside the steps: calibrate a stylus or a probe, and see what is known of the errors of the devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...words import tr
from .tools.panel_tools import tools_panel
from .widgets import bound_to, either, main_button, progress_bar, said, side_button, side_section, warning_list

if TYPE_CHECKING:
    from ..actions.calibration_actions import CalibrationActions
    from ..actions.tool_actions import ToolActions

_FIELD = {"variant": "outlined", "density": "compact", "hide_details": True}


def calibrate_panel(calibrating: CalibrationActions, tools: ToolActions) -> None:
    """The whole section."""
    kind = "calibration_problem ? 'failed' : calibration_result ? 'check' : calibrating ? 'running' : ''"
    with side_section("calibrate", tr("Calibrate"), "mdi-tune-variant", "calibration_line", kind, "calibrating"):
        with html.Div(v_if="!calibrating && !calibration_result"):
            tools_panel(tools)
        _choices(calibrating)
        _running(calibrating)
        _result(calibrating)
        _known(calibrating)


def _choices(calibrating: CalibrationActions) -> None:
    """What can be begun."""
    with html.Div(v_if="!calibrating && !calibration_result"):
        with html.Div(v_if="calibration_problem", classes="warning-line mb-3", id="calibration-problem"):
            vuetify.VIcon("mdi-alert-outline", size="small")
            html.Span("{{ calibration_problem }}")
        vuetify.VSelect(
            v_model=("calibration_tool",),
            items=("calibration_tools",),
            label=tr("Stylus"),
            id="calibration-tool",
            **_FIELD,
        )
        side_button(
            described.CALIBRATE_STYLUS.label, "mdi-pencil-outline",
            (calibrating.calibrate_stylus, "[calibration_tool]"), id="calibrate-stylus", classes="mt-2 mb-4",
            **bound_to(described.CALIBRATE_STYLUS),
        )  # fmt: skip
        vuetify.VSelect(
            v_model=("phantom",), items=("calibrations.filter((one) => one.value)",),
            label=tr("PLUS configuration with the phantom"), id="phantom", **_FIELD,
        )  # fmt: skip
        side_button(
            described.CALIBRATE_PROBE.label, "mdi-grid", (calibrating.calibrate_probe, "[phantom]"),
            id="calibrate-probe", classes="mt-2 mb-2", **bound_to(described.CALIBRATE_PROBE),
        )  # fmt: skip

        vuetify.VSelect(
            v_model=("targets",), items=("target_files",), label=tr("Targets of a phantom"), id="targets", **_FIELD,
        )  # fmt: skip
        side_button(
            described.MEASURE_ACCURACY.label, "mdi-target",
            (calibrating.measure_accuracy, "[calibration_tool, targets]"), id="measure-accuracy", classes="mt-2 mb-2",
            **bound_to(described.MEASURE_ACCURACY),
        )  # fmt: skip


def _running(calibrating: CalibrationActions) -> None:
    """What to do, how far it is, and what is missing."""
    with html.Div(v_if="calibrating"):
        html.Div("{{ calibration_instruction }}", classes="call mb-3", id="calibration-instruction")
        progress_bar("calibration_share", id="calibration-share", classes="mb-3", color="success")
        _figures()
        html.Div(
            '<svg viewBox="0 0 100 75" class="wires"><circle v-for="(wire, number) in calibration_wires"'
            ' :key="number" :cx="100 * wire[0]" :cy="75 * wire[1]" r="2"></circle></svg>',
            v_if="calibration_wires.length", id="calibration-wires", title=tr("Where the wires are seen in the image"),
        )  # fmt: skip
        html.Div(tr("Still missing"), classes="label mt-3", v_if="calibration_missing.length")
        warning_list("calibration_missing")
        main_button(
            described.END_CALIBRATION.label, "mdi-check", calibrating.end, id="end-calibration", classes="mt-3",
            **bound_to(described.END_CALIBRATION),
        )  # fmt: skip
        side_button(
            described.DISCARD_CALIBRATION.label, "mdi-close", calibrating.discard, id="give-up", classes="mt-2",
            **bound_to(described.DISCARD_CALIBRATION),
        )  # fmt: skip


def _result(calibrating: CalibrationActions) -> None:
    """What was found, how well, and whether to use it."""
    with html.Div(v_if="calibration_result"):
        html.Div("{{ calibration_result }}", classes="figure", id="calibration-result")
        _figures()
        html.Div(
            said(either("calibration_measured", tr("Not in it"), tr("It would be better with"))), classes="label mt-3",
            v_if="calibration_missing.length",
        )  # fmt: skip
        warning_list("calibration_missing")
        main_button(
            described.ACCEPT_CALIBRATION.label, "mdi-check", calibrating.accept, id="accept-calibration",
            classes="mt-3", v_if="!calibration_measured", **bound_to(described.ACCEPT_CALIBRATION),
        )  # fmt: skip
        main_button(
            described.WRITE_ACCURACY.label, "mdi-file-chart-outline", calibrating.write_accuracy, id="write-accuracy",
            classes="mt-3", v_if="calibration_measured", **bound_to(described.WRITE_ACCURACY),
        )  # fmt: skip
        side_button(
            described.DISCARD_CALIBRATION.label, "mdi-close", calibrating.discard, id="discard-calibration",
            classes="mt-2", **bound_to(described.DISCARD_CALIBRATION),
        )  # fmt: skip


def _known(calibrating: CalibrationActions) -> None:
    """What the error beside a distance is made of."""
    with html.Div(v_if="!calibrating && !calibration_result", id="known-errors"):
        html.Div(tr("Known of the devices"), classes="label mt-2")
        with html.Div(v_for="one in known_errors", key="one.source", classes="known-error"):
            vuetify.VIcon(icon=("!one.known ? 'mdi-help' : one.coarse ? 'mdi-alert' : 'mdi-check'",), size="small",
                          color=("one.known && !one.coarse ? 'success' : 'warning'",))  # fmt: skip
            html.Span("{{ one.source }}", classes="known-source")
            html.Span("{{ one.text }}")
        with html.Div(classes="two mt-3"):
            for action, method in (
                (described.KEEP_CALIBRATIONS, calibrating.keep),
                (described.USE_KEPT_CALIBRATIONS, calibrating.use_kept),
            ):  # fmt: skip
                vuetify.VBtn(action.label, click=method, id=action.name.replace("_", "-"), variant="tonal",
                             height=44, classes="flex-fill", **bound_to(action))  # fmt: skip


def _figures() -> None:
    with html.Div(v_for="figure in calibration_figures", key="figure[0]", classes="figure-row"):
        html.Span("{{ figure[0] }}")
        html.Span("{{ figure[1] }}", classes="value")

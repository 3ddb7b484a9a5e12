"""The last three steps on the page: the box, the tumor in it, and the way of the tools to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...words import tr
from .widgets import (
    Click,
    bound_to,
    chart,
    each_tool,
    either,
    main_button,
    named,
    other_tumor,
    outline_switch,
    progress_bar,
    said,
    side_button,
    slider,
    step,
    warning_list,
)

if TYPE_CHECKING:
    from ..actions.workflow_actions import Actions


def box_panel(actions: Actions) -> None:
    """Drop a box around the tumor with one click."""
    with step("box", 3, tr("Box")):
        with html.Div(v_if="!has_volume"):
            html.P(tr("The box is placed in the volume, so a sweep comes first."))
        with html.Div(v_if="has_volume"):
            with html.Div(v_if="placing === 'box'", classes="call"):
                vuetify.VIcon("mdi-cursor-default-click-outline")
                html.Span(tr("Click on the tumor in one of the three slices."))
            main_button(
                said(either("has_box", tr("Place it anew"), described.PLACE_BOX.label)), "mdi-cube-outline",
                actions.place_box, id="place-box", v_if="placing !== 'box'",
                variant=("has_box ? 'tonal' : 'flat'",), height=("has_box ? 44 : 60",),
                **bound_to(described.PLACE_BOX),
            )  # fmt: skip
            with html.Div(v_if="proposal_text", classes="mt-2", id="proposal"):
                html.Div("{{ proposal_text }}", classes="quiet")
                side_button(
                    described.ACCEPT_BOX.label, "mdi-cube-scan", actions.accept_box, id="accept-box",
                    **bound_to(described.ACCEPT_BOX),
                )  # fmt: skip
            side_button(
                tr("Where is it? (the simulator knows)"), "mdi-lightbulb-on-outline", actions.place_box_at_truth,
                id="place-truth", classes="mt-2", v_if="truth_known",
            )  # fmt: skip
            with html.Div(v_if="has_box", classes="mt-3"):
                slider(tr("Edge"), "box_edge_mm", 10, 80, 1, "mm")
                html.P(tr("Drag its handles in the pictures to fit it to the tumor."), classes="quiet")
                warning_list("box_warnings")
                main_button(
                    described.FIND.label, "mdi-auto-fix", actions.segment, id="find", classes="mt-2",
                    **bound_to(described.FIND),
                )  # fmt: skip


def segment_panel(actions: Actions) -> None:
    """Find the tumor, judge it, correct it."""
    with step("segment", 4, tr("Segment")):
        with html.Div(v_if="running === 'segment'"):
            progress_bar("progress", classes="mb-3")
            main_button(
                described.CANCEL.label, "mdi-close", actions.cancel, id="cancel", variant="outlined",
                **bound_to(described.CANCEL),
            )  # fmt: skip
        with html.Div(v_if="running !== 'segment'"):
            warning_list("doubts")
            with html.Div(v_if="has_probability"):
                slider(tr("Threshold"), "threshold", 0.05, 0.95, 0.01, "")
        with html.Div(v_if="has_tumor && running !== 'segment'"):
            _found(actions)
            main_button(
                said(either("doubts_new", tr("I have looked, it fits: navigate"), tr("It fits: navigate"))),
                "mdi-navigation-variant", actions.go_navigate, id="go-navigate", classes="mb-3",
                **bound_to(described.NAVIGATE),
            )  # fmt: skip
        with html.Div(v_if="running !== 'segment'"):
            main_button(
                said(either("has_tumor", tr("Find it anew"), described.FIND.label)), "mdi-auto-fix", actions.segment,
                id="segment", variant=("has_tumor ? 'tonal' : 'flat'",), height=("has_tumor ? 44 : 60",),
                **bound_to(described.FIND),
            )  # fmt: skip
            html.Div("{{ engine_text }}", classes="quiet mt-1", id="engine")
        with html.Div(v_if="has_box && running !== 'segment'", classes="mt-2"):
            with html.Div(v_if="placing === 'seed'", classes="call"):
                vuetify.VIcon("mdi-cursor-default-click-outline")
                html.Span(tr("Click inside the tumor in one of the three slices."))
            side_button(
                described.GROW.label, "mdi-target", actions.place_seed, id="place-seed", v_if="placing !== 'seed'",
                **bound_to(described.GROW),
            )  # fmt: skip
        with vuetify.VExpansionPanels(variant="accordion", classes="mt-2", flat=True):
            with vuetify.VExpansionPanel(title=tr("Advanced")):
                with vuetify.VExpansionPanelText():
                    _choice(tr("Model"), "model", "models")
                    _choice(tr("Computed on"), "device", "['auto', 'cpu', 'cuda']", classes="mt-3")


def _found(actions: Actions) -> None:
    """What was found, and what a person can do about it."""
    html.Div("{{ tumor_text }}", classes="figure mb-1", id="tumor")
    html.Div("{{ clock_text }}", classes="quiet mb-2", id="clock")
    with html.Div(classes="tools"):
        _tool_button(actions, "paint", "mdi-brush", tr("Add"))
        _tool_button(actions, "erase", "mdi-eraser", tr("Remove"))
        _history_button(actions.undo, "undo", tr("Undo"))
        _history_button(actions.redo, "redo", tr("Redo"))
    with html.Div(v_if="tool"):
        slider(tr("Brush"), "brush_mm", 1, 20, 0.5, "mm")
    side_button(
        described.DISCARD.label, "mdi-undo-variant", actions.discard_corrections, id="discard", classes="mt-2",
        v_if="actions.discard.why_not === ''", **bound_to(described.DISCARD),
    )  # fmt: skip


def _choice(label: str, name: str, items: str, **options: Any) -> None:
    vuetify.VSelect(
        v_model=(name,), items=(items,), label=label, variant="outlined", density="compact", hide_details=True,
        **options,
    )  # fmt: skip


def _history_button(action: Click, name: str, text: str) -> None:
    vuetify.VBtn(
        icon=f"mdi-{name}", click=action, id=name, variant="tonal", rounded="lg", disabled=(f"!can_{name}",),
        title=text, raw_attrs=named(text),
    )  # fmt: skip


def _tool_button(actions: Actions, tool: str, icon: str, text: str) -> None:
    vuetify.VBtn(
        text, prepend_icon=icon, id=tool, click=(actions.choose_tool, f"['{tool}', brush_mm]"), height=48,
        color=(f"tool === '{tool}' ? 'primary' : undefined",), variant=(f"tool === '{tool}' ? 'flat' : 'tonal'",),
        raw_attrs=[f":aria-pressed=\"tool === '{tool}'\""], **bound_to(described.CORRECT),
    )  # fmt: skip


def navigate_panel(actions: Actions) -> None:
    """The distance of each tool, large, with its course over time."""
    with step("navigate", 5, tr("Navigate")):
        html.P(tr("The tumor first: then its distance to every tool is shown here."), v_if="!can_navigate")
        with html.Div(v_if="has_tumor && doubts_new"):
            warning_list("doubts")
            side_button(
                described.ACKNOWLEDGE.label, "mdi-check", actions.go_navigate, classes="mb-3", id="looked",
                **bound_to(described.ACKNOWLEDGE),
            )  # fmt: skip
        with html.Div(v_if="can_navigate"):
            html.P(tr("No tool is tracked yet."), v_if="tools.length === 0", classes="quiet")
            with each_tool():
                html.Div(
                    tr("{tool} to {tumor}", tool="{{ tool_shown.name }}", tumor="{{ tool_shown.tumor }}"),
                    classes="tool-name",
                )
                html.Div("{{ tool_shown.distance }}", classes=("`distance is-${tool_shown.own_kind}`",))
                html.Div(
                    "{{ tool_shown.error }}", classes="distance-error", v_if="tool_shown.error",
                    title=("tool_shown.explanation",),
                )  # fmt: skip
                html.Div("{{ tool_shown.text }}", classes="tool-text")
                other_tumor()
            html.Div(tr("Distance over the last 30 s; the dashed line is the margin"), classes="label mt-2")
            chart(
                "distance_curves", "{{ distance_top }} mm",
                '<rect class="inside" x="0" width="300" :y="zero_line" :height="Math.max(0, 100 - zero_line)"></rect>'
                '<line class="margin" x1="0" x2="300" :y1="margin_line" :y2="margin_line"></line>',
                height=96,
            )  # fmt: skip
            html.Div(classes="mb-3")
            outline_switch(actions)
            slider(described.MARGIN.label, "margin_mm", 0, 20, 1, "mm", title=described.MARGIN.help)
            _publish_switch(actions)


def _publish_switch(actions: Actions) -> None:
    """Tumor and distances for other programs: at which port, on or off, and who listens."""
    with html.Div(classes="d-flex align-center mt-3", style="gap: 8px"):
        vuetify.VTextField(
            v_model=("publish_port",), label=tr("Port"), id="publish-port", style="max-width:110px", variant="outlined",
            density="compact", hide_details=True, disabled=("publish_text !== ''",),
        )  # fmt: skip
        side_button(
            described.PUBLISH.label, "mdi-access-point", (actions.publish, "[String(publish_port || '')]"),
            id="publish", v_if="publish_text === ''", style="flex: 1", block=False, **bound_to(described.PUBLISH),
        )  # fmt: skip
        side_button(
            described.STOP_PUBLISHING.label, "mdi-access-point-off", actions.stop_publishing, id="stop-publishing",
            v_if="publish_text !== ''", style="flex: 1", block=False, **bound_to(described.STOP_PUBLISHING),
        )  # fmt: skip
    html.Div("{{ publish_text }}", classes="quiet mt-1", v_if="publish_text", id="publish-text")

"""Within Calibrate: which tools are looked for, and how each is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ....session import actions as described
from ....words import tr
from ..widgets import bound_to, named, side_button

if TYPE_CHECKING:
    from ...actions.tool_actions import ToolActions

_FIELD = {"variant": "outlined", "density": "compact", "hide_details": True}


def tools_panel(tools: ToolActions) -> None:
    """A line for each tool, and a field for another one."""
    with html.Div(id="tool-setups", classes="mb-3"):
        html.Div(tr("Tools"), classes="label")
        with html.Div(v_for="one in tool_setups", key="one.name", classes="tool-setup", id=("`tool-${one.name}`",)):
            _line(tools)
        html.P(tr("No tool has come yet."), v_if="!tool_setups.length", classes="quiet")
        vuetify.VCombobox(
            v_model=("tool_name",), items=("other_tools",), label=tr("Another tool, as PLUS calls it"), id="tool-name",
            maxlength=40, classes="mt-3", **_FIELD,
        )  # fmt: skip
        side_button(
            described.FOLLOW_TOOL.label, "mdi-plus", (tools.follow, "[tool_name || '']"), id="follow-tool",
            classes="mt-2", **bound_to(described.FOLLOW_TOOL, unless="!tool_name"),
        )  # fmt: skip


def _line(tools: ToolActions) -> None:
    html.Input(
        type="color", value=("one.color",), change=(tools.set_look, "[one.name, one.shape, $event.target.value]"),
        raw_attrs=[':aria-label="`' + tr("Color of {tool}", tool="${one.name}") + '`"'],
        **bound_to(described.SET_TOOL_LOOK),
    )  # fmt: skip
    with html.Div(classes="tool-setup-text"):
        html.Div("{{ one.name }}")
        html.Div("{{ one.tip }}", classes="quiet")
        vuetify.VSelect(
            model_value=("one.shape",), items=("tool_shapes",), label=tr("Shape"), classes="mt-3",
            update_modelValue=(tools.set_look, "[one.name, $event, one.color]"), **_FIELD,
        )  # fmt: skip
    vuetify.VBtn(
        icon="mdi-close", click=(tools.unfollow, "[one.name]"), variant="text", size="small", v_if="one.added",
        id=("`unfollow-${one.name}`",), raw_attrs=named(described.UNFOLLOW_TOOL.label),
        **bound_to(described.UNFOLLOW_TOOL),
    )  # fmt: skip

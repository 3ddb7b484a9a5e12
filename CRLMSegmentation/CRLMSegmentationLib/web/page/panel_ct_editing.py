"""Within the section of the CT: a planned cut and what it would leave, and corrections by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...preoperative.corrections import LEAST_RADIUS_MM
from ...session import actions as described
from ...session.preoperative.remnant_plan import MOST_OFFSET_MM, MOST_TILT_DEG, MOST_TURN_DEG
from ...words import tr
from .widgets import bound_to, side_button, slider

if TYPE_CHECKING:
    from ..actions.ct_editing import CtEditing

_LARGEST_BRUSH_MM = 30.0


def remnant_panel(editing: CtEditing) -> None:
    """Draw a plane, move it, and read what stays."""
    html.P(
        tr("Click in a slice where the liver would be cut, and draw the plane there. What would go is darker."),
        classes="quiet",
    )
    side_button(
        described.DRAW_PLANE.label, "mdi-slash-forward", editing.draw_plane, id="ct-draw-plane", classes="mt-2",
        **bound_to(described.DRAW_PLANE),
    )  # fmt: skip
    with html.Div(v_if="ct_remnant.length", id="ct-remnant", classes="mt-3"):
        html.P("{{ line }}", v_for="line in ct_remnant", key="line", classes="mb-1")
        html.P(f"{described.DRAG_PLANE.help}.", classes="quiet mt-2")
        slider(
            tr("Turn"), "ct_plane_turn", -MOST_TURN_DEG, MOST_TURN_DEG, 1, "°",
            title=tr("0: the left part stays, 90: the front, 180: the right part"),
        )  # fmt: skip
        slider(tr("Tilt"), "ct_plane_tilt", -MOST_TILT_DEG, MOST_TILT_DEG, 1, "°", title=tr("90: the upper part stays"))
        slider(
            tr("Shift"), "ct_plane_offset", -MOST_OFFSET_MM, MOST_OFFSET_MM, 1, "mm",
            title=tr("Toward what stays: less of it stays"),
        )  # fmt: skip
        side_button(
            tr("The other side stays"), "mdi-swap-horizontal", editing.turn_around, id="ct-turn-around", classes="mt-2",
            **bound_to(described.MOVE_PLANE),
        )  # fmt: skip
        side_button(
            described.REMOVE_PLANE.label, "mdi-close", editing.remove_plane, id="ct-remove-plane", classes="mt-2",
            **bound_to(described.REMOVE_PLANE),
        )  # fmt: skip
        html.P(
            tr("A resection follows vessels, not a plane: this is a first estimate."),
            classes="quiet mt-2",
        )


def correction_panel(editing: CtEditing) -> None:
    """Remove a lesion, draw and erase, undo."""
    html.P(tr("What the network found stays in its own folder; what you correct is kept beside it."), classes="quiet")
    side_button(
        tr("This is no tumor: lesion {{ row[0] }}, {{ row[2] }}"), "mdi-eraser",
        (editing.remove_lesion, "[Number(row[0])]"), v_for="row in ct_lesions", key="row[0]",
        id=("`ct-remove-${row[0]}`",), classes="mt-2", **bound_to(described.REMOVE_LESION),
    )  # fmt: skip
    vuetify.VSelect(
        v_model=("ct_brush",), items=("ct_brushes",), label=tr("Draw or erase, at the place that you look at"),
        id="ct-brush", classes="mt-3", variant="outlined", density="compact", hide_details=True,
    )  # fmt: skip
    slider(tr("Radius of the ball"), "ct_brush_mm", LEAST_RADIUS_MM, _LARGEST_BRUSH_MM, 1, "mm")
    for name, text, icon, click in (
        ("draw", tr("Draw"), "mdi-brush", editing.draw), ("erase", tr("Erase"), "mdi-eraser-variant", editing.erase),
    ):  # fmt: skip
        side_button(
            text, icon, (click, "[ct_brush, ct_brush_mm]"), id=f"ct-ball-{name}", classes="mt-2",
            **bound_to(described.CORRECT_BALL),
        )  # fmt: skip
    side_button(
        described.UNDO_CORRECTION.label, "mdi-undo", editing.undo, id="ct-undo", classes="mt-2",
        **bound_to(described.UNDO_CORRECTION),
    )  # fmt: skip

"""Below the steps: which key does what, and what a foot switch may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...session.hands_free.shortcuts import BY_NAME
from ...words import tr
from .widgets import Click, bound_to, side_button

if TYPE_CHECKING:
    from ..actions.hands_free_actions import HandsFreeActions


def hands_free_panel(hands_free: HandsFreeActions) -> None:
    """Closed until somebody asks for it; the keys work all the same."""
    with vuetify.VExpansionPanels(variant="accordion", classes="mt-2", flat=True, id="hands-free"):
        with vuetify.VExpansionPanel(title=tr("Keys and foot switch")):
            with vuetify.VExpansionPanelText():
                _line("F2", described.RECORD, (hands_free.press, "['F2']"), v_if="!recording")
                _line("F2", described.STOP, (hands_free.press, "['F2']"), v_if="recording")
                _line("F4", described.NEXT_STEP, (hands_free.press, "['F4']"))
                _line("F8", described.NEXT_TUMOR, (hands_free.press, "['F8']"))
                _line("F9", described.FULL_SCREEN, "utils.crlm.switchFullScreen()")
                html.P(
                    tr(
                        "A foot switch that types keys sends these. One on the network asks by name, in a "
                        "COMMAND or a STRING called Action: {by_name}.",
                        by_name=", ".join(BY_NAME),
                    ),
                    classes="mt-2",
                )
                html.Div(
                    tr("Last: {{ hands_free_text }}"), classes="quiet", v_if="hands_free_text", id="hands-free-text"
                )


def _line(key: str, action: described.Action, click: Click, **options: Any) -> None:
    with html.Div(classes="key-line", **options):
        html.Span(key, classes="key")
        side_button(action.label, "mdi-keyboard-outline", click, style="flex: 1", block=False, **bound_to(action))

"""The few controls laid over a view: fit it, and a slider through the volume under a slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui.slider import Slider
from trame_slicer.views import AbstractView, SliceView

from ...words import tr
from ..views.views import SLICES
from .widgets import named

if TYPE_CHECKING:
    from trame_server.core import Server


def view_controls(
    live: str, fit: Callable[[AbstractView], None], slider_names: list[str]
) -> Callable[[Server, str, AbstractView], None]:
    """A function for the view factories.

    live          id of the view that follows the live image and needs no controls
    fit(view)     called by the button
    slider_names  filled with the names of the state behind the sliders
    """

    def populate(server: Server, view_id: str, view: AbstractView) -> None:
        if view_id == live:
            return
        with html.Div(classes="view-buttons"):
            vuetify.VBtn(
                icon="mdi-fit-to-screen-outline", variant="text", size="small", click=lambda: fit(view),
                title=tr("Show all of it"), raw_attrs=named(tr("Show all of it")),
            )  # fmt: skip
        if isinstance(view, SliceView):
            slider = connect_slice_view_slider_to_state(server, view)
            slider_names.append(slider.name.value)
            with html.Div(classes="view-slider", v_if="has_picture"):
                Slider(
                    typed_state=slider, density="compact", color="white",
                    raw_attrs=named(tr(
                        "Through the volume, {number} of {count}",
                        number=list(SLICES).index(view_id) + 1, count=len(SLICES),
                    )),
                )  # fmt: skip

    return populate

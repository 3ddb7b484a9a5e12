"""The few controls laid over a view: fit it, and a slider through the volume under a slice."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui.slider import Slider
from trame_slicer.views import SliceView


def view_controls(live: str, fit, slider_names: list[str]):
    """A function for the view factories.

    live          id of the view that follows the live image and needs no controls
    fit(view)     called by the button
    slider_names  filled with the names of the state behind the sliders
    """

    def populate(server, view_id: str, view) -> None:
        if view_id == live:
            return
        with html.Div(classes="view-buttons"):
            vuetify.VBtn(
                icon="mdi-fit-to-screen-outline", variant="text", size="small", click=lambda: fit(view),
                title="Show all of it", aria_label="Show all of it",
            )  # fmt: skip
        if isinstance(view, SliceView):
            slider = connect_slice_view_slider_to_state(server, view)
            slider_names.append(slider.name.value)
            with html.Div(classes="view-slider", v_if="has_picture"):
                Slider(typed_state=slider, density="compact", color="white")

    return populate

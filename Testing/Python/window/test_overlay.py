"""What is drawn over a view lies in front of all that the view shows, and is as large as the view."""

from types import SimpleNamespace

import pytest


def view_of(*renderers):
    """A view with renderers (name, layer, whether it takes interaction)."""
    made = [
        SimpleNamespace(name=name, GetLayer=lambda layer=layer: layer, GetInteractive=lambda takes=takes: takes)
        for name, layer, takes in renderers
    ]
    found = SimpleNamespace(GetNumberOfItems=lambda: len(made), GetItemAsObject=lambda number: made[number])
    return SimpleNamespace(renderWindow=lambda: SimpleNamespace(GetRenderers=lambda: found))


@pytest.mark.parametrize(
    ("renderers", "expected"),
    [
        ([("image", 0, True), ("over it", 1, True)], "over it"),
        ([("scene", 0, True), ("marker", 2, False)], "scene"),
        ([("marker", 2, False), ("image", 0, True), ("over it", 1, True)], "over it"),
    ],
)
def test_a_read_out_is_not_drawn_in_the_corner_of_the_orientation_marker(window_module, renderers, expected):
    assert window_module("view.overlay").topmost_renderer(view_of(*renderers)).name == expected


def test_a_view_without_renderers_has_no_place_to_draw(window_module):
    assert window_module("view.overlay").topmost_renderer(view_of()) is None

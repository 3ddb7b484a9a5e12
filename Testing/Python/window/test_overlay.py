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


def test_lines_that_are_long_for_a_view_are_written_smaller(window_module):
    letters_px = window_module("view.view_readout").letters_px
    lines = "± at least 1.8 mm, 0.1 s ago\nStylus: clear of the margin"
    assert letters_px(lines, 800) == 15
    # Beside the live image and the panel at 1280 x 720, also with longer words.
    assert letters_px(lines, 394) == 15
    assert letters_px(lines + "\nits path meets the image 12 mm from here", 394) < 15
    assert letters_px("x" * 300, 394) == letters_px(lines, 40) == 11
    assert letters_px("", 394) == 15

"""What a screen reader says of the page's controls that show a sign or a bar alone."""

import pytest

pytest.importorskip("trame_vuetify", reason="no trame-vuetify: the page was not tested")

from CRLMSegmentationLib.web.page.widgets import slider


def test_a_slider_has_its_name():
    from trame.app import get_server
    from trame.ui.html import DivLayout

    server = get_server("names of controls", client_type="vue3")
    with DivLayout(server) as layout:
        slider("Brush", "brush_mm", 1, 20, 0.5, "mm")
    assert 'aria-label="Brush"' in layout.html

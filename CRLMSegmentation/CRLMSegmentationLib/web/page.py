"""The layout of the page: bar above, steps left, views right. Nothing here knows the session."""

from __future__ import annotations

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as vuetify

from .panels_start import connect_panel, record_panel
from .panels_tumor import box_panel, navigate_panel, segment_panel
from .views import LIVE, SLICES, THREE_D
from .widgets import each_tool

TITLE = "CRLM Navigation"
_THEME = {
    "theme": {
        "defaultTheme": "crlm",
        "themes": {
            "crlm": {
                "dark": True,
                "colors": {
                    "background": "#0d1218",
                    "surface": "#161e27",
                    "primary": "#2f9bd8",
                    "error": "#e5484d",
                    "warning": "#f5a524",
                    "success": "#3fb86b",
                },
            }
        },
    }
}


class Page(VAppLayout):
    """The whole page; actions: what its buttons call, see actions.py."""

    def __init__(self, server, actions):
        super().__init__(server, vuetify_config=_THEME)
        with self:
            _bar()
            with html.Main(classes="page"):
                with html.Div(classes="steps"):
                    connect_panel(actions)
                    record_panel(actions)
                    box_panel(actions)
                    segment_panel(actions)
                    navigate_panel(actions)
                _views()
            _sentences()


def _bar() -> None:
    with html.Header(classes="bar"):
        html.Div(TITLE, classes="title")
        html.Div("For research. Not a medical device.", classes="chip")
        html.Div("{{ data_kind }}", v_if="data_kind", classes="chip is-data", id="data-kind")
        vuetify.VSpacer()
        with html.Div(v_if="connected", classes=("`stream ${frames_per_second > 0 ? 'is-live' : 'is-silent'}`",)):
            html.Span(classes="dot")
            html.Span(
                "{{ frames_per_second > 0 ? frames_per_second.toFixed(0) + ' frames/s' : 'no frames' }}", id="rate"
            )
        vuetify.VBtn(
            "Save and download", prepend_icon="mdi-download", id="save", variant="tonal", height=40,
            click="utils.crlm.saveCase()", disabled=("!has_anything || saving",), loading=("saving",),
        )  # fmt: skip


def _views() -> None:
    shape = "`views ${open_step === 'navigate' ? 'is-navigating' : ''} ${placing ? 'is-placing' : ''}`"
    with html.Div(classes=(shape,)):
        with html.Div(classes=("`view view-live ${frames_per_second > 0 ? '' : 'is-silent'}`",)):
            client.ServerTemplate(name=LIVE)
            html.Div("Live ultrasound", classes="view-title")
            html.Div(
                "{{ connected ? 'No image comes' : 'No live image' }}", classes="view-empty",
                v_if="frames_per_second === 0",
            )  # fmt: skip
        with html.Div(classes="view view-3d"):
            client.ServerTemplate(name=THREE_D)
            html.Div("In space", classes="view-title")
            with html.Div(classes="read-out", v_if="has_tumor && tools.length"):
                with each_tool():
                    html.Div("{{ tool_shown.distance }}", classes="distance")
                    html.Div("{{ tool_shown.name }} to tumor · {{ tool_shown.text }}", classes="tool-text")
        for number, tag in enumerate(SLICES):
            with html.Div(classes=f"view view-slice view-{tag.lower()}"):
                client.ServerTemplate(name=tag)
                html.Div(f"{{{{ slice_titles[{number}] }}}}", classes="view-title")
                html.Div("The volume appears here", classes="view-empty", v_if="!has_picture")


def _sentences() -> None:
    """Errors stay until they are closed, notes go by themselves."""
    with vuetify.VSnackbar(v_model=("error_shown",), timeout=-1, color="error", location="top", id="error"):
        html.Span("{{ error_text }}", id="error-text")
        with vuetify.Template(v_slot_actions=True):
            vuetify.VBtn("Close", variant="text", click="error_shown = false", id="close-error")
    with vuetify.VSnackbar(v_model=("note_shown",), timeout=5000, location="bottom right", id="note"):
        html.Span("{{ note_text }}", id="note-text")

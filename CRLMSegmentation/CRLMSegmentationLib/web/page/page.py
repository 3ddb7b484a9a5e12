"""The layout of the page: bar above, steps left, views right. Nothing here knows the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...words import language, mark, tr
from ..views.views import LIVE, SLICES, THREE_D
from .ct_views import ct_views
from .panel_calibrate import calibrate_panel
from .panel_ct import ct_panel
from .panel_hands_free import hands_free_panel
from .panels_start import connect_panel, record_panel
from .panels_tumor import box_panel, navigate_panel, segment_panel
from .scope.panel_scope import scope_panel, scope_view
from .tumor_list import tumor_list
from .widgets import bound_to, each_tool, named, other_tumor, quoted, role, said, tool_text

if TYPE_CHECKING:
    from trame_server.core import Server

    from ..actions.calibration_actions import CalibrationActions
    from ..actions.case_actions import CaseActions
    from ..actions.ct_actions import CtActions
    from ..actions.hands_free_actions import HandsFreeActions
    from ..actions.scope_actions import ScopeActions
    from ..actions.source_actions import SourceActions
    from ..actions.tool_actions import ToolActions
    from ..actions.workflow_actions import Actions

TITLE = "CRLM Navigation"
# What a screen reader calls the picture of a view.
_PICTURES = {
    LIVE: mark("Live ultrasound image"), THREE_D: mark("Tumor, tools and image in space"),
}  # fmt: skip
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


def _vuetify() -> dict[str, Any]:
    """The look of Vuetify's widgets, and the few words that they say by themselves."""
    words = {"open": tr("Open"), "close": tr("Close"), "noDataText": tr("Nothing to choose from")}
    return {**_THEME, "locale": {"locale": language(), "fallback": "en", "messages": {language(): words}}}


class Page(VAppLayout):  # type: ignore[misc]  # trame has no types
    """The whole page; source, actions, cases, ... tools: what its buttons call, see web/actions."""

    def __init__(
        self, server: Server, source: SourceActions, actions: Actions, cases: CaseActions,
        calibrating: CalibrationActions, ct: CtActions, scope: ScopeActions,
        hands_free: HandsFreeActions, tools: ToolActions,
    ) -> None:  # fmt: skip
        super().__init__(server, vuetify_config=_vuetify())
        with self:
            _bar(cases)
            with html.Main(classes="page"):
                with html.Div(classes="steps"):
                    html.Section("{{ fault }}", v_if="fault", classes="fault", id="fault", raw_attrs=role("alert"))
                    _same_patient(cases)
                    tumor_list(actions)
                    connect_panel(source)
                    record_panel(actions)
                    box_panel(actions)
                    segment_panel(actions)
                    navigate_panel(actions)
                    calibrate_panel(calibrating, tools)
                    ct_panel(ct)
                    scope_panel(scope)
                    hands_free_panel(hands_free)
                with html.Div(classes="right"):
                    _views()
                    ct_views(ct)
                    scope_view()
            _sentences()
            _question(cases)
            _saved_cases(cases)


def _bar(cases: CaseActions) -> None:
    with html.Header(classes="bar"):
        html.H1(TITLE, classes="title")
        html.Div(tr("For research. Not a medical device."), classes="chip is-whole")
        html.Div(
            "{{ origin_text }}", v_if="origin_text", classes=("`chip is-whole is-origin ${is_real ? 'is-real' : ''}`",),
            id="origin",
        )  # fmt: skip
        html.Div("{{ data_kind }}", v_if="data_kind && data_kind !== origin_text", classes="chip", id="data-kind")
        vuetify.VSpacer()
        vuetify.VBtn(
            icon="mdi-volume-high", click="utils.crlm.switchSound()", id="sound", variant="text", height=40, width=40,
            title=tr("Warning sound within the margin"),
            raw_attrs=[*named(tr("Warning sound")), 'aria-pressed="false"'],
        )  # fmt: skip
        with html.Div(v_if="connected", classes=("`stream ${frames_per_second > 0 ? 'is-live' : 'is-silent'}`",)):
            html.Span(classes="dot")
            html.Span(
                said(
                    "frames_per_second > 0 ? frames_per_second.toFixed(0) + "
                    + quoted(tr(" frames/s")) + " : " + quoted(tr("no frames"))
                ), id="rate",
            )  # fmt: skip
        # Each tab for itself: the one on the second monitor fills it, the other one keeps the panel.
        vuetify.VBtn(
            icon="mdi-fullscreen", click="utils.crlm.switchFullScreen()", id="full-screen", variant="text", height=40,
            width=40, raw_attrs=[*named(described.FULL_SCREEN.label), 'aria-pressed="false"'],
            **bound_to(described.FULL_SCREEN),
        )  # fmt: skip
        _bar_button(described.NEW_CASE, cases.new_case, "new-case")
        _bar_button(described.OPEN_CASE, cases.show_cases, "open-case")
        html.Div(
            "{{ saved_text }}",
            v_if="saved_text",
            classes="chip is-whole is-saved",
            id="saved-text",
            raw_attrs=role("status"),
        )
        vuetify.VBtn(
            described.SAVE.label, prepend_icon="mdi-download", id="save", variant="tonal", height=40,
            click="utils.crlm.saveCase()", loading=("saving",),
            **bound_to(described.SAVE, unless="saving"),
        )  # fmt: skip


def _bar_button(action: described.Action, click: Callable[..., Awaitable[None]], name: str) -> None:
    vuetify.VBtn(
        action.label, click=click, id=name, variant="text", height=40, classes="bar-button", **bound_to(action)
    )


def _same_patient(cases: CaseActions) -> None:
    """Asked while case and images come from different sources; nothing of the case is shown meanwhile."""
    with html.Section(v_if="question", classes="same-patient", id="same-patient", raw_attrs=role("alert")):
        html.Div(tr("Same patient?"), classes="step-title")
        html.P("{{ question }}", id="question")
        html.P(tr("Tumor, box and distances are hidden until you answer."), classes="quiet")
        vuetify.VBtn(tr("Yes, the same patient"), click=cases.keep_case, id="keep-case", color="primary", block=True,
                     height=48, flat=True, classes="mb-2", **bound_to(described.KEEP_CASE))  # fmt: skip
        vuetify.VBtn(tr("No, begin a new case"), click=cases.new_case, id="other-patient", variant="outlined",
                     block=True, height=48, **bound_to(described.NEW_CASE))  # fmt: skip


def _question(cases: CaseActions) -> None:
    """Before something is lost."""
    with html.Div(
        v_if="asked.text", classes="ask", id="asked", raw_attrs=[*role("alertdialog"), 'aria-labelledby="asked-text"']
    ):
        with html.Div(classes="ask-card"):
            html.P("{{ asked.text }}", id="asked-text")
            with html.Div(v_for="choice in asked.choices", key="choice.name"):
                vuetify.VBtn(
                    "{{ choice.title }}", click=(cases.answer, "[choice.name]"), id=("choice.name",), block=True,
                    height=48, classes="mb-2", variant=("choice.color ? 'flat' : 'outlined'",),
                    color=("choice.color || undefined",),
                )  # fmt: skip


def _saved_cases(cases: CaseActions) -> None:
    with html.Div(
        v_if="choosing_case",
        classes="ask",
        id="saved-cases",
        raw_attrs=[*role("dialog"), 'aria-labelledby="saved-cases-title"'],
    ):
        with html.Div(classes="ask-card"):
            html.Div(tr("Open a saved case"), classes="step-title mb-3", id="saved-cases-title")
            html.P(tr("No case was saved in this page's folder yet."), v_if="cases.length === 0")
            with html.Div(classes="case-list"):
                with html.Button(v_for="one in cases", key="one.value", classes="case-line",
                                 click=(cases.open_case, "[one.value]")):  # fmt: skip
                    html.Span("{{ one.title }}")
                    html.Span("{{ one.date }}", classes="quiet")
            vuetify.VBtn(tr("Close"), click="choosing_case = false", id="close-cases", variant="outlined", block=True,
                         height=44, classes="mt-3")  # fmt: skip


def _views() -> None:
    covered = "['ct', 'scope'].includes(open_step) && placing !== 'landmark' ? 'is-covered' : ''"
    shape = f"`views ${{open_step === 'navigate' ? 'is-navigating' : {covered}}} ${{placing ? 'is-placing' : ''}}`"
    with html.Div(classes=(shape,)):
        with html.Div(classes=("`view view-live ${live_hidden ? 'is-silent' : ''}`",), **_name_of_view(LIVE)):
            client.ServerTemplate(name=LIVE)
            html.Div("{{ live_title }}", classes="view-title")
            html.Div("{{ live_text }}", classes="view-empty", v_if="live_text && live_hidden", id="no-image")
            html.Div("{{ live_text }}", classes="view-banner", v_if="live_text && !live_hidden", id="not-placed")
            _frame()
            with html.Div(classes="read-out is-small", v_if="can_navigate && tools.length", id="live-read-out"):
                with each_tool():
                    _short_reading()
        with html.Div(classes="view view-3d", **_name_of_view(THREE_D)):
            client.ServerTemplate(name=THREE_D)
            html.Div(tr("In space"), classes="view-title")
            html.Div(
                tr("CT. {{ ct_registration }}"), classes="view-ct", v_if="ct_registered && !question", id="ct-in-space"
            )
            with html.Div(classes="read-out", v_if="can_navigate && tools.length"):
                with each_tool():
                    html.Div("{{ tool_shown.distance }}", classes=("`distance is-${tool_shown.own_kind}`",))
                    html.Div(
                        "{{ tool_shown.short_error }}{{ tool_shown.age ? ' · ' + tool_shown.age : '' }}",
                        classes="distance-error", v_if="tool_shown.short_error", title=("tool_shown.explanation",),
                    )  # fmt: skip
                    html.Div(tool_text(), classes="tool-text")
                    other_tumor()
            _frame()
        for number, tag in enumerate(SLICES):
            with html.Div(classes=f"view view-slice view-{tag.lower()}", **_name_of_view(tag)):
                client.ServerTemplate(name=tag)
                html.Div(f"{{{{ slice_titles[{number}] }}}}", classes="view-title")
                html.Div(tr("The volume appears here"), classes="view-empty", v_if="!has_picture")
        _pinned()


def _name_of_view(name: str) -> dict[str, list[str]]:
    """By which a tab says whether it is seen, and what its picture is called (assets/page.js)."""
    return {"raw_attrs": [f'data-view="{name}"', f'data-alt="{_picture(name)}"']}


def _picture(name: str) -> str:
    if name in _PICTURES:
        return tr(_PICTURES[name])
    return tr("Slice of the volume, {number} of {count}", number=list(SLICES).index(name) + 1, count=len(SLICES))


def _pinned() -> None:
    """Below the views while they fill the screen: the distances large, and what is asked or warned of."""
    with html.Div(classes="pinned", id="pinned"):
        html.Div("{{ fault || question }}", classes="pinned-note", v_if="fault || question", raw_attrs=role("alert"))
        html.Div(tr("Recording: {{ recorded_text }}"), classes="pinned-note", v_if="recording")
        html.Div("{{ hands_free_text }}", classes="pinned-text", v_if="hands_free_text")
        html.Div("{{ outline_warnings[0] }}", classes="pinned-note", v_if="outline_warnings.length")
        with html.Div(classes="pinned-tools", v_if="can_navigate && tools.length"):
            with each_tool():
                html.Div("{{ tool_shown.distance }}", classes=("`distance is-${tool_shown.own_kind}`",))
                with html.Div(classes="pinned-text"):
                    html.Div(tool_text(),
                             classes="tool-text")  # fmt: skip
                    html.Div(
                        "{{ tool_shown.error }}{{ tool_shown.age ? ' · ' + tool_shown.age : '' }}",
                        classes="distance-error", v_if="tool_shown.error",
                    )  # fmt: skip
                    other_tumor()


def _frame() -> None:
    """Around a view, in the color of the worst that is known of any tool."""
    html.Div(classes=("`view-frame is-${can_navigate ? alarm : ''}`",))


def _short_reading() -> None:
    """In the live image, where there is little room, and what is looked at: where the tool stands against it, too."""
    html.Span("{{ tool_shown.distance }}", classes=("`distance is-${tool_shown.own_kind}`",))
    html.Span(
        "{{ tool_shown.short_error }}{{ tool_shown.age ? ' · ' + tool_shown.age : '' }}", classes="distance-error",
        v_if="tool_shown.short_error",
    )  # fmt: skip
    html.Div(tool_text(), classes="tool-text")
    html.Div("{{ tool_shown.in_image }}", classes="tool-text", v_if="tool_shown.in_image")


def _sentences() -> None:
    """Errors stay until they are closed, notes go by themselves.

    The program counts them, a tab says which it has closed: with one value that both set, an error that came while the
    one before it was being closed stayed unseen.
    """
    with vuetify.VSnackbar(
        model_value=("errors !== errors_closed",), update_modelValue="errors_closed = errors",
        timeout=-1, color="error", location="top", id="error",
    ):  # fmt: skip
        html.Span("{{ error_text }}", id="error-text")
        with vuetify.Template(v_slot_actions=True):
            vuetify.VBtn(tr("Close"), variant="text", click="errors_closed = errors", id="close-error")
    with vuetify.VSnackbar(
        model_value=("notes !== notes_closed",), update_modelValue="notes_closed = notes",
        timeout=5000, location="bottom right", id="note",
    ):  # fmt: skip
        html.Span("{{ note_text }}", id="note-text")

"""Beside the steps: the CT before the operation, opened, segmented, measured, followed over time, registered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...session.preoperative.figures import LESION_COLUMNS, NONE_FOUND
from ...words import tr
from .panel_ct_editing import correction_panel, remnant_panel
from .widgets import bound_to, either, main_button, progress_bar, said, side_button, side_section, warning_list

if TYPE_CHECKING:
    from ..actions.ct_actions import CtActions

_FIELD = {"variant": "outlined", "density": "compact", "hide_details": True}
_IS_VOLUME = "/[.](nrrd|nhdr|nii|nii[.]gz|mha|mhd)$/i.test(ct_path.trim())"
# The place is said by the tooltip of a row: the panel is narrow.
_COLUMNS = LESION_COLUMNS[:-1]


def ct_panel(ct: CtActions) -> None:
    """The whole section."""
    kind = "ct_problem ? 'failed' : ct_busy ? 'running' : ct_has_result ? 'done' : ''"
    icon = "mdi-radiology-box-outline"
    with side_section("ct", tr("CT before the operation"), icon, "ct_line", kind, "ct_busy", block="start"):
        with html.Div(v_if="ct_problem", classes="warning-line mb-3", id="ct-problem"):
            vuetify.VIcon("mdi-alert-outline", size="small")
            html.Span("{{ ct_problem }}")
        _working(ct)
        with html.Div(v_if="!ct_busy"):
            _series(ct)
            _segment(ct)
            _found(ct)
            _further(ct)


def _working(ct: CtActions) -> None:
    with html.Div(v_if="ct_busy"):
        html.Div("{{ ct_progress_text }}", classes="label", id="ct-progress-text")
        progress_bar("ct_progress", id="ct-progress", classes="mb-3")
        main_button(
            described.CANCEL_CT.label, "mdi-close", ct.cancel, id="ct-cancel", variant="outlined",
            **bound_to(described.CANCEL_CT),
        )  # fmt: skip


def _series(ct: CtActions) -> None:
    """What a DICOM folder holds, each with a picture."""
    with html.Div(v_if="ct_choosing", id="ct-series"):
        html.Div(tr("Which series? Usually the portal venous phase with thin slices."), classes="label")
        with html.Button(
            v_for="one in ct_series", key="one.number", classes=("`series ${one.is_ct ? '' : 'is-other'}`",),
            click=(ct.choose_series, "[one.number]"), **bound_to(described.CHOOSE_SERIES, unless="!one.is_ct"),
        ):  # fmt: skip
            html.Img(v_if="one.picture", src=("one.picture",), alt="")
            with html.Span(classes="series-text"):
                html.Span("{{ one.title }}", classes="series-title")
                html.Span("{{ one.details }}", classes="quiet")


def _segment(ct: CtActions) -> None:
    """What is open, and how structures come into it."""
    with html.Div(v_if="ct_there && !ct_has_result", classes="mb-3"):
        html.Div("{{ ct_title }}", classes="figure", id="ct-title")
        vuetify.VSelect(
            v_model=("ct_model",), items=("ct_models",), label=tr("Model"), v_if="ct_models.length > 1",
            classes="mb-2", **_FIELD,
        )  # fmt: skip
        main_button(
            described.SEGMENT_CT.label, "mdi-auto-fix", (ct.segment, "[ct_model]"), id="ct-segment",
            **bound_to(described.SEGMENT_CT),
        )  # fmt: skip
        html.P("{{ actions.segment_ct.why_not }}", v_if="actions.segment_ct.why_not", classes="quiet mt-2",
               id="ct-why-not")  # fmt: skip


def _found(ct: CtActions) -> None:
    """The liver, its structures, and the table of lesions."""
    with html.Div(v_if="ct_has_result", id="ct-found"):
        html.Div("{{ ct_title }}", classes="figure")
        html.Div("{{ ct_corrected }}", v_if="ct_corrected", classes="quiet", id="ct-corrected")
        warning_list("ct_doubts")
        with html.Div(v_for="figure in ct_figures", key="figure[0]", classes="figure-row"):
            html.Span("{{ figure[0] }}")
            html.Span("{{ figure[1] }}", classes="value")
        with html.Div(classes="structures", id="ct-structures"):
            with html.Button(
                v_for="one in ct_structures", key="one.name", click=(ct.switch, "[one.name]"),
                id=("`ct-show-${one.name}`",), classes=("`structure ${one.shown ? 'is-shown' : ''}`",),
                raw_attrs=[':aria-pressed="one.shown"'],
                title=(either("one.shown", tr("Hide it in all pictures"), tr("Show it in all pictures")),),
            ):  # fmt: skip
                html.Span(classes="swatch", style=("`background: ${one.color}`",))
                html.Span("{{ one.title }}")
        html.P(tr(NONE_FOUND), v_if="!ct_lesions.length", classes="quiet mt-2")
        with html.Table(v_if="ct_lesions.length", classes="lesions", id="ct-lesions"):
            with html.Thead():
                with html.Tr():
                    for title in _COLUMNS:
                        html.Th(tr(title))
            with html.Tbody():
                with html.Tr(
                    v_for="row in ct_lesions", key="row[0]", click=(ct.go_to_lesion, "[Number(row[0])]"),
                    title=("`" + tr("Look at it: {place} mm", place="${row[5]}") + "`",),
                ):  # fmt: skip
                    with html.Td():
                        # For the keyboard; its press is the row's.
                        html.Button(
                            "{{ row[0] }}",
                            classes="link",
                            raw_attrs=[':aria-label="`' + tr("Look at lesion {number}", number="${row[0]}") + '`"'],
                        )
                    for number in range(1, len(_COLUMNS)):
                        html.Td(f"{{{{ row[{number}] }}}}")
        html.P(
            tr("Diameter: the longest in an axial slice (RECIST). Vessel and surface: the distance to the nearest."),
            v_if="ct_lesions.length", classes="quiet mt-1",
        )  # fmt: skip


def _further(ct: CtActions) -> None:
    with vuetify.VExpansionPanels(
        variant="accordion", classes="mt-2", flat=True, v_model=("ct_part",), multiple=False,
    ):  # fmt: skip
        with _part("open", said(either("ct_there", tr("Open another CT"), tr("Open a CT")))):
            _open(ct)
        with _part("labels", tr("Labels of another program")):
            html.P(
                tr("Of the CT that is open: a label file, or the folder that TotalSegmentator wrote."), classes="quiet"
            )
            _path("ct_labels", tr("Label file or folder on this computer"), "ct-labels")
            side_button(
                described.OPEN_CT_LABELS.label, "mdi-layers-outline", (ct.open_labels, "[ct_labels]"),
                id="ct-open-labels", classes="mt-2", **bound_to(described.OPEN_CT_LABELS),
            )  # fmt: skip
        with _part("follow", tr("Over time"), v_if="ct_results.length > 1 || ct_tracks.length"):
            _follow_up(ct)
        with _part("remnant", tr("What stays after a resection"), v_if="ct_has_result"):
            remnant_panel(ct.editing)
        with _part("correct", tr("Correct by hand"), v_if="ct_has_result"):
            correction_panel(ct.editing)
        with _part("register", tr("Into the operation"), v_if="ct_has_result"):
            _register(ct)
        with _part("export", tr("Export and close"), v_if="ct_there"):
            side_button(
                described.EXPORT_CT.label, "mdi-export", ct.export, id="ct-export", **bound_to(described.EXPORT_CT)
            )
            side_button(
                described.CLOSE_CT.label, "mdi-close", ct.close, id="ct-close", classes="mt-2",
                **bound_to(described.CLOSE_CT),
            )  # fmt: skip


def _open(ct: CtActions) -> None:
    with html.Div(v_if="any_path"):
        _path("ct_path", tr("DICOM folder, volume or result"), "ct-path")
        with html.Div(v_if=_IS_VOLUME):
            vuetify.VTextField(
                v_model=("ct_date",), label=tr("Date of the CT, YYYY-MM-DD"), id="ct-date", classes="mt-2", **_FIELD
            )
            side_button(
                described.OPEN_CT_VOLUME.label, "mdi-cube-outline", (ct.open, "[ct_path, ct_date]"),
                id="ct-open-volume", classes="mt-2", **bound_to(described.OPEN_CT_VOLUME),
            )  # fmt: skip
        side_button(
            described.OPEN_DICOM.label, "mdi-folder-open-outline", (ct.open, "[ct_path, '']"), id="ct-open",
            classes="mt-2", v_if=f"!{_IS_VOLUME}", **bound_to(described.OPEN_DICOM),
        )  # fmt: skip
    html.Input(
        type="file", id="ct-upload", multiple=True, change="utils.crlm.uploadDicom($event.target)",
        style="display:none", raw_attrs=["webkitdirectory"],
    )  # fmt: skip
    side_button(
        tr("Send a DICOM folder"), "mdi-folder-upload-outline", "utils.crlm.choose('ct-upload')", id="ct-send",
        classes="mt-2", **bound_to(described.OPEN_DICOM, unless="upload_progress >= 0"),
    )  # fmt: skip
    progress_bar("upload_progress", v_if="upload_progress >= 0", classes="mt-2")
    html.P(
        tr("No name of a patient is kept or shown. Files that are sent are deleted as soon as the CT is read."),
        classes="quiet mt-2",
    )  # fmt: skip
    with html.Div(v_if="ct_results.length", classes="mt-3"):
        vuetify.VSelect(
            v_model=("ct_result",),
            items=("ct_results",),
            label=tr("Results that were kept here"),
            id="ct-result",
            **_FIELD,
        )
        side_button(
            described.OPEN_CT_RESULT.label, "mdi-history", (ct.open_result, "[ct_result]"), id="ct-open-result",
            classes="mt-2", **bound_to(described.OPEN_CT_RESULT),
        )  # fmt: skip


def _follow_up(ct: CtActions) -> None:
    """Choose the dates; then diameters over time."""
    html.Div(tr("Results of one patient"), classes="label")
    with html.Div(v_for="one in ct_results", key="one.value"):
        vuetify.VCheckbox(
            label=("one.title",), model_value=("ct_compared.includes(one.value)",), density="compact",
            hide_details=True, click=(ct.choose_for_follow_up, "[one.value]"),
        )  # fmt: skip
    side_button(
        described.FOLLOW_UP.label, "mdi-chart-line", ct.follow_up, id="ct-follow-up", classes="mt-2",
        **bound_to(described.FOLLOW_UP, unless="ct_compared.length < 2"),
    )  # fmt: skip
    with html.Div(v_if="ct_tracks.length", id="ct-tracks"):
        html.Div(tr("Diameters"), classes="label mt-3")
        with html.Div(classes="chart is-follow-up"):
            html.Div(
                '<svg viewBox="0 0 300 130"><line v-for="one in ct_dates" :key="one.x" class="date" :x1="one.x"'
                ' :x2="one.x" y1="12" y2="118"></line><g v-for="one in ct_tracks" :key="one.number">'
                '<polyline v-for="points in one.lines" :key="points" :points="points" fill="none"'
                ' :stroke="one.color" stroke-width="2"></polyline>'
                '<circle v-for="dot in one.dots" :key="dot[0]" :cx="dot[0]" :cy="dot[1]" r="3.5" :fill="one.color">'
                '</circle><circle v-if="one.end.length" :cx="one.end[0]" :cy="one.end[1]" r="6" fill="none"'
                ' :stroke="one.color" stroke-width="1.5"></circle></g>'
                '<text v-for="one in ct_dates" :key="one.text" :x="one.x" y="128" text-anchor="middle">'
                "{{ one.text }}</text></svg>"
            )
            html.Div("{{ ct_top }}", classes="chart-top")
        with html.Div(v_for="one in ct_tracks", key="one.number", classes="track"):
            html.Span(classes="swatch", style=("`background: ${one.color}`",))
            html.Span("{{ one.text }}")
        html.P("{{ line }}", v_for="line in ct_follow_lines", key="line", classes="quiet mt-1")


def _register(ct: CtActions) -> None:
    html.P("{{ ct_registration }}", id="ct-registration")
    html.P(
        tr("Look at a landmark in the slices of the CT, hold the tip of the stylus at the same place of the liver, and "
        "press; or find it in the slices of the ultrasound. Three or more, not on one line. The error is that of a "
        "liver that keeps its shape; in the operation it does not."), classes="quiet",
    )  # fmt: skip
    side_button(
        described.TOUCH_LANDMARK.label, "mdi-map-marker-plus-outline", ct.touch, id="ct-touch", classes="mt-2",
        **bound_to(described.TOUCH_LANDMARK),
    )  # fmt: skip
    side_button(
        described.FIND_LANDMARK.label, "mdi-map-search-outline", ct.find_landmark, id="ct-find-landmark",
        classes="mt-2", v_if="placing !== 'landmark'", **bound_to(described.FIND_LANDMARK),
    )  # fmt: skip
    with html.Div(v_if="placing === 'landmark'", classes="call mt-2"):
        vuetify.VIcon("mdi-cursor-default-click-outline")
        html.Span(tr("Click at the same place in one of the three slices of the ultrasound."))
    side_button(
        tr("Back to the CT"), "mdi-arrow-left", ct.leave_landmark, id="ct-leave-landmark", classes="mt-2",
        v_if="placing === 'landmark'",
    )  # fmt: skip
    with html.Div(v_if="ct_touched.length", id="ct-touched", classes="mt-2"):
        html.Div("{{ line }}", v_for="line in ct_touched", key="line", classes="quiet")
        side_button(
            described.REGISTER_TOUCHED.label, "mdi-map-marker-radius-outline", ct.register_touched,
            id="ct-register-touched", classes="mt-2", **bound_to(described.REGISTER_TOUCHED),
        )  # fmt: skip
        side_button(
            described.DROP_LANDMARK.label, "mdi-map-marker-minus-outline", ct.drop_touched, id="ct-drop-touched",
            classes="mt-2", **bound_to(described.DROP_LANDMARK),
        )  # fmt: skip
    html.P(
        tr("Or a CSV file with name, ct_r, ct_a, ct_s, reference_r, reference_a, reference_s."), classes="quiet mt-3"
    )
    _path("ct_landmarks", tr("File of landmarks on this computer"), "ct-landmarks")
    side_button(
        described.REGISTER_CT.label, "mdi-map-marker-radius-outline", (ct.register, "[ct_landmarks]"),
        id="ct-register", classes="mt-2", **bound_to(described.REGISTER_CT),
    )  # fmt: skip
    side_button(
        described.REFINE_CT.label, "mdi-vector-polyline", ct.refine, id="ct-refine", classes="mt-2",
        v_if="ct_registered", **bound_to(described.REFINE_CT),
    )  # fmt: skip
    side_button(
        described.REFINE_CT_BY_IMAGES.label, "mdi-image-sync-outline", ct.refine_by_images, id="ct-refine-by-images",
        classes="mt-2", v_if="ct_registered", **bound_to(described.REFINE_CT_BY_IMAGES),
    )  # fmt: skip
    side_button(
        described.UNREGISTER_CT.label, "mdi-map-marker-off-outline", ct.unregister, id="ct-unregister",
        classes="mt-2", v_if="ct_registered", **bound_to(described.UNREGISTER_CT),
    )  # fmt: skip


def _path(name: str, label: str, identity: str) -> None:
    vuetify.VTextField(v_model=(name,), label=label, id=identity, **_FIELD)


@contextmanager
def _part(value: str, title: str, **options: str) -> Iterator[None]:
    with vuetify.VExpansionPanel(value=value, **options):
        vuetify.VExpansionPanelTitle(title, id=f"ct-part-{value}")
        with vuetify.VExpansionPanelText():
            yield

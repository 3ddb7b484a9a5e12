"""The first two steps on the page: where the images come from, and recording them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...words import tr
from .widgets import (
    bound_to,
    chart,
    either,
    main_button,
    outline_switch,
    progress_bar,
    said,
    side_button,
    slider,
    step,
    warning_list,
)

if TYPE_CHECKING:
    from ..actions.source_actions import SourceActions
    from ..actions.workflow_actions import Actions

# What a tab has of the state, sent along with a click.
_FILE = "[file || '', calibration || '']"
_PLUS = "[plus_host || '', String(plus_port || ''), calibration || '']"
_SIMULATED = "[lesion, lesion_mm, case_number]"
_FIELD = {"variant": "outlined", "density": "compact", "hide_details": True}


def connect_panel(source: SourceActions) -> None:
    """Choose a source and start it."""
    with step("connect", 1, tr("Connect")):
        with html.Div(v_if="!connected && !preparing"):
            with vuetify.VBtnToggle(v_model=("source",), mandatory=True, divided=True, classes="sources", height=44):
                vuetify.VBtn(tr("Simulated"), value="simulated", id="source-simulated")
                vuetify.VBtn(tr("Recording"), value="file", id="source-file")
                vuetify.VBtn(tr("PLUS"), value="plus", id="source-plus")
            _simulated(source)
            _recording(source)
            _plus(source)
        with html.Div(v_if="preparing"):
            html.P("{{ preparing }}", id="preparing")
            progress_bar("prepared", indeterminate=("prepared === 0",))
        _connected(source)


def _simulated(source: SourceActions) -> None:
    """A sweep that is computed."""
    with html.Div(v_if="source === 'simulated'"):
        html.P(tr("A liver with one metastasis, imaged by a computed probe. Nothing of it is clinical."))
        html.Div(tr("How the tumor looks"), classes="label")
        with vuetify.VBtnToggle(
            v_model=("lesion",), mandatory=True, divided=True, classes="sources", height=40
        ):  # fmt: skip
            vuetify.VBtn(tr("Dark"), value="hypoechoic")
            vuetify.VBtn(tr("Bright"), value="hyperechoic")
            vuetify.VBtn(tr("Mixed"), value="mixed")
            vuetify.VBtn(tr("A patient's"), value="patient", id="whole-patient")
        html.P(
            tr("A sweep over one metastasis of a whole simulated patient; made in about a minute."),
            v_if="lesion === 'patient'",
        )
        with html.Div(v_if="lesion !== 'patient'"):
            slider(tr("Tumor size"), "lesion_mm", 8, 40, 1, "mm")
        with html.Div(classes="slider-row mb-3"):
            html.Span(said(either("lesion === 'patient'", tr("Patient"), tr("Liver"))) + " {{ case_number }}")
            html.Button(
                tr("another one"), click="case_number = case_number % 99 + 1", classes="link", id="another-liver"
            )
        main_button(
            tr("Start a simulated sweep"), "mdi-play", (source.connect_simulated, _SIMULATED),
            id="connect-simulated",
        )  # fmt: skip


def _recording(source: SourceActions) -> None:
    """A recorded sweep, from the list, by its path, or uploaded."""
    with html.Div(v_if="source === 'file'"):
        vuetify.VSelect(
            v_model=("file",), items=("files",), label=tr("Recorded sweep"), id="file", v_if="!typing_path",
            **_FIELD,
        )  # fmt: skip
        vuetify.VTextField(
            v_model=("file",), label=tr("Path of a recorded sweep"), id="path", v_if="typing_path", **_FIELD
        )
        html.Button(
            said(either("typing_path", tr("choose from the list"), tr("type a path"))),
            click="typing_path = !typing_path", classes="link quiet mb-3", v_if="any_path", id="type-path",
        )  # fmt: skip
        _calibration()
        html.Input(
            type="file", id="upload", multiple=True, accept=".mha,.nrrd,.xml,.json",
            change="utils.crlm.upload($event.target)", style="display:none",
        )  # fmt: skip
        side_button(
            tr("Upload from this computer"), "mdi-upload", "utils.crlm.choose('upload')", classes="my-3",
            disabled=("upload_progress >= 0",),
        )  # fmt: skip
        progress_bar("upload_progress", v_if="upload_progress >= 0")
        main_button(
            described.REPLAY.label, "mdi-play", (source.connect_file, _FILE), id="connect-file",
            **bound_to(described.REPLAY, unless="!file"),
        )  # fmt: skip
        side_button(
            described.OPEN_SWEEP.label, "mdi-skip-next", (source.open_file, _FILE), id="open-file", classes="mt-2",
            **bound_to(described.OPEN_SWEEP, unless="!file"),
        )  # fmt: skip


def _plus(source: SourceActions) -> None:
    """A PLUS server."""
    with html.Div(v_if="source === 'plus'"):
        with html.Div(classes="two"):
            vuetify.VTextField(v_model=("plus_host",), label=tr("Computer"), id="plus-host", **_FIELD)
            vuetify.VTextField(
                v_model=("plus_port",), label=tr("Port"), id="plus-port", style="max-width:110px",
                **_FIELD,
            )  # fmt: skip
        _calibration("mt-3")
        main_button(
            described.CONNECT.label, "mdi-lan-connect", (source.connect_plus, _PLUS), id="connect-plus", classes="mt-3",
            **bound_to(described.CONNECT),
        )  # fmt: skip


def _connected(source: SourceActions) -> None:
    """What is known of the stream."""
    with html.Div(v_if="connected"):
        html.Div("{{ stream_text }}", id="stream-text", classes="quiet")
        with html.Div(v_if="image_names.length > 1", classes="mt-2", id="image-streams"):
            html.Div(tr("Which images"), classes="label")
            with html.Div(v_for="one in image_names", key="one"):
                side_button(
                    "{{ one }}", "mdi-image-outline", (source.choose_image, "[one]"), classes="mb-1", height=36,
                    color=("one === image_name ? 'primary' : undefined",),
                )  # fmt: skip
        html.Div(tr("Frames per second, over the last 30 s"), classes="label mt-2")
        chart("rate_curves", "{{ rate_top }}", height=56)
        side_button(
            described.DISCONNECT.label, "mdi-lan-disconnect", source.disconnect, id="disconnect", classes="mt-2",
            **bound_to(described.DISCONNECT),
        )  # fmt: skip


def _calibration(classes: str = "") -> None:
    vuetify.VSelect(
        v_model=("calibration",), items=("calibrations",), label=tr("PLUS configuration (calibration)"),
        classes=classes,
        **_FIELD,
    )  # fmt: skip


def record_panel(actions: Actions) -> None:
    """Record a sweep; its volume follows by itself."""
    with step("record", 2, tr("Record")):
        html.P(
            tr("Sweep the probe slowly over the liver while it records."),
            v_if="!recording && !has_sweep && !sweep_seconds",
        )
        html.P(
            tr("The replay repeats itself: one sweep takes {{ sweep_seconds.toFixed(0) }} s."),
            v_if="!recording && !has_sweep && sweep_seconds",
        )
        main_button(
            described.RECORD.label, "mdi-record-circle", actions.start_recording, id="record", color="error",
            v_if="!recording", variant=("has_volume ? 'tonal' : 'flat'",), **bound_to(described.RECORD),
        )  # fmt: skip
        with html.Div(v_if="recording"):
            html.Div("{{ recorded_text }}", id="recorded", classes="figure")
            progress_bar("recorded_part", color="error", v_if="sweep_seconds", classes="mb-3")
            main_button(
                described.STOP.label, "mdi-stop", actions.stop_recording, id="stop", color="error", variant="outlined",
                **bound_to(described.STOP),
            )  # fmt: skip
        progress_bar("progress", v_if="running === 'record'", classes="mt-3")
        warning_list("record_hints")
        outline_switch(actions)
        side_button(
            described.RECONSTRUCT.label, "mdi-cube-scan", actions.reconstruct, classes="mt-2", id="reconstruct",
            v_if="has_sweep && !recording", **bound_to(described.RECONSTRUCT),
        )  # fmt: skip

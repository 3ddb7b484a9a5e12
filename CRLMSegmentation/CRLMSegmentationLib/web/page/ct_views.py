"""The CT in views of its own: three slices and 3D, over those of the operation while its section is open.

They are pictures that the server makes of the CT alone (server/ct_pictures.py): nothing of the operation can be in
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html

from ...preoperative.ct_slices import AXIAL, CORONAL, PLANES, SAGITTAL
from ...words import mark, tr
from .widgets import named, quoted, said

if TYPE_CHECKING:
    from ..actions.ct_actions import CtActions

# What lies at the left, right, upper and lower edge of a picture.
_EDGES = {AXIAL: "RLAP", CORONAL: "RLSI", SAGITTAL: "APSI"}
_PLANES = {AXIAL: mark("axial"), CORONAL: mark("coronal"), SAGITTAL: mark("sagittal")}
_SIDES = ("left", "right", "top", "bottom")


def ct_views(ct: CtActions) -> None:
    """Shown while the section of the CT is open, unless a landmark is to be clicked in the operation's slices."""
    with html.Div(classes="ct-views", v_if="open_step === 'ct' && placing !== 'landmark'", id="ct-views"):
        with html.Div(classes=("`ct-banner ${ct_registered ? 'is-registered' : ''}`",), id="ct-banner"):
            html.Span(said("ct_title || " + quoted(tr("No CT is open"))))
            html.Span("{{ ct_registration }}", v_if="ct_there")
        for plane in PLANES:
            with html.Div(classes="ct-view", id=f"ct-view-{plane}"):
                _slice(ct, plane)
        with html.Div(classes="ct-view", id="ct-view-space"):
            html.Img(
                v_if="ct_has_result", alt=tr("Structures of the CT in space"), draggable="false", id="ct-space",
                src=("`ct/space?turn=${ct_turn}&tilt=${ct_tilt}&version=${ct_version}`",),
                raw_attrs=[
                    '@pointerdown="utils.crlm.beginTurn($event)"', '@pointermove="utils.crlm.turn($event)"',
                    '@dblclick="ct_turn = 0; ct_tilt = 0"',
                ],
            )  # fmt: skip
            html.Div(tr("CT in space"), classes="view-title")
            html.Div(tr("Liver, vessels and tumors appear here"), classes="view-empty", v_if="!ct_has_result")
            html.Div(tr("Drag to turn"), classes="ct-hint", v_if="ct_has_result")


def _slice(ct: CtActions, plane: str) -> None:
    name = f"ct_{plane}"
    html.Img(
        v_if="ct_there", alt=tr("{plane} slice of the CT", plane=tr(_PLANES[plane])), draggable="false",
        id=f"ct-{plane}",
        src=(f"`ct/slice?plane={plane}&index=${{{name}}}&version=${{ct_version}}`",),
        click=(
            ct.click_in,
            f"['{plane}', $event.offsetX / $event.target.clientWidth, $event.offsetY / $event.target.clientHeight]",
        ),
        raw_attrs=[
            f'@pointerdown="utils.crlm.beginCut($event, \'{plane}\')"',
            '@pointermove="utils.crlm.dragCut($event)"', '@click.capture="utils.crlm.endCut($event)"',
            f'@wheel.prevent="{name} = Math.min(ct_counts.{plane} - 1, Math.max(0, {name} - Math.sign($event.deltaY)))"'
        ],
    )  # fmt: skip
    html.Div(tr("CT, {plane}", plane=tr(_PLANES[plane])), classes="view-title")
    html.Div(tr("The CT appears here"), classes="view-empty", v_if="!ct_there")
    with html.Div(v_if="ct_there"):
        for side, letter in zip(_SIDES, _EDGES[plane]):
            html.Div(letter, classes=f"ct-edge is-{side}")
        html.Input(
            type="range", min="0", max=(f"ct_counts.{plane} - 1",), classes="ct-slider",
            id=f"ct-slider-{plane}",
            raw_attrs=[*named(tr("CT, {plane}", plane=tr(_PLANES[plane]))), f'v-model.number="{name}"'],
        )  # fmt: skip
        number, count = f"{{{{ {name} + 1 }}}}", f"{{{{ ct_counts.{plane} }}}}"
        html.Div(tr("{number} of {count}", number=number, count=count), classes="ct-number")

"""The list of the tumors of a case: what each of them is, and which one the steps work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...words import tr
from .widgets import bound_to, either, named, quoted, said

if TYPE_CHECKING:
    from ..actions.workflow_actions import Actions


def tumor_list(actions: Actions) -> None:
    """Above the steps, in every one of them."""
    with html.Section(v_if="tumors.length", classes="tumors", id="tumors", raw_attrs=named(tr("Tumors of this case"))):
        with html.Div(classes="tumors-head"):
            html.Span(said(either("tumors.length > 1", tr("Tumors"), tr("Tumor"))), classes="label")
            vuetify.VBtn(
                described.ADD_TUMOR.label, prepend_icon="mdi-plus", click=actions.add_tumor, id="add-tumor",
                variant="text", height=32, size="small", **bound_to(described.ADD_TUMOR),
            )  # fmt: skip
        vuetify.VBtn(
            described.SHOW_NEWEST.label, prepend_icon="mdi-history", click=actions.show_newest, id="show-newest",
            variant="tonal", color="warning", height=36, size="small", block=True, classes="mb-1",
            v_if="actions.show_newest.why_not === ''", **bound_to(described.SHOW_NEWEST),
        )  # fmt: skip
        with html.Div(classes="tumor-lines"):
            with html.Div(
                v_for="one in tumors", key="one.number", classes=("one.chosen ? 'is-chosen' : ''",),
                id=("`tumor-${one.number}`",),
            ):  # fmt: skip
                _line(actions)
                _name_field(actions)


def _line(actions: Actions) -> None:
    with html.Div(classes="tumor-row", v_if="renaming !== one.number"):
        with html.Button(
            classes="tumor-choose", click=(actions.choose_tumor, "[one.number]"),
            raw_attrs=[':aria-pressed="one.chosen"', ':aria-label="`${one.name}: ${one.text}. ${one.distance}`"'],
            **bound_to(described.CHOOSE_TUMOR),
        ):  # fmt: skip
            html.Span(classes="tumor-color", style=("{background: one.color}",))
            with html.Span(classes="tumor-text"):
                html.Span("{{ one.name }}", classes="tumor-name")
                html.Span("{{ one.text }}", classes="quiet")
                html.Span("{{ one.distance }}", v_if="one.distance", classes=("`tumor-distance is-${one.kind}`",))
                html.Span("{{ one.remark }}", v_if="one.remark", classes="tumor-remark")
                html.Span("{{ one.doubts }}", v_if="one.doubts", classes="tumor-remark")
        name = "renaming = one.number; tumor_name = one.name"
        _small_button("mdi-pencil", name, "rename", described.RENAME_TUMOR)
        _small_button("mdi-delete-outline", (actions.delete_tumor, "[one.number]"), "delete", described.DELETE_TUMOR)


def _small_button(icon: str, click: object, name: str, action: described.Action) -> None:
    why_not = f"actions.{action.name}.why_not"
    vuetify.VBtn(
        icon=icon, click=click, variant="text", size="small", density="comfortable", id=(f"`{name}-${{one.number}}`",),
        disabled=(f"{why_not} !== ''",), title=(f"{why_not} || {quoted(action.help)}",),
        raw_attrs=[f':aria-label="`{action.label} ${{one.name}}`"'],
    )  # fmt: skip


def _name_field(actions: Actions) -> None:
    take = "[one.number, tumor_name]"
    with html.Div(classes="tumor-row", v_if="renaming === one.number"):
        vuetify.VTextField(
            v_model=("tumor_name",), density="compact", variant="outlined", hide_details=True, autofocus=True,
            maxlength=24, id=("`name-${one.number}`",),
            raw_attrs=[
                *named(tr("Name of this tumor")), '@keydown.esc="renaming = 0"',
                "@keydown.enter=\"utils.crlm.choose('take-name-' + one.number)\"",
            ],
        )  # fmt: skip
        vuetify.VBtn(
            icon="mdi-check", click=(actions.rename_tumor, take), variant="text", size="small", density="comfortable",
            id=("`take-name-${one.number}`",), raw_attrs=named(tr("Take this name")),
        )  # fmt: skip

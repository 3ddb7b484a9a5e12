"""The page's own building blocks: a step, its large button, a line of text, a chart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as vuetify

from ...session import actions as described
from ...session.actions import Action
from ...words import tr

if TYPE_CHECKING:
    from ..actions.workflow_actions import Actions

# What a button calls: a method of the server, alone or with the arguments that the tab gives it, or a script.
Click = Callable[..., Awaitable[None]] | tuple[Callable[..., Awaitable[None]], str] | str


@contextmanager
def step(name: str, number: int, title: str) -> Iterator[None]:
    """A step of the list on the left: its head shows how far it is, its body is there while it is open."""
    state = f"steps.{name}.status"
    with html.Section(
        id=f"step-{name}", classes=(f"`step is-${{{state}}}` + (open_step === '{name}' ? ' is-open' : '')",)
    ):
        with html.Div(
            classes="step-head", click=f"open_step = '{name}'", tabindex="0",
            raw_attrs=[
                *role("button"),
                f"@keydown.enter=\"open_step = '{name}'\"", f"@keydown.space.prevent=\"open_step = '{name}'\"",
                f":aria-expanded=\"open_step === '{name}'\"",
            ],
        ):  # fmt: skip
            with html.Div(classes="step-number"):
                vuetify.VProgressCircular(v_if=f"{state} === 'running'", indeterminate=True, size=22, width=3)
                vuetify.VIcon("mdi-check", v_else_if=f"{state} === 'done'")
                vuetify.VIcon("mdi-exclamation", v_else_if=f"{state} === 'failed' || {state} === 'check'")
                vuetify.VIcon("mdi-refresh", v_else_if=f"{state} === 'stale'")
                html.Span(str(number), v_else=True)
            with html.Div(classes="step-text"):
                html.Div(title, classes="step-title")
                html.Div(f"{{{{ steps.{name}.text }}}}", id=f"line-{name}", classes="step-line")
            html.Div(f"{{{{ step_labels[{state}] }}}}", id=f"label-{name}", classes="step-label")
        with html.Div(v_if=f"open_step === '{name}'", classes="step-body"):
            yield


@contextmanager
def side_section(
    name: str, title: str, icon: str, line: str, kind: str, busy: str, block: str = "nearest"
) -> Iterator[None]:
    """A section beside the steps, which the five of them do without: closed until somebody opens it.

    name   of the section, as `open_step` has it
    line   state variable with what stands below its title
    kind   an expression of the page: 'failed', 'check', 'running', 'done' or ''; busy: one that is true while it works
    block  where the section is put when it is opened, as scrollIntoView() has it
    """
    opened = f"open_step = '{name}'; utils.crlm.reveal('step-{name}', '{block}')"
    with html.Section(
        id=f"step-{name}", classes=(f"`step is-${{{kind}}}` + (open_step === '{name}' ? ' is-open' : '')",)
    ):
        with html.Div(
            classes="step-head", click=opened, tabindex="0",
            raw_attrs=[
                *role("button"),
                f'@keydown.enter="{opened}"', f'@keydown.space.prevent="{opened}"',
                f":aria-expanded=\"open_step === '{name}'\"",
            ],
        ):  # fmt: skip
            with html.Div(classes="step-number"):
                vuetify.VProgressCircular(v_if=busy, indeterminate=True, size=22, width=3)
                vuetify.VIcon(icon, v_else=True)
            with html.Div(classes="step-text"):
                html.Div(title, classes="step-title")
                html.Div(f"{{{{ {line} }}}}", id=f"line-{name}", classes="step-line")
        with html.Div(v_if=f"open_step === '{name}'", classes="step-body"):
            yield


def main_button(text: str, icon: str, click: Click, **options: Any) -> vuetify.VBtn:
    """The one large button of a step."""
    return vuetify.VBtn(
        text, prepend_icon=icon, click=click,
        **{"block": True, "height": 60, "color": "primary", "flat": True, **options},
    )  # fmt: skip


def bound_to(action: Action, unless: str = "false") -> dict[str, tuple[str]]:
    """Options of a button that is enabled while `action` can be done, and says what it does, or why not yet.

    unless  an expression of the page that disables it as well
    """
    why_not = f"actions.{action.name}.why_not"
    return {"disabled": (f"{why_not} !== '' || {unless}",), "title": (f"{why_not} || {quoted(action.help)}",)}


def quoted(text: str) -> str:
    """A text as a string of the page's expressions, which stand in attributes with double quotes."""
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace('"', "&quot;")
    return f"'{text}'"


def either(condition: str, yes: str, no: str) -> str:
    """An expression of the page: the text `yes` while `condition` holds, and else `no`."""
    return f"{condition} ? {quoted(yes)} : {quoted(no)}"


def said(expression: str) -> str:
    """What an expression of the page gives, as the text of an element."""
    return f"{{{{ {expression} }}}}"


def named(name: str) -> list[str]:
    """The name that a screen reader says, as raw attributes of a widget: trame drops an `aria_label` without a word."""
    return [f'aria-label="{name}"']


def role(name: str) -> list[str]:
    """What an element is for who does not see it, as raw attributes: trame drops a `role`, too."""
    return [f'role="{name}"']


def side_button(text: str, icon: str, click: Click, **options: Any) -> vuetify.VBtn:
    """A second choice beside the large button."""
    return vuetify.VBtn(
        text, prepend_icon=icon, click=click, **{"block": True, "height": 44, "variant": "tonal", **options}
    )


def slider(label: str, name: str, low: float, high: float, step_size: float, unit: str, title: str = "") -> None:
    """A slider with its name and value above it; `name` is the state variable, and with dashes its id."""
    with html.Div(id=name.replace("_", "-"), title=title):
        with html.Div(classes="slider-row"):
            html.Span(label)
            html.Span(
                f"{{{{ Number({name}).toFixed({0 if step_size >= 1 else 2}) }}}} {unit}".strip(), classes="value",
                id=name.replace("_", "-") + "-value",
            )  # fmt: skip
        vuetify.VSlider(
            v_model=(name,), min=low, max=high, step=step_size, hide_details=True, density="compact", color="primary",
            raw_attrs=named(label),
        )  # fmt: skip


def progress_bar(name: str, color: str = "primary", **options: Any) -> None:
    """How far something is; `name` is a state variable, 0 to 100."""
    vuetify.VProgressLinear(model_value=(name,), height=8, rounded=True, color=color, **options)


def each_tool() -> html.Div:
    """To be used as a context: what is in it stands there for every tool, as `tool_shown`."""
    return html.Div(
        v_for="tool_shown in tools", key="tool_shown.name",
        classes=("`tool is-${tool_shown.kind} ${tools.length > 1 ? 'is-of-several' : ''}`",),
        style=("`--tool-color: ${tool_shown.color}`",),
    )  # fmt: skip


def tool_text() -> str:
    """Within each_tool(): what a line of text says of it."""
    return tr(
        "{tool} to {tumor} · {text}",
        tool="{{ tool_shown.name }}", tumor="{{ tool_shown.tumor }}", text="{{ tool_shown.text }}",
    )  # fmt: skip


def other_tumor() -> None:
    """Within each_tool(): how far it is to the other tumor that it endangers most."""
    html.Div(
        "{{ tool_shown.other }}", classes=("`tool-other is-${tool_shown.other_kind}`",), v_if="tool_shown.other",
        title=("tool_shown.other_explanation",),
    )  # fmt: skip


def outline_switch(actions: Actions) -> None:
    """Outline live: on or off, how it goes, and that it is a hint."""
    label = said(either("outlining", tr("Outline no more"), described.OUTLINE.label))
    side_button(
        label, "mdi-vector-polygon", actions.switch_outlines,
        classes="mt-3 outline-switch", color=("outlining ? 'primary' : undefined",),
        variant=("outlining ? 'flat' : 'tonal'",), **bound_to(described.OUTLINE),
    )  # fmt: skip
    html.Div("{{ outline_text }}", classes="quiet mt-1 outline-text", v_if="outline_text")
    warning_list("outline_warnings")


def warning_list(name: str) -> None:
    """Sentences that a person should read before going on; `name` is a state variable that holds them."""
    with html.Div(v_for=f"sentence, number in {name}", key="number", classes="warning-line"):
        vuetify.VIcon("mdi-alert-outline", size="small")
        html.Span("{{ sentence }}")


def chart(curves: str, top: str, guides: str = "", height: int = 64) -> None:
    """Curves over time, newest at the right; `curves` is a state variable, see charts.Series.curves().

    top     text of the value at the upper edge
    guides  SVG elements drawn under the curves
    """
    with html.Div(classes="chart", id=curves.replace("_", "-")):
        html.Div(
            f'<svg viewBox="0 0 300 100" preserveAspectRatio="none" style="height:{height}px">{guides}'
            f'<polyline v-for="(points, part) in {curves}" :key="part" class="curve" :points="points"'
            ' vector-effect="non-scaling-stroke"></polyline></svg>'
        )
        html.Div(top, classes="chart-top")

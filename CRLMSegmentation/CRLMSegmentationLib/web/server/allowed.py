"""What a tab may call and what it may set; everything that is not listed here is refused.

The server's libraries offer a browser far more: to end the program, to write any state, to push pictures to other
tabs, to ask for pictures of any size. Here is the whole of what the page itself uses, each with its kinds and ranges.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

from .refusals import Refused

Check = Callable[[Any], bool]

_LIFE_CYCLE = ("client_connected", "client_unmounted", "client_exited")
_MOST_CHANGES = 100
_LONGEST_TEXT = 1024
_MOST_ARGUMENTS = 4
# A view is at most this large, in the browser's pixels; what is rendered is bounded by views.MOST_PIXELS as well.
_LARGEST_SIDE = 8192
_LARGEST_RATIO = 8.0
_FARTHEST = 100_000.0

# Of a mouse, a pen or a finger. Keys are not among them: an interactor takes some as commands, 'q' to end the program.
_POINTER = {
    *(f"{button}Button{what}" for button in ("Left", "Middle", "Right") for what in ("Press", "Release")),
    *(f"{when}{what}" for when in ("", "Start", "End") for what in ("MouseMove", "MouseWheel")),
    *(f"{when}{what}" for when in ("", "Start", "End") for what in ("Pan", "Pinch", "Rotate")),
    *("MouseEnter", "MouseLeave", "PointerEnter", "PointerLeave", "EnterEvent", "LeaveEvent"),
    *("Tap", "LongTap", "StartInteractionEvent", "EndInteractionEvent", "InteractionEvent"),
}
_KEYS = {f"{case}{what}" for case in ("Key", "key") for what in ("Down", "Press", "Up")}
_FIELDS = ("x", "y", "z", "w", "h", "spinX", "spinY", "factor", "rotation")
_FLAGS = ("shiftKey", "ctrlKey", "altKey", "metaKey", "buttonLeft", "buttonMiddle", "buttonRight")


def number(low: float, high: float) -> Check:
    """A number from `low` to `high`."""
    return lambda value: is_number(value) and low <= value <= high


def text(longest: int) -> Check:
    """Text of at most `longest` characters."""
    return lambda value: isinstance(value, str) and len(value) <= longest


def one_of(*choices: object) -> Check:
    """One of these; true and 1 are not the same."""
    return lambda value: any(type(value) is type(choice) and value == choice for choice in choices)


def is_truth(value: object) -> bool:
    return isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """A finite number, and neither text nor true and false."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


class Allowed:
    """Checks every call of a tab.

    settable  the state that a tab may set: name to check
    triggers  what a button calls, by its name; None for a name that no button has
    areas     names of the views
    """

    def __init__(
        self, settable: Mapping[str, Check], triggers: Callable[[str], Callable[..., Any] | None], areas: Iterable[str],
    ) -> None:  # fmt: skip
        self._settable = dict(settable)
        self._triggers = triggers
        self._areas = frozenset(areas)
        self._checks = {
            "trame.state.get": self._nothing,
            "trame.trigger": self._trigger,
            "trame.lifecycle.update": self._life_cycle,
            "trame.error.client": self._fault_of_script,
            "trame.rca.size": self._size,
            "trame.rca.event": self._event,
        }

    def call(self, method: str, arguments: list[Any]) -> list[Any] | None:
        """The arguments that a method may be called with; None when nothing is to be done. Raises Refused.

        For trame.state.update see changes().
        """
        if method not in self._checks:
            raise Refused(f"no tab may call {_shown(method)}")
        return self._checks[method](arguments)

    def changes(self, arguments: list[Any]) -> tuple[list[dict[str, Any]], list[str]]:
        """(changes that may be made, names of those that may not) of trame.state.update. Raises Refused."""
        if len(arguments) != 1 or not isinstance(arguments[0], list) or len(arguments[0]) > _MOST_CHANGES:
            raise Refused("changes of the state that are no list of changes")
        taken, refused = [], []
        for change in arguments[0]:
            name = change.get("key") if isinstance(change, dict) else None
            if not isinstance(name, str):
                raise Refused("a change of the state without a name")
            check = self._settable.get(name)
            if check is not None and check(change.get("value")):
                taken.append({"key": name, "value": change["value"]})
            else:
                refused.append(name)
        return taken, refused

    def _nothing(self, arguments: list[Any]) -> list[Any]:
        if arguments:
            raise Refused("a question for the state with arguments")
        return []

    def _trigger(self, arguments: list[Any]) -> list[Any]:
        if len(arguments) not in (1, 2, 3):
            raise Refused("a button without a name")
        name, given, named = (*arguments, [], {})[:3] if len(arguments) == 1 else (*arguments, {})[:3]
        action = self._triggers(name) if isinstance(name, str) else None
        if action is None:
            raise Refused(f"there is no button {_shown(name)}")
        if not isinstance(given, list) or len(given) > _MOST_ARGUMENTS or named:
            raise Refused(f"button {_shown(name)} with other arguments than it has")
        try:
            inspect.signature(action).bind(*given)
        except TypeError:
            raise Refused(f"button {_shown(name)} with other arguments than it has") from None
        if not all(text(_LONGEST_TEXT)(one) or is_number(one) or is_truth(one) for one in given):
            raise Refused(f"button {_shown(name)} with arguments of another kind")
        return [name, given, {}]

    def _life_cycle(self, arguments: list[Any]) -> list[Any]:
        if len(arguments) != 1 or not one_of(*_LIFE_CYCLE)(arguments[0]):
            raise Refused(f"no tab may say {_shown(arguments[:1])}")
        return arguments

    def _fault_of_script(self, arguments: list[Any]) -> list[Any]:
        return [_shown(arguments[0]) if arguments else ""]

    def _size(self, arguments: list[Any]) -> list[Any]:
        area, size = self._area(arguments)
        width, height, ratio = size.get("w"), size.get("h"), size.get("p", 1)
        if not all(is_number(one) and one >= 0 for one in (width, height, ratio)):
            raise Refused("the size of a view that is none")
        within = {side: min(float(size[side]), _LARGEST_SIDE) for side in ("w", "h")}
        return [area, "tab", {**within, "p": min(max(float(ratio), 0.25), _LARGEST_RATIO)}]

    def _event(self, arguments: list[Any]) -> list[Any] | None:
        area, event = self._area(arguments)
        kind = event.get("type")
        if isinstance(kind, str) and kind in _KEYS:
            return None
        if not isinstance(kind, str) or kind not in _POINTER:
            raise Refused(f"no view takes the event {_shown(kind)}")
        checked: dict[str, Any] = {"type": kind}
        for name in _FIELDS:
            if name in event:
                if not is_number(event[name]) or abs(event[name]) > _FARTHEST:
                    raise Refused(f"an event of a view with {name} that is no place")
                checked[name] = event[name]
        smallest = min(checked.get("w", 1), checked.get("h", 1))
        if smallest == 0:
            # The view has just been shown, and its tab does not know yet how large it is.
            return None
        if smallest < 1:
            raise Refused("an event of a view without a size")
        for name in _FLAGS:
            if name in event:
                checked[name] = int(bool(event[name]))
        if "translation" in event:
            checked["translation"] = _places(event["translation"])
        if "positions" in event:
            checked["positions"] = _fingers(event["positions"])
        return [area, "tab", checked]

    def _area(self, arguments: list[Any]) -> tuple[str, dict[str, Any]]:
        if len(arguments) != 3 or not isinstance(arguments[0], str) or arguments[0] not in self._areas:
            raise Refused("an event of a view that there is not")
        if not isinstance(arguments[2], dict):
            raise Refused("an event of a view that is none")
        return arguments[0], arguments[2]


def _places(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > 3:
        raise Refused("an event of a view with a translation that is none")
    if not all(is_number(one) and abs(one) < _FARTHEST for one in value):
        raise Refused("an event of a view with a translation that is none")
    return value


def _fingers(value: object) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or len(value) > 10:
        raise Refused("an event of a view with places that are none")
    fingers = {}
    for name, place in value.items():
        if not isinstance(place, dict) or not all(is_number(place.get(axis, 0)) for axis in ("x", "y", "z")):
            raise Refused("an event of a view with places that are none")
        fingers[str(name)[:20]] = {axis: place[axis] for axis in ("x", "y", "z") if axis in place}
    return fingers


def _shown(value: object) -> str:
    """What a tab sent, short."""
    return repr(value)[:60] if not isinstance(value, str) else value[:60]

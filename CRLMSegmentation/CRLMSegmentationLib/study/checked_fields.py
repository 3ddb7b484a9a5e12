"""Dataclasses of settings whose fields say what they may hold, and that a table of a file can override."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, field, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import ConfigurationError

T = TypeVar("T")
# TOML has no value for 'none': so it is written in a file.
NONE = "none"


def limited(
    default: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a dataclass with its default, the range of its numbers or the texts that it can be."""
    return field(default=default, metadata={"least": least, "above": above, "most": most, "choices": choices})


def check_fields(settings: Any, where: str) -> None:
    """Raises ConfigurationError, naming `where` and the field, for a value outside of what its field allows."""
    for one in fields(settings):
        _check_value(one, getattr(settings, one.name), where)


def overridden(settings: T, changes: Mapping[str, Any], where: str) -> T:
    """A copy of a dataclass with the values of a TOML table in its fields, and tables in those that are dataclasses.

    'none' stands for no value where a field may have none. Raises ConfigurationError, which names `where` and the key,
    for one that is not known, a value of another type, or one out of its range.
    """
    assert is_dataclass(settings) and not isinstance(settings, type)
    hints = get_type_hints(type(settings))
    known = {one.name: one for one in fields(settings)}
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in known:
            raise ConfigurationError(f"{where}: there is no '{name}'; use one of {', '.join(known)}.")
        here = getattr(settings, name)
        if is_dataclass(here) and isinstance(value, Mapping):
            values[name] = overridden(here, value, f"{where}, {name}")
        else:
            values[name] = _fitting(value, hints[name], f"{where}: {name}")
            _check_value(known[name], values[name], where)
    changed: T = replace(settings, **values)
    return changed


def _fitting(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type `hint` has it: whole numbers are taken for lengths, lists for tuples."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value == NONE and NoneType in options:
        return None
    for option in options:
        if option is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if option in (int, bool, str) and type(value) is option:
            return value
        if get_origin(option) is tuple and isinstance(value, list) and len(value) == len(get_args(option)):
            return tuple(_fitting(one, kind, where) for one, kind in zip(value, get_args(option)))
    raise ConfigurationError(f"{where} is {value!r}; it must be {' or '.join(map(_described, options))}.")


def _described(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"a list of {len(get_args(hint))} numbers"
    if is_dataclass(hint):
        return "a table"
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "a text", NoneType: f"'{NONE}'"}
    return names[hint]


def _check_value(one: Field[Any], value: Any, where: str) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    if any(isinstance(number, (int, float)) and not _is_within(number, one) for number in numbers):
        raise ConfigurationError(f"{where}: {one.name} is {value}; it must be {_range(one)}.")
    choices = one.metadata.get("choices")
    if choices and value not in choices:
        raise ConfigurationError(f"{where}: {one.name} is '{value}'; it must be {' or '.join(choices)}.")


def _is_within(number: float, one: Field[Any]) -> bool:
    least, above, most = (one.metadata.get(name) for name in ("least", "above", "most"))
    return (
        math.isfinite(number)
        and (least is None or number >= least)
        and (above is None or number > above)
        and (most is None or number <= most)
    )


def _range(one: Field[Any]) -> str:
    least, above, most = (one.metadata.get(name) for name in ("least", "above", "most"))
    parts = [f"{least:g} or more" if least is not None else "", f"greater than {above:g}" if above is not None else ""]
    parts.append(f"at most {most:g}" if most is not None else "")
    return " and ".join(part for part in parts if part) or "a number"

"""What stands beside the steps, in the page's terms: the CT before the operation, the laparoscope and the tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...session.session import Session
from .ct_values import CtValues
from .scope.scope_values import scope_values
from .tools.tool_values import tool_values


class BesideValues:
    """The values of PageState that these sections show."""

    def __init__(self, session: Session) -> None:
        self._session, self._ct = session, CtValues(session.preoperative)

    def of(self, plain: Callable[[str], str]) -> dict[str, Any]:
        """By the names of PageState; see CtValues.of()."""
        return {
            **self._ct.of(plain), **scope_values(self._session.laparoscope, plain), **tool_values(self._session),
        }  # fmt: skip

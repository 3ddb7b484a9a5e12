"""What a button calls: its errors become sentences on the page, and never end the program."""

from __future__ import annotations

import functools
import inspect
import logging
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from ...errors import ConfigurationError, CRLMError
from ...words import tr

if TYPE_CHECKING:
    from ..controller import Controller

_logger = logging.getLogger(__name__)


class Reporting(Protocol):
    """What has buttons."""

    def report_error(self, sentence: str) -> None: ...

    def after_action(self) -> None: ...


def reported(action: Callable[..., Awaitable[None] | None]) -> Callable[..., Awaitable[None]]:
    """A method that a button calls, of an object with report_error(sentence) and after_action()."""

    @functools.wraps(action)
    async def run(self: Reporting, *arguments: object) -> None:
        try:
            outcome = action(self, *arguments)
            if inspect.isawaitable(outcome):
                await outcome
        except CRLMError as error:
            self.report_error(str(error))
        except Exception as error:
            _logger.exception("The action %s has failed.", action.__name__)
            self.report_error(
                tr(
                    "That did not work, and it is a fault of this program ({error}); the terminal says more.",
                    error=error,
                )
            )
        self.after_action()

    return run


class ReportingActions:
    """What actions of the page have in common: a Controller, whose page shows their errors."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._session = controller.session
        self._state = controller.state
        self._library = controller.library

    def report_error(self, sentence: str) -> None:
        self._controller.report_error(sentence)

    def after_action(self) -> None:
        self._controller.show_steps()


def number_of(value: object) -> float:
    """What a field of the page holds; raises ConfigurationError when it is no number."""
    try:
        number = float(value)  # type: ignore[arg-type]  # what it does not take is answered below
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ConfigurationError(tr("'{value}' is not a number.", value=str(value)[:20]))
    return number

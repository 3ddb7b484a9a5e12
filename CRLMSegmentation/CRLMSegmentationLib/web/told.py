"""What a button calls: its errors become sentences on the page, and never end the program."""

from __future__ import annotations

import functools
import inspect
import logging

from ..errors import CRLMError

_logger = logging.getLogger(__name__)


def told(action):
    """A method that a button calls, of an object with tell_error(sentence) and after_action()."""

    @functools.wraps(action)
    async def run(self, *arguments):
        try:
            outcome = action(self, *arguments)
            if inspect.isawaitable(outcome):
                await outcome
        except CRLMError as error:
            self.tell_error(str(error))
        except Exception as error:
            _logger.exception("The action %s has failed.", action.__name__)
            self.tell_error(f"That did not work, and it is a fault of this program ({error}); the terminal says more.")
        self.after_action()

    return run

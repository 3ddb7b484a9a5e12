"""What a person can do about what is seen on the screen."""

from __future__ import annotations

from ...words import mark
from .action import Action

FULL_SCREEN = Action(
    "full_screen", None, mark("Full screen"),
    mark("Live image, 3D and the distance large, without the panel; the same again goes back"),
    lambda session: session.screen.switch(), lambda session: "",
)  # fmt: skip

SCREEN_ACTIONS = (FULL_SCREEN,)

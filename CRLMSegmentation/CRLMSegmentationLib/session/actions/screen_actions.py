"""What a person can do about what is seen on the screen."""

from __future__ import annotations

from .action import Action

FULL_SCREEN = Action(
    "full_screen", None, "Full screen",
    "Live image, 3D and the distance large, without the panel; the same again goes back",
    lambda session: session.screen.switch(), lambda session: "",
)  # fmt: skip

SCREEN_ACTIONS = (FULL_SCREEN,)

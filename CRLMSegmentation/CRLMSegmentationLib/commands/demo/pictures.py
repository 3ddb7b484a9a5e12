"""What there is to look at in the end: two pictures, and the finished case on the page."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError, CRLMError
from ...values import Box, Volume
from ..options.printing import is_json
from .folder import APPROACH, CASE, SCENE_PICTURE, SLICES_PICTURE

if TYPE_CHECKING:
    from ...session.session import Session


def draw_pictures(
    session: Session,
    volume: Volume,
    box: Box,
    mask: Volume,
    truth: Volume | None,
    caption: str,
    folder: Path,
) -> None:
    """The scene in 3D, to be called while the tool is still live, and slices through the tumor."""
    from ...pictures import scene_picture, slices_picture

    try:
        scene_picture(folder / SCENE_PICTURE, session, caption, now_s=time.monotonic())
    except CRLMError as error:
        print(f"picture    {error}")
    slices_picture(folder / SLICES_PICTURE, volume, box, mask, truth, caption)


def show_on_page(folder: Path, shown_as: str) -> None:
    """At a terminal, serve the finished case on the web page; in a script the demo ends without."""
    if os.environ.get("CI") or is_json() or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    from ...web.serve import serve_case

    approach = folder / APPROACH
    try:
        serve_case(folder / CASE, live=approach if approach.exists() else None, shown_as=shown_as)
    except ConfigurationError as error:
        print(f"page       {error}")

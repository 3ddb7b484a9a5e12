"""The page's own style, script and icon."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trame_server.core import Server

_FOLDER = Path(__file__).with_name("assets")
_NAME = "crlm-assets"


def serve_assets(server: Server) -> None:
    """Make the page load them."""
    server.enable_module(
        {
            "serve": {_NAME: str(_FOLDER)},
            "styles": [f"{_NAME}/page.css"],
            "scripts": [f"{_NAME}/page.js"],
        }
    )
    icon = base64.b64encode((_FOLDER / "icon.svg").read_bytes()).decode()
    server.state.trame__favicon = f"data:image/svg+xml;base64,{icon}"

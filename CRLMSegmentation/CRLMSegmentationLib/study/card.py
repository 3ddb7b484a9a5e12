"""What a study asks of a trained model's card."""

from __future__ import annotations

from typing import Any, Protocol


class Card(Protocol):
    """inference's ModelCard is one.

    decides  all that the answers depend on besides the image
    text     the whole card as plain values
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def threshold(self) -> float: ...
    @property
    def sha256(self) -> dict[str, str]: ...
    @property
    def decides(self) -> dict[str, Any]: ...
    @property
    def text(self) -> dict[str, Any]: ...

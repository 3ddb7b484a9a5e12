"""What the message classes share: their error, and text as it stands in a message."""

from __future__ import annotations

ASCII, UTF8 = 3, 106

Content = bytes | memoryview


class MalformedMessage(ValueError):
    """A body that is not what its header says."""


def encoding_of(text: bytes) -> int:
    """The IANA number of the encoding that `text` needs."""
    return ASCII if text.isascii() else UTF8


def text_of(raw: Content) -> str:
    """The text before the first zero byte."""
    return bytes(raw).split(b"\0", 1)[0].decode("utf8", errors="replace")

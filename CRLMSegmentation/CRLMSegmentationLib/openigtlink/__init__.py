"""Receive tracked frames from PLUS over OpenIGTLink, and replay recordings as PLUS would."""

from .commands import Command, CommandReply
from .receiver import Receiver
from .recording import RecordingSummary, record
from .replayer import Replayer
from .status import Interruption, StreamStatus

__all__ = [
    "Command",
    "CommandReply",
    "Interruption",
    "Receiver",
    "RecordingSummary",
    "Replayer",
    "StreamStatus",
    "record",
]

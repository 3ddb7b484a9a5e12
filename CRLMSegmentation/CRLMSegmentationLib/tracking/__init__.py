"""Receive tracked frames from PLUS over OpenIGTLink, and replay recordings as PLUS would."""

from .health import HealthLog, HealthRow, health_line, health_record, health_rows
from .image_stream import ImageStream, StreamSettings
from .openigtlink.commands import Command, CommandReply
from .receiver import Receiver
from .recording.record import RecordingSummary, record
from .replay.replayer import Replayer
from .status import Interruption, StreamStatus

__all__ = [
    "Command",
    "CommandReply",
    "HealthLog",
    "HealthRow",
    "ImageStream",
    "Interruption",
    "Receiver",
    "RecordingSummary",
    "Replayer",
    "StreamSettings",
    "StreamStatus",
    "health_line",
    "health_record",
    "health_rows",
    "record",
]

"""Receive tracked frames from PLUS over OpenIGTLink, and replay recordings as PLUS would."""

from .receiver import Receiver, StreamStatus
from .recording import RecordingSummary, record
from .replayer import Replayer

__all__ = ["Receiver", "RecordingSummary", "Replayer", "StreamStatus", "record"]

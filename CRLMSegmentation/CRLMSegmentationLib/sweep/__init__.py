"""Tracked ultrasound frames and the files that hold them."""

from .plus_configuration import PlusConfiguration, read_plus_configuration
from .sequence_files.sequence_description import describe_sequence
from .sequence_files.sequence_reader import SequenceReader, read_poses, read_sweep
from .sequence_files.sequence_writer import SequenceWriter, write_sweep
from .sweep import Sweep
from .tracked_frame import Pose, TrackedFrame

__all__ = [
    "PlusConfiguration",
    "Pose",
    "SequenceReader",
    "SequenceWriter",
    "Sweep",
    "TrackedFrame",
    "describe_sequence",
    "read_plus_configuration",
    "read_poses",
    "read_sweep",
    "write_sweep",
]

"""What an MR scanner makes of the simulated patient."""

from .scanner import MrScan, MrSettings, acquire_mr
from .write import MR_FILES, write_mr

__all__ = ["MR_FILES", "MrScan", "MrSettings", "acquire_mr", "write_mr"]

"""What the rooms hand to each other: plain values that say what they mean. Lengths in mm, patient coordinates RAS."""

from .box import Box
from .volume import Volume

__all__ = ["Box", "Volume"]

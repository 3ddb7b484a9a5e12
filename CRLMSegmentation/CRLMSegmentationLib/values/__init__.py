"""What the rooms hand to each other: plain values that say what they mean. Lengths in mm, patient coordinates RAS."""

from .box import Box
from .image_plane import ImagePlane, image_plane
from .volume import Volume

__all__ = ["Box", "ImagePlane", "Volume", "image_plane"]

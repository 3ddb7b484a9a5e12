"""Standard files for volumes, boxes and surfaces: what other programs write and read."""

from .box_file import read_box, write_box
from .surface_file import read_surface, write_surface
from .volume_file import read_volume, write_volume

__all__ = ["read_box", "read_surface", "read_volume", "write_box", "write_surface", "write_volume"]

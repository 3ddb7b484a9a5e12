"""Standard files for volumes, boxes and surfaces: what other programs write and read."""

from .box_file import read_box, write_box
from .displacement_file import write_displacements
from .mask_file import mask_names, read_mask
from .points_file import read_points
from .seen_file import seen_path
from .surface_file import READ_SURFACE_ENDINGS, SURFACE_ENDINGS, read_surface, write_surface
from .volume_file import VOLUME_ENDINGS, read_volume, write_volume

__all__ = [
    "READ_SURFACE_ENDINGS",
    "SURFACE_ENDINGS",
    "VOLUME_ENDINGS",
    "mask_names",
    "read_box",
    "read_mask",
    "read_points",
    "read_surface",
    "read_volume",
    "seen_path",
    "write_box",
    "write_displacements",
    "write_surface",
    "write_volume",
]

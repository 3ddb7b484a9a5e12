"""Pictures of a case for people: three slices, and the scene in 3D."""

from .slices_picture import slices_picture
from .view_picture import scene_picture, view_picture

__all__ = ["scene_picture", "slices_picture", "view_picture"]

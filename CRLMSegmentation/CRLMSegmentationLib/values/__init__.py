"""What the rooms hand to each other: plain values that say what they mean. Lengths in mm, patient coordinates RAS."""

from .box import Box
from .camera import Camera
from .image_plane import ImagePlane, image_plane
from .timed_pose import TimedPose
from .volume import Volume

__all__ = ["Box", "Camera", "ImagePlane", "TimedPose", "Volume", "image_plane"]

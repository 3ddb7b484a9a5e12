"""What the rooms hand to each other: plain values that say what they mean. Lengths in mm, patient coordinates RAS."""

from .box import Box
from .camera import Camera
from .image_plane import ImagePlane, image_plane
from .label_set import Label, LabelSet
from .timed_pose import TimedPose
from .volume import Volume

__all__ = ["Box", "Camera", "ImagePlane", "Label", "LabelSet", "TimedPose", "Volume", "image_plane"]

"""What overlay and register read: the model, and the camera for a picture's size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...files.laparoscope.camera_file import read_camera
from ..options.printing import print_doubt

if TYPE_CHECKING:
    from ...laparoscopy.opened_model import OpenedModel
    from ...values.camera import Camera

MODEL_HELP = "surface of the liver (.vtp, .stl, .ply, .obj, .vtk), or a folder with liver, vessels and tumors"
CAMERA_HELP = "the camera, as crlm scope calibrate writes it; also OpenCV's, scikit-surgery's and the P2ILF challenge's"


def read_model(path: str | Path, curves: str | Path | None = None, as_stored: bool = False) -> OpenedModel:
    """open_model(), its doubts printed."""
    from ...laparoscopy.opened_model import open_model

    opened = open_model(path, curves, as_stored)
    for doubt in opened.doubts:
        print_doubt(f"doubt: {doubt}")
    return opened


def camera_for(path: str | Path, image_size: tuple[int, int] | None) -> Camera:
    """The camera in `path`, for pictures of image_size (width, height); None for those that it was calibrated for.

    A camera for another size of the same proportions is scaled, with a doubt; others raise ConfigurationError.
    """
    from ...laparoscopy.opened_model import camera_for_size

    camera = read_camera(path, image_size)
    if image_size is None:
        return camera
    camera, doubt = camera_for_size(camera, image_size)
    if doubt:
        print_doubt(f"doubt: {doubt}")
    return camera

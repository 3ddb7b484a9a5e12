"""What overlay and register read: the model, and the camera for a picture's size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...files import read_surface
from ...files.laparoscope.camera_file import read_camera
from ...files.laparoscope.model_files import model_files
from ..options.printing import print_doubt

if TYPE_CHECKING:
    from ...laparoscopy.overlay.parts import ModelPart
    from ...values.camera import Camera

MODEL_HELP = "surface of the liver (.vtp, .stl, .ply, .obj, .vtk), or a folder with liver, vessels and tumors"
CAMERA_HELP = "the camera, as crlm scope calibrate writes it; also OpenCV's, scikit-surgery's and the P2ILF challenge's"
# Pictures scaled to another size differ in their proportions by rounding only.
_SAME_PROPORTIONS = 0.01


def read_model(path: str | Path, as_stored: bool = False) -> list[ModelPart]:
    """The parts of the model, in RAS or as stored; a surface alone is the liver, unless its name says otherwise.

    Surfaces of unknown names are left out with a doubt. Raises FileFormatError, or ConfigurationError without a part.
    """
    from ...laparoscopy.overlay.parts import LIVER, ModelPart, kind_of
    from ...laparoscopy.surface.mesh import mesh_of

    files = model_files(path)
    kinds = {name: kind_of(name) or (None if Path(path).is_dir() else LIVER) for name in files}
    unknown = [files[name].name for name, kind in kinds.items() if kind is None]
    if unknown:
        print_doubt(f"doubt: {', '.join(unknown)} in {path} is left out: its name does not say what it is.")
    parts = [
        ModelPart(kind, mesh_of(read_surface(files[name], as_stored))) for name, kind in kinds.items()
        if kind is not None
    ]  # fmt: skip
    if not parts:
        raise ConfigurationError(f"No surface in {path} has a name that says what it is, such as liver or tumors.")
    return parts


def camera_for(path: str | Path, image_size: tuple[int, int] | None) -> Camera:
    """The camera in `path`, for pictures of image_size (width, height); None for those that it was calibrated for.

    A camera for another size of the same proportions is scaled, with a doubt; others raise ConfigurationError.
    """
    camera = read_camera(path, image_size)
    if image_size is None or camera.image_size == image_size:
        return camera
    width, height = (now / then for now, then in zip(image_size, camera.image_size))
    sizes = f"{camera.image_size[0]} x {camera.image_size[1]}", f"{image_size[0]} x {image_size[1]}"
    if abs(width / height - 1) > _SAME_PROPORTIONS:
        raise ConfigurationError(
            f"The camera in {path} is for pictures of {sizes[0]} pixels, and this is one of {sizes[1]}: its "
            "proportions differ; calibrate it at this size."
        )
    print_doubt(f"doubt: the camera is for pictures of {sizes[0]} pixels; it is scaled to {sizes[1]}.")
    return camera.at_size(image_size)

"""A liver's model as its files have it, and the camera for pictures of a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigurationError
from ..files import read_surface
from ..files.laparoscope.curves_file import read_curves
from ..files.laparoscope.model_files import model_files
from ..values.camera import Camera
from ..words import tr
from .overlay.parts import LIVER, TUMORS, ModelPart, kind_of
from .surface.mesh import mesh_of

if TYPE_CHECKING:
    from .pose.model_landmarks import ModelLandmarks

CURVES = "curves.json"
# Pictures scaled to another size differ in their proportions by rounding only.
_SAME_PROPORTIONS = 0.01


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """parts of the model, in RAS or as stored; curves on the liver by landmark, in RAS; doubts, sentences; path that it
    was opened from.
    """

    parts: tuple[ModelPart, ...]
    curves: Mapping[str, Sequence[np.ndarray]]
    doubts: tuple[str, ...] = ()
    path: Path | None = None

    def landmarks(self) -> ModelLandmarks:
        """What it is registered by, the same each time. Raises ConfigurationError when it has no liver."""
        return self._landmarks

    @cached_property
    def _landmarks(self) -> ModelLandmarks:
        from .pose.model_landmarks import ModelLandmarks

        liver = next((part.mesh for part in self.parts if part.kind is LIVER), None)
        if liver is None:
            raise ConfigurationError(tr("The model has no surface of the liver: name its file liver."))
        return ModelLandmarks(liver, self.curves)

    def targets(self) -> list[np.ndarray]:
        """Places (3,) at which the error matters: the middle of each surface of tumors, else that of the liver."""
        tumors = [part.mesh.center for part in self.parts if part.kind is TUMORS]
        return tumors or [self.landmarks().liver.center]


def curves_file(model: str | Path) -> Path | None:
    """Where ridge and ligament of a model are marked: CURVES in its folder or beside it; None without."""
    place = Path(model)
    places = [place, place.parent] if place.is_dir() else [place.parent, place.parent.parent]
    return next((folder / CURVES for folder in places if (folder / CURVES).is_file()), None)


def open_model(path: str | Path, curves: str | Path | None = None, as_stored: bool = False) -> OpenedModel:
    """The model at `path`; a surface alone is the liver, unless its name says otherwise.

    curves  the file that marks ridge and ligament on it; None: they are not marked
    Raises FileFormatError, and ConfigurationError without a part.
    """
    files = model_files(path)
    kinds = {name: kind_of(name) or (None if Path(path).is_dir() else LIVER) for name in files}
    parts = tuple(
        ModelPart(kind, mesh_of(read_surface(files[name], as_stored))) for name, kind in kinds.items()
        if kind is not None
    )  # fmt: skip
    if not parts:
        raise ConfigurationError(
            tr("No surface in {path} has a name that says what it is, such as liver or tumors.", path=path)
        )
    unknown = [files[name].name for name, kind in kinds.items() if kind is None]
    doubts = (
        (
            tr(
                "{unknown} in {path} is left out: its name does not say what it is.",
                unknown=", ".join(unknown),
                path=path,
            ),
        )
        if unknown
        else ()
    )
    liver = next((part.mesh for part in parts if part.kind is LIVER), None)
    marked = read_curves(curves, liver.points) if curves is not None and liver is not None else {}
    return OpenedModel(parts, marked, doubts, Path(path))


def camera_for_size(camera: Camera, image_size: tuple[int, int]) -> tuple[Camera, str]:
    """`camera` for pictures of image_size (width, height), and a doubt when it had to be scaled, else ''.

    Raises ConfigurationError when these have other proportions than those that it was calibrated for.
    """
    if camera.image_size == image_size:
        return camera, ""
    width, height = (now / then for now, then in zip(image_size, camera.image_size))
    sizes = f"{camera.image_size[0]} x {camera.image_size[1]}", f"{image_size[0]} x {image_size[1]}"
    if abs(width / height - 1) > _SAME_PROPORTIONS:
        raise ConfigurationError(
            tr(
                "The camera is for pictures of {sizes} pixels, and this is one of {sizes_2}: its "
                "proportions differ; calibrate it at this size.",
                sizes=sizes[0],
                sizes_2=sizes[1],
            )
        )
    return camera.at_size(image_size), tr(
        "The camera is for pictures of {sizes} pixels; it is scaled to {sizes_2}.", sizes=sizes[0], sizes_2=sizes[1]
    )

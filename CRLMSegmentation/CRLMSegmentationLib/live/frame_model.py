"""Which models outline live frames, and how a frame is put before them."""

from __future__ import annotations

import numpy as np

from ..errors import ModelError, SegmentationError
from ..inference.image import Image
from ..inference.models.catalogue import model_choices
from ..inference.models.trained_model import Model, load_model
from ..segmentation.segmenter import tumor_label
from ..sweep import TrackedFrame
from ..words import tr

TASK = "frames"
# Least area of an outline in mm², an entry of the model's card: what is smaller was mostly no tumor in validation.
LEAST_AREA = "least_area_mm2"


def default_frame_model() -> str:
    """The name of the first model for live frames, shipped or the user's. Raises ModelError when there is none."""
    for choice in model_choices(TASK):
        if not choice.problem:
            return choice.name
    raise ModelError(
        tr(
            "There is no model that outlines live frames: import one with crlm import-model --task frames, or name its "
            "folder."
        )
    )


def load_frame_model(name_or_folder: str) -> Model:
    """A model that outlines tumors in single frames. Raises ModelError for one of another task, or that cannot."""
    model = load_model(name_or_folder)
    frame_label(model)
    return model


def frame_label(model: Model) -> str:
    """The label of `model` that is the tumor. Raises ModelError for a model that does not outline it in live frames."""
    if model.card.task != TASK:
        raise ModelError(
            tr(
                "The model '{name}' was trained for the task '{task}', and live frames are outlined by "
                "one for the task '{task_2}': choose another model.",
                name=model.name,
                task=model.card.task,
                task_2=TASK,
            )
        )
    if not model.is_2d:
        raise ModelError(
            tr("The model '{name}' is 3D, and a live frame is a plane: choose a 2D model.", name=model.name)
        )
    return tumor_label(model)


def least_area_mm2(model: Model) -> float:
    """As the model's card says; 0 where it says nothing. Raises ModelError for what is no area."""
    noted = model.card.text.get(LEAST_AREA, 0.0)
    if isinstance(noted, bool) or not isinstance(noted, (int, float)) or not 0 <= noted < float("inf"):
        raise ModelError(
            tr(
                "The card of the model '{name}' has {least_area} {noted!r}, which is no area.",
                name=model.name,
                least_area=LEAST_AREA,
                noted=noted,
            )
        )
    return float(noted)


def network_image(frame: TrackedFrame, model: Model, pixel_mm: tuple[float, float] | None) -> Image:
    """`frame` as the network sees it.

    pixel_mm  size of its pixels along u and v; None where that is not known: they are taken for the network's own
    Raises SegmentationError for a frame without an image or in color.
    """
    pixels = frame.pixels
    if pixels.ndim != 2:
        raise SegmentationError(
            tr(
                "The frames are in color, and the model '{name}' knows grey ones: send grey images to outline them.",
                name=model.name,
            )
        )
    if not pixels.size:
        raise SegmentationError(tr("The frames hold poses and no image: there is nothing to outline."))
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise SegmentationError(tr("A frame holds values that are no numbers: it is not outlined."))
    u_mm, v_mm = pixel_mm or (model.spacing_mm[2] or 1.0, model.spacing_mm[1] or 1.0)
    return Image.of_frame(pixels, (v_mm, u_mm))

"""The probability of tumor in a volume, from a network that knows arrays and labels only."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from ..errors import ModelError
from ..inference.image import Image
from ..inference.models.trained_model import Model
from ..inference.protocol import Predictor
from ..values import Volume
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .postprocess import known_voxels

# The label of a network that has others beside it.
TUMOR = "tumor"


class Segmenter(Protocol):
    """What segment() asks: a TumorSegmenter, or a test's own."""

    @property
    def model(self) -> Model: ...

    def probability(
        self, volume: Volume, progress: Progress | None = None, should_cancel: ShouldCancel | None = None
    ) -> Volume: ...


AnyPredictor = TypeVar("AnyPredictor", bound=Predictor)


class TumorSegmenter(Generic[AnyPredictor]):
    """Asks a predictor for tumor in ultrasound volumes.

    predictor  of a model with one channel, and with a label 'tumor' or with one label in all
    Raises ModelError for any other model.
    """

    def __init__(self, predictor: AnyPredictor):
        self.predictor = predictor
        self._label = tumor_label(predictor.model)

    @property
    def model(self) -> Model:
        """Its card says margin and threshold."""
        return self.predictor.model

    def probability(
        self, volume: Volume, progress: Progress | None = None, should_cancel: ShouldCancel | None = None
    ) -> Volume:
        """The probability of tumor, float32 0..1, on the grid of `volume` (the crop, margin included).

        Where the probe saw nothing, or less than one voxel of the network, the probability is 0 throughout. Raises
        SegmentationError for voxels that are not numbers, and Cancelled when `should_cancel` said so.
        """
        prediction = self.predictor.predict(image_of(volume), [self._label], progress, should_cancel)
        return volume.on_grid(prediction.of(self._label))


def image_of(volume: Volume) -> Image:
    """An ultrasound volume as a network sees it."""
    return Image(volume.voxels[None], [float(mm) for mm in volume.spacing_mm[::-1]], known_voxels(volume))


def tumor_label(model: Model) -> str:
    """The name of the label that is the tumor. Raises ModelError for a model that cannot find one in an ultrasound
    volume.
    """
    if len(model.channels) != 1:
        raise ModelError(
            tr(
                "The model '{name}' was trained on {channels} channels, and an ultrasound volume has one.",
                name=model.name,
                channels=len(model.channels),
            )
        )
    names = model.labels.foreground_heads
    if len(names) > 1 and TUMOR not in names:
        raise ModelError(
            tr(
                "The model '{name}' finds {names}, and none of these is called '{tumor}'.",
                name=model.name,
                names=", ".join(names),
                tumor=TUMOR,
            )
        )
    return TUMOR if TUMOR in names else names[0]

"""The whole step: from a volume and a box to a mask, a surface and its figures."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import SegmentationError
from ..inference.models.card import ModelCard
from ..inference.models.trained_model import Model
from ..inference.predictor import LocalPredictor
from ..values import Box, Volume
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .crop import Crop, crop, paste
from .doubts import doubts_about
from .postprocess import mask_from_probability, unless_too_faint, unseen_voxels
from .segmenter import Segmenter, TumorSegmenter
from .surface import largest_diameter_mm, surface_from_mask
from .turned_box import along_box, onto_block

# How far the probabilities of an uncalibrated shell lie from the threshold, as a factor of the odds.
SHELL_ODDS = 4.0
# A slider gives the model's own threshold back to so many digits.
SAME_THRESHOLD = 1e-4


@dataclass(frozen=True, eq=False)
class SegmentationResult:
    """What was found in a box.

    probability          float32, on the grid of the crop; 0 outside a box that is turned against it
    mask                 uint8, on the grid of the whole volume
    surface              vtkPolyData in RAS mm; None when nothing was found
    volume_ml            of the mask
    largest_diameter_mm  of the surface; 0 when nothing was found
    threshold            that made the mask
    doubts               sentences; empty when nothing speaks against the mask
    timings_s            seconds of crop, network, mask and surface
    crop                 the ultrasound around the tumor, and where it was cut out
    card                 of the model; None for what region growing found
    unseen               boolean, on the grid of the crop: where the probe did not pass; None when it passed everywhere
    """

    probability: Volume
    mask: Volume
    surface: Any
    volume_ml: float
    largest_diameter_mm: float
    threshold: float
    doubts: tuple[str, ...]
    timings_s: dict[str, float]
    crop: Crop = field(repr=False)
    card: ModelCard | None = field(default=None, repr=False)
    unseen: np.ndarray | None = field(default=None, repr=False)

    @property
    def found(self) -> bool:
        return self.surface is not None

    def with_threshold(self, threshold: float, keep: str = "largest") -> SegmentationResult:
        """The same probability cut at another threshold, without asking the network again."""
        return finish(
            self.crop, self.probability, self.mask, threshold, keep, dict(self.timings_s), self.card, self.unseen
        )

    @property
    def shell_probabilities(self) -> tuple[float, float]:
        """The low and the high probability of the uncertainty shell: the model's own, which are calibrated, or else
        those at the same distance from the threshold on the scale of log odds.
        """
        if self.card is not None and self.card.shell_probabilities is not None:
            return self.card.shell_probabilities
        odds = self.threshold / (1 - self.threshold)
        low, high = (odds * factor / (1 + odds * factor) for factor in (1 / SHELL_ODDS, SHELL_ODDS))
        return low, high

    def uncertainty_shell(self, keep: str = "largest") -> tuple[Any, Any]:
        """The outer and the inner surface (vtkPolyData in RAS mm, None where there is nothing) between which the
        tumor's edge may lie: the surfaces at the two shell_probabilities.
        """
        surfaces = []
        for probability in self.shell_probabilities:
            mask = mask_from_probability(self.probability, probability, keep, self.unseen)
            surfaces.append(surface_from_mask(mask) if mask.voxels.any() else None)
        outer, inner = surfaces
        return outer, inner


def segment(
    volume: Volume,
    box: Box,
    segmenter: Segmenter | Model,
    threshold: float | None = None,
    tight: bool = False,
    keep: str = "largest",
    progress: Progress | None = None,
    should_cancel: ShouldCancel | None = None,
) -> SegmentationResult:
    """Segment the tumor in `box`.

    volume     where its `seen` says that the probe did not pass, no tumor is found; with_guessed_seen() guesses it for
               a
               volume that does not know
    segmenter  a TumorSegmenter, which stays warm from box to box, or a Model that is loaded for this one box
    threshold  of probability; None for the model's own
    tight      True when the box closely fits the tumor: the model's margin is added on every side. A box drawn by hand
               counts as drawn with margin
    Raises GeometryError (box), ModelError (weights), SegmentationError (voxels, threshold) and Cancelled.
    """
    if isinstance(segmenter, Model):
        segmenter = TumorSegmenter(LocalPredictor(segmenter))
    card = segmenter.model.card
    threshold = card.threshold if threshold is None else threshold
    if not 0 < threshold < 1:
        raise SegmentationError(tr("The threshold is {threshold:g}; it must lie between 0 and 1.", threshold=threshold))
    started = time.perf_counter()
    block = crop(volume, box, card.margin_mm if tight else 0.0)
    unseen = unseen_voxels(block.volume)
    ultrasound = along_box(block, unseen) if block.turned_box is not None else block.volume
    timings = {"crop": time.perf_counter() - started}
    started = time.perf_counter()
    probability = segmenter.probability(ultrasound, progress, should_cancel)
    if block.turned_box is not None:
        probability = onto_block(probability, block)
    timings["network"] = time.perf_counter() - started
    return finish(block, probability, volume, threshold, keep, timings, card, unseen)


def finish(
    block: Crop,
    probability: Volume,
    whole: Volume,
    threshold: float,
    keep: str,
    timings_s: dict[str, float],
    card: ModelCard | None = None,
    unseen: np.ndarray | None = None,
) -> SegmentationResult:
    """The result of a probability on the grid of `block`, which was cut out of a volume with the grid of `whole`.

    What is too faint for a tumor at the card's own threshold is not shown, and a doubt says so; at any other threshold,
    which a person has chosen, all is shown.
    """
    started = time.perf_counter()
    mask = marked = mask_from_probability(probability, threshold, keep, unseen)
    if card is not None and abs(threshold - card.threshold) < SAME_THRESHOLD:
        mask = unless_too_faint(marked, probability, card)
    faint_ml = _volume_ml(marked) - _volume_ml(mask)
    timings_s["mask"] = time.perf_counter() - started
    started = time.perf_counter()
    surface = surface_from_mask(mask) if mask.voxels.any() else None
    timings_s["surface"] = time.perf_counter() - started
    return SegmentationResult(
        probability=probability,
        mask=paste(mask, whole),
        surface=surface,
        volume_ml=_volume_ml(mask),
        largest_diameter_mm=largest_diameter_mm(surface) if surface is not None else 0.0,
        threshold=threshold,
        doubts=(
            *block.warnings,
            *doubts_about(mask, bool(block.warnings), block.volume, probability, unseen, card, block.inside, faint_ml),
        ),
        timings_s=timings_s,
        crop=block,
        card=card,
        unseen=unseen,
    )


def _volume_ml(mask: Volume) -> float:
    return float((mask.voxels > 0).sum()) * mask.voxel_volume_mm3 / 1000

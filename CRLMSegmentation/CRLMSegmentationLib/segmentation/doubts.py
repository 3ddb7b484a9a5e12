"""What a reader of a mask should doubt, in sentences."""

from __future__ import annotations

import numpy as np

from ..inference.models.card import ModelCard
from ..values import Volume
from ..words import mark, tr
from .image_statistics import image_statistics, unlike
from .postprocess import black_at_the_border, known_voxels, touches_border

# Mean binary entropy over the mask, in bits: 1 is a coin toss for every voxel. For models that were not calibrated.
HIGH_ENTROPY_BITS = 0.6
# Difference of the mean grey levels in units of the common standard deviation, inside against a shell outside.
LOW_CONTRAST = 0.25
SHELL_MM = 3.0

_FAINT = mark(
    "The network marked {faint_ml:.2g} mL, less surely than it marks tumors, and it is not shown: check that the tumor "
    "is inside, or move the threshold to see it."
)
_AT_BLACK = mark(
    "The tumor reaches to black at the edge, where the probe seems not to have passed (a guess from the grey levels): "
    "sweep farther, unless the tumor is covered whole."
)


def doubts_about(
    mask: Volume,
    box_was_clipped: bool = False,
    ultrasound: Volume | None = None,
    probability: Volume | None = None,
    unseen: np.ndarray | None = None,
    card: ModelCard | None = None,
    inside: np.ndarray | None = None,
    faint_ml: float = 0.0,
) -> tuple[str, ...]:
    """Sentences about what makes `mask` doubtful; empty when nothing speaks against it.

    All volumes lie on the grid of the crop: `ultrasound` is the crop itself, `unseen` marks what the probe did not
    pass, and `inside` the voxels of a box that is turned against the grid (None: all of them). What is not given is not
    judged. `faint_ml` was marked and is not in `mask`, because it is too faint for a tumor.
    """
    if ultrasound is not None:
        within = ... if inside is None else inside
        if not known_voxels(ultrasound)[within].any():
            return (tr("The probe never passed through the box: there is no ultrasound in it."),)
        if not ultrasound.voxels[within].any():
            return (tr("The box is black throughout: check that it lies in the picture, and the gain."),)
    voxels = mask.voxels > 0
    about_images = () if ultrasound is None or card is None else _about_images(ultrasound, card)
    if not voxels.any() and faint_ml:
        return (
            *about_images,
            tr(_FAINT, faint_ml=faint_ml),
        )
    if not voxels.any():
        return (
            *about_images,
            tr("Nothing was found in the box: check that the tumor is inside, or lower the threshold."),
        )
    doubts = [*about_images]
    is_guessed = ultrasound is not None and ultrasound.seen_is_guessed
    if touches_border(voxels) or (inside is not None and _is_beside(voxels, ~inside)):
        doubts.append(
            tr("The tumor touches the edge of the volume: sweep farther, so that it is covered whole.")
            if box_was_clipped
            else tr("The tumor touches the edge of the box: enlarge the box.")
        )
    elif unseen is not None and not is_guessed and _is_beside(voxels, unseen):
        doubts.append(
            tr("The tumor reaches to where the probe did not pass: sweep farther, so that it is covered whole.")
        )
    elif ultrasound is not None and _is_beside_black_at_the_border(voxels, ultrasound.voxels):
        # The frame of a picture is black too: pixels came there, and showed nothing.
        doubts.append(tr(_AT_BLACK))
    if ultrasound is not None and contrast(mask, ultrasound, unseen) < LOW_CONTRAST:
        doubts.append(tr("The tumor hardly differs from the tissue around it: check its outline by eye."))
    usual = HIGH_ENTROPY_BITS if card is None or card.usual_entropy_bits is None else card.usual_entropy_bits
    if probability is not None and mean_entropy_bits(probability.voxels[voxels]) > usual:
        doubts.append(tr("The network is unsure about much of the tumor: check its outline by eye."))
    if card is not None:
        doubts += _about_volume(float(voxels.sum()) * mask.voxel_volume_mm3 / 1000, card)
    return tuple(doubts)


def _about_images(ultrasound: Volume, card: ModelCard) -> tuple[str, ...]:
    """That the box looks unlike those of the model's training and validation, by the ranges in its card."""
    statistics = image_statistics(ultrasound) if card.image_ranges else None
    strange = "" if statistics is None or card.image_ranges is None else unlike(statistics, card.image_ranges)
    if not strange:
        return ()
    return (
        tr(
            "These images look unlike those that the model learned from ({strange}): check the tumor by eye.",
            strange=strange,
        ),
    )


def mean_entropy_bits(probabilities: np.ndarray) -> float:
    """Mean binary entropy in bits of `probabilities`, any shape."""
    p = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)).mean())


def contrast(mask: Volume, ultrasound: Volume, unseen: np.ndarray | None = None) -> float:
    """|mean inside - mean outside| over the common standard deviation; outside is a shell of SHELL_MM around `mask`.

    Infinite where there is no shell to compare with.
    """
    from scipy import ndimage

    # Every second voxel is enough for two means, and eight times as quick.
    every_second = (slice(None, None, 2),) * 3 if min(mask.voxels.shape) > 16 else (slice(None),) * 3
    step = every_second[0].step or 1
    inside = mask.voxels[every_second] > 0
    sizes = [2 * max(1, round(SHELL_MM / spacing / step)) + 1 for spacing in mask.spacing_mm[::-1]]
    shell = (ndimage.maximum_filter(inside.view(np.uint8), sizes) > 0) & ~inside
    if unseen is not None:
        shell &= ~unseen[every_second]
    grey = ultrasound.voxels[every_second]
    within, around = grey[inside], grey[shell]
    if within.size < 2 or around.size < 2:
        return float("inf")
    spread = np.sqrt((within.var(dtype=np.float64) + around.var(dtype=np.float64)) / 2)
    apart = abs(within.mean(dtype=np.float64) - around.mean(dtype=np.float64))
    return float(apart / spread) if spread > 0 else (float("inf") if apart > 0 else 0.0)


def _is_beside_black_at_the_border(mask: np.ndarray, grey: np.ndarray) -> bool:
    # Mostly there is no black beside it at all, and nothing has to be searched.
    return _is_beside(mask, (grey == 0) & ~mask) and _is_beside(mask, black_at_the_border(grey) & ~mask)


def _is_beside(mask: np.ndarray, unseen: np.ndarray) -> bool:
    """True when voxels of both share a face."""
    for axis in range(3):
        before = (slice(None),) * axis
        lower, upper = (*before, slice(None, -1)), (*before, slice(1, None))
        if (mask[lower] & unseen[upper]).any() or (mask[upper] & unseen[lower]).any():
            return True
    return False


def _about_volume(volume_ml: float, card: ModelCard) -> list[str]:
    if card.tumor_volume_ml is None:
        return []
    smallest, largest = card.tumor_volume_ml
    if smallest <= volume_ml <= largest:
        return []
    kind = tr("smaller") if volume_ml < smallest else tr("larger")
    return [
        (
            tr(
                "The tumor of {volume_ml:.2g} mL is {kind} than those that the model learned from "
                "({smallest:.2g} to {largest:.3g} mL): check its outline by eye.",
                volume_ml=volume_ml,
                kind=kind,
                smallest=smallest,
                largest=largest,
            )
        )
    ]

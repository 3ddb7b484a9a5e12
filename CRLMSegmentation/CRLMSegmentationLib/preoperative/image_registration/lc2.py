"""LC2: how well ultrasound is explained, patch by patch, by the intensities of an MR or CT and their gradients.

In each patch the ultrasound f is fitted by a p + b |grad p| + c, with a, b and c free: echoes come from tissues and
from the borders between them. The similarity is the share of the ultrasound's variance that is explained, over all
patches.

References: Wein, Ladikos, Fuerst, Shah, Sharma, Navab, Global registration of ultrasound to MRI using the LC2 metric
for enabling neurosurgical guidance, MICCAI 2013, 34-41; Fuerst, Wein, Mueller, Navab, Automatic ultrasound-MRI
registration for neurosurgery using the 2D and 3D LC2 metric, Med. Image Anal. 18 (2014) 1312-1319.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...geometry import corners_of_extent, transform_points
from ...inference.averaging import average_seen, averaged_shape
from ...segmentation.postprocess import black_at_the_border
from ...values import Volume

if TYPE_CHECKING:
    import torch

# Edge of a patch: a few times the width of what has to be told apart.
PATCH_MM = 14.0
# A patch counts where at least half of it was seen.
LEAST_SEEN = 0.5
# Of the variances, so that a patch in which the other modality is flat explains nothing.
_RIDGE = 1e-4


class LC2:
    """The similarity of an ultrasound volume and a moving one, for any transform between them.

    fixed, moving  as coarser() gives them: the ultrasound with what was seen, and the other modality
    Computed by torch on the processor, in float32.
    """

    def __init__(self, fixed: Volume, moving: Volume, patch_mm: float = PATCH_MM):
        import torch

        seen = np.ones(fixed.voxels.shape, bool) if fixed.seen is None else fixed.seen
        self.fixed, self.moving = fixed, moving
        self._known = torch.from_numpy(seen.astype(np.float32))
        self._sound = torch.from_numpy(fixed.voxels.astype(np.float32) / 255)
        self._both = torch.from_numpy(np.stack([_scaled(moving.voxels), _scaled(gradient_magnitude(moving))]))[None]
        self._window = max(3, round(patch_mm / float(fixed.spacing_mm.mean())))
        k, j, i = np.indices(fixed.voxels.shape)
        self._index = np.stack([i, j, k, np.ones_like(i)], axis=-1).reshape(-1, 4).astype(np.float64)
        self._total = self._variance_of_all_that_was_seen()

    def __call__(self, fixed_to_moving: np.ndarray) -> float:
        """0 to 1: the share of the ultrasound's variance that is explained when a point of the fixed volume lies at
        `fixed_to_moving` (4, 4, RAS mm) in the moving one. What has no counterpart there is not explained.
        """
        import torch

        values, inside = self._sampled(fixed_to_moving)
        weight = self._known * inside
        f, p, g = self._sound, values[0], values[1]
        products = (f, p, g, f * f, p * p, g * g, f * p, f * g, p * g)
        means = self._patches(torch.stack([weight, *(weight * one for one in products)]))
        share = means[0].clamp(min=1e-6)
        f1, p1, g1, ff, pp, gg, fp, fg, pg = (one / share for one in means[1:])
        ff, pp, gg = ff - f1 * f1, pp - p1 * p1 + _RIDGE, gg - g1 * g1 + _RIDGE
        fp, fg, pg = fp - f1 * p1, fg - f1 * g1, pg - p1 * g1
        determinant = (pp * gg - pg * pg).clamp(min=_RIDGE * _RIDGE)
        a, b = (fp * gg - fg * pg) / determinant, (fg * pp - fp * pg) / determinant
        explained = torch.minimum((a * fp + b * fg).clamp(min=0), ff.clamp(min=0))
        counted = share >= LEAST_SEEN
        return float((explained * share)[counted].sum() / self._total)

    def _variance_of_all_that_was_seen(self) -> float:
        import torch

        w, f = self._known, self._sound
        share, mean, square = self._patches(torch.stack([w, w * f, w * f * f]))
        share = share.clamp(min=1e-6)
        variance = (square / share - (mean / share) ** 2).clamp(min=0)
        return max(float((variance * share)[share >= LEAST_SEEN].sum()), 1e-9)

    def _patches(self, channels: torch.Tensor) -> torch.Tensor:
        """Means over half-overlapping patches; a volume thinner than a patch is one patch thick."""
        import torch

        window = [min(self._window, size) for size in channels.shape[1:]]
        stride = [max(1, size // 2) for size in window]
        pooled: torch.Tensor = torch.nn.functional.avg_pool3d(channels[None], window, stride)[0]
        return pooled

    def _sampled(self, fixed_to_moving: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """(intensity and gradient of the moving volume at the fixed voxels, 1 where there is one)."""
        import torch

        to_index = self.moving.ras_to_ijk @ fixed_to_moving @ self.fixed.ijk_to_ras
        index = (self._index @ to_index.T)[:, :3]
        size = np.array(self.moving.dimensions, dtype=np.float64)
        inside = ((index >= 0) & (index <= size - 1)).all(axis=1).reshape(self.fixed.voxels.shape)
        place = (index * (2 / np.maximum(size - 1, 1)) - 1).astype(np.float32)
        grid = torch.from_numpy(place.reshape(1, *self.fixed.voxels.shape, 3))
        sampled = torch.nn.functional.grid_sample(self._both, grid, align_corners=True, padding_mode="border")[0]
        return sampled, torch.from_numpy(inside.astype(np.float32))


def coarser(volume: Volume, spacing_mm: float) -> Volume:
    """float32: `volume` with voxels of about `spacing_mm`, each the mean of what was seen of those that it covers."""
    old = [float(mm) for mm in volume.spacing_mm[::-1]]
    shape = averaged_shape(volume.voxels.shape, old, [spacing_mm] * 3)
    seen = np.ones(volume.voxels.shape, bool) if volume.seen is None else volume.seen
    voxels = average_seen(volume.voxels, shape, seen)
    share = average_seen(seen.astype(np.float32), shape, np.ones_like(seen))
    factors = np.array(volume.voxels.shape, dtype=np.float64)[::-1] / np.array(shape)[::-1]
    to_fine = np.diag([*factors, 1.0])
    to_fine[:3, 3] = (factors - 1) / 2
    return Volume(voxels, volume.ijk_to_ras @ to_fine, seen=share >= 0.5, frame=volume.frame)


def within_the_fan(ultrasound: Volume) -> Volume:
    """`ultrasound` of which only what an echo can have come from counts as seen.

    The black beside the fan, and the marks that a scanner writes there, reach a volume as pixels like any other; their
    border would be the strongest in it. Black blocks that hang together with the border are not seen, nor what is left
    in small pieces beside the largest, nor a margin of two voxels.
    """
    from scipy import ndimage

    known = ~black_at_the_border(ultrasound.voxels)
    if ultrasound.seen is not None:
        known &= ultrasound.seen
    pieces, count = ndimage.label(ndimage.binary_opening(known, iterations=2))
    if count == 0:
        return ultrasound
    largest = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    grown = ndimage.binary_dilation(largest, iterations=2)
    # The border of the volume is none of the fan's: what lies beyond it is not known.
    inner = ndimage.binary_erosion(ndimage.binary_erosion(grown, iterations=2, border_value=1), iterations=2)
    return ultrasound.with_seen(inner if inner.any() else largest)


def gradient_magnitude(volume: Volume) -> np.ndarray:
    """float32 (k, j, i): length of the gradient in grey levels for a mm."""
    steps = [float(mm) for mm in volume.spacing_mm[::-1]]
    axes = [axis for axis, size in enumerate(volume.voxels.shape) if size > 1]
    parts = [np.gradient(volume.voxels.astype(np.float32), steps[axis], axis=axis) for axis in axes]
    magnitude: np.ndarray = np.sqrt(np.sum([part**2 for part in parts], axis=0)).astype(np.float32)
    return magnitude


def seen_corners(volume: Volume) -> np.ndarray:
    """(8, 3) RAS mm: corners of the block in which anything was seen."""
    if volume.seen is None or not volume.seen.any():
        return volume.corners_ras()
    places = np.argwhere(volume.seen)[:, ::-1]
    return transform_points(volume.ijk_to_ras, corners_of_extent(places.min(axis=0) - 0.5, places.max(axis=0) + 0.5))


def _scaled(voxels: np.ndarray) -> np.ndarray:
    """float32, most of it 0 to 1."""
    low, high = np.percentile(voxels, (1, 99))
    scaled: np.ndarray = np.clip((voxels - low) / max(float(high - low), 1e-6), -0.2, 1.5).astype(np.float32)
    return scaled

"""What other scanners make of the same echoes, and what else gets into their pictures. uint8 (v, u) in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...geometry import invert_affine, transform_points
from ..implants.beams import Beams
from ..implants.speckle import with_unit_normal

if TYPE_CHECKING:
    from ...sweep import Sweep

Pictures = Sequence[np.ndarray]
# A bright spot of gas, and what is left of the echoes behind it.
GAS_GREY, SHADOW = 235.0, 0.35
GAS_RADIUS_MM = (1.5, 4.0)


def other_display(pictures: Pictures, strength: float, random: np.random.Generator) -> list[np.ndarray]:
    """Another dynamic range (white stays white) and another gamma."""
    scale, gamma = np.exp(random.uniform(-0.5, 0.5, 2) * strength)
    grey = np.arange(256.0)
    curve = 255 * (np.clip(255 + (grey - 255) * scale, 0, 255) / 255) ** gamma
    # What was not black is not, so that it still counts as seen; and black stays black.
    table = np.where(grey > 0, np.clip(np.rint(curve), 1, 255), 0).astype(np.uint8)
    return [table[picture] for picture in pictures]


def persistent(pictures: Pictures, share: float) -> list[np.ndarray]:
    """Each picture with that share of what was shown before it."""
    shown: list[np.ndarray] = []
    mean = np.asarray(pictures[0], dtype=np.float64)
    for picture in pictures:
        mean = share * mean + (1 - share) * picture
        shown.append(np.where(picture > 0, np.clip(np.rint(mean), 1, 255), 0).astype(np.uint8))
    return shown


def with_reduced_speckle(picture: np.ndarray, strength: float, window: int = 5) -> np.ndarray:
    """Lee's filter (Lee 1980): the local mean where the picture varies no more than its speckle, itself at edges."""
    from scipy import ndimage

    grey, seen = picture.astype(np.float32), (picture > 0).astype(np.float32)
    weight = np.maximum(ndimage.uniform_filter(seen, window), 1e-3)
    mean = ndimage.uniform_filter(grey, window) / weight
    variance = np.maximum(ndimage.uniform_filter(grey * grey, window) / weight - mean * mean, 0.0)
    usual = float(np.median(variance[seen > 0])) if seen.any() else 0.0
    kept = np.clip((variance - usual) / np.maximum(variance, 1e-3), 0.0, 1.0)
    filtered = mean + kept * (grey - mean)
    mixed = (1 - strength) * grey + strength * filtered
    result: np.ndarray = np.where(seen > 0, np.clip(np.rint(mixed), 1, 255), 0).astype(np.uint8)
    return result


def with_marks(pictures: Pictures, beside: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """The same text, scale and grey bar beside the picture in every frame, where `beside` (v, u) is true."""
    height, width = beside.shape
    marks = np.zeros(beside.shape, np.uint8)
    for _ in range(int(random.integers(2, 7))):  # lines of text
        v, u = int(random.integers(height)), int(random.integers(width))
        size, length = int(random.integers(5, 9)), int(random.integers(3, 16))
        letters = random.uniform(size=(size, length * size)) < 0.4
        part = marks[v : v + size, u : u + length * size]
        part[letters[: part.shape[0], : part.shape[1]]] = int(random.integers(120, 256))
    marks[:: max(4, height // 18), -6:] = 200  # a scale of depths
    if random.uniform() < 0.5:  # a bar of grey levels
        top = int(random.integers(max(1, height // 2)))
        bar = marks[top : top + height // 3, 2:8]
        bar[:] = np.linspace(255, 1, len(bar)).astype(np.uint8)[:, None]
    marks[~beside] = 0
    return [np.maximum(picture, marks) for picture in pictures]


@dataclass(frozen=True, eq=False)
class Gas:
    """Bright spots fixed in space: middles (n, 3) mm in Reference, radii_mm (n,)."""

    middles: np.ndarray
    radii_mm: np.ndarray


def draw_gas(sweep: Sweep, beams: Beams, random: np.random.Generator) -> Gas:
    """One to four spots side by side, somewhere in the picture of a frame."""
    poses = sweep.image_to_reference()
    pose = with_unit_normal(poses[int(random.integers(len(poses)))])
    depth = beams.depth_mm[0] + random.uniform(0.15, 0.8) * (beams.depth_mm[1] - beams.depth_mm[0])
    across = beams.across[0] + random.uniform(0.1, 0.9) * (beams.across[1] - beams.across[0])
    u, v = beams.pixel(np.array(depth), np.array(across))
    count = int(random.integers(1, 5))
    middle = transform_points(pose, np.array([float(u), float(v), 0.0]))
    return Gas(middle + random.normal(0, 2.5, (count, 3)), random.uniform(*GAS_RADIUS_MM, count))


def with_gas(sweep: Sweep, beams: Beams, gas: Gas) -> list[np.ndarray]:
    """The pictures of the sweep's frames with `gas`: bright where they cut a spot, and dark behind it."""
    width, height = sweep.image_size
    v, u = np.indices((height, width))
    depth, across = beams.place(u, v)
    pictures = []
    for frame in sweep.frames:
        pixels = frame.pixels
        if frame.image_to_reference is not None:
            to_plane = invert_affine(with_unit_normal(frame.image_to_reference))
            for middle, radius in zip(transform_points(to_plane, gas.middles), gas.radii_mm):
                if abs(middle[2]) < radius:
                    cut_mm = float(np.sqrt(radius**2 - middle[2] ** 2))
                    pixels = _with_spot(pixels, beams, depth, across, middle[:2], cut_mm)
        pictures.append(pixels)
    return pictures


def _with_spot(
    pixels: np.ndarray, beams: Beams, depth: np.ndarray, across: np.ndarray, place: np.ndarray, radius_mm: float
) -> np.ndarray:
    at_depth, at_across = (float(one) for one in beams.place(place[0], place[1]))
    aside = (across - at_across) * beams.width_mm(max(at_depth, 1.0))
    below = depth - at_depth
    spot = np.clip(1.5 - np.hypot(aside, below) / radius_mm, 0, 1)
    shadow = np.clip(1.5 - np.abs(aside) / radius_mm, 0, 1) * np.clip(below / radius_mm, 0, 1)
    grey = pixels * (1 - (1 - SHADOW) * shadow)
    grey = grey + spot * (GAS_GREY - grey)
    result: np.ndarray = np.where(pixels > 0, np.clip(np.rint(grey), 1, 255), 0).astype(np.uint8)
    return result

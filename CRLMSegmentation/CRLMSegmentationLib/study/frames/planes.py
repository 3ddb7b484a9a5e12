"""Planes of a case with their truth: the frames of a sweep with the mask cut along each, or slices of a volume.

Reference: Faanes et al., Automatic brain tumor segmentation in 2D intra-operative ultrasound images using MRI tumor
annotations (2D frames; slices of volumes in three directions; labels carried over from other modalities).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import FileFormatError
from ...geometry import occupied_extent, plane_axes, transform_points
from ...inference.averaging import average_seen
from ...inference.resampling import resize
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ...values import Volume
from ..cases.case_files import CaseReader, mask_of
from ..metrics import on_grid_of

# Beside the sweep of a simulated case, and the entry in it: where each picture really was.
PARAMETERS, TRUE_POSES = "parameters.json", "true_image_to_reference"
# Of a slice through a volume, this share must have been seen: less is the border of the sweep.
LEAST_SEEN = 0.2


@dataclass(frozen=True, eq=False)
class LabelledPlane:
    """A picture and the tumor in it.

    name        unique within the case: the number of the frame, or axis and number of the slice
    pixels      (v, u) uint8 grey levels
    tumor       (v, u) boolean, on the same pixels
    spacing_mm  (2,) distance between pixel centres along v and u
    as_tracked  (v, u) boolean: the mask cut along the measured pose, where `tumor` is cut along the true one
    """

    name: str
    pixels: np.ndarray
    tumor: np.ndarray
    spacing_mm: tuple[float, float]
    as_tracked: np.ndarray | None = None

    @property
    def area_mm2(self) -> float:
        """Of the tumor in this plane."""
        return float(self.tumor.sum()) * self.spacing_mm[0] * self.spacing_mm[1]


def cut_along_frame(mask: Volume, image_to_reference: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(v, u) boolean of `shape`: what of a 3D mask (in Reference) lies under each pixel of a frame.

    image_to_reference  (4, 4), pixel (u, v, 0, 1) to mm
    A pixel takes the voxel in which its centre lies, False outside of the mask's grid.
    """
    matrix = np.array(image_to_reference, dtype=np.float64)
    # The third column, which no pixel needs, may be anything in a calibration: one pixel along the normal here.
    matrix[:3, 2] = plane_axes(matrix)[:, 2] * np.linalg.norm(matrix[:3, 0])
    frame = Volume(np.zeros((1, *shape), np.uint8), matrix, frame=mask.frame)
    cut: np.ndarray = on_grid_of(mask, frame).voxels[0] > 0
    return cut


def planes_of(reader: CaseReader, every: int = 1) -> Iterator[LabelledPlane]:
    """Every n-th frame of a case's sweep that has a pose, or every n-th slice of its volume in three directions.

    The tumor is empty throughout where the case has no mask. Raises CRLMError for files that cannot be read.
    """
    if reader.row.sweep:
        yield from _frames(reader, every)
    else:
        yield from _slices(reader, every)


def _frames(reader: CaseReader, every: int) -> Iterator[LabelledPlane]:
    sweep = reader.sweep()
    assert sweep is not None
    mask = _without_border(mask_of(reader.row)) if reader.row.mask else None
    true_poses = None
    if sweep.fields.get(ORIGIN_FIELD) == SIMULATED:
        true_poses = true_poses_beside(Path(reader.row.sweep), len(sweep))
    for number, frame in enumerate(sweep.frames):
        pose = frame.image_to_reference
        if number % every or not frame.valid or pose is None:
            continue
        if frame.pixels.ndim != 2 or frame.pixels.dtype != np.uint8:
            raise FileFormatError(f"The frames of case {reader.row.case} are not grey levels of 8 bits.")
        shape, as_tracked = frame.pixels.shape, None
        empty = np.zeros(shape, dtype=bool)
        tumor = empty if mask is None else cut_along_frame(mask, pose, shape)
        if mask is not None and true_poses is not None:
            as_tracked, tumor = tumor, cut_along_frame(mask, true_poses[number], shape)
        across, down = np.linalg.norm(pose[:3, 0]), np.linalg.norm(pose[:3, 1])
        yield LabelledPlane(str(number), frame.pixels, tumor, (float(down), float(across)), as_tracked)


def _without_border(mask: Volume) -> Volume:
    """The block of a mask in which anything is: every frame asks where that lies."""
    block = occupied_extent(mask.voxels)
    if block is None:
        return mask
    shifted = mask.ijk_to_ras.copy()
    shifted[:3, 3] = transform_points(mask.ijk_to_ras, [part.start for part in reversed(block)])
    return Volume(mask.voxels[block], shifted, frame=mask.frame)


def true_poses_beside(sweep: Path, frames: int) -> np.ndarray | None:
    """(frames, 4, 4) ImageToReference of where the pictures of a simulated sweep really were; None where nothing in
    its folder says so. A tracker that is off by a millimetre would teach that the tumor lies beside itself.
    """
    path = sweep.parent / PARAMETERS
    if not path.is_file():
        return None
    poses = json.loads(path.read_text(encoding="utf-8")).get(TRUE_POSES)
    if poses is None or np.shape(poses) != (frames, 4, 4):
        return None
    return np.array(poses, dtype=np.float64)


def _slices(reader: CaseReader, every: int) -> Iterator[LabelledPlane]:
    case = reader.case()
    spacing = case.volume.spacing_mm[::-1]
    seen = case.volume.voxels > 0 if case.volume.seen is None else case.volume.seen
    for axis, name in enumerate("kji"):
        in_plane = tuple(float(spacing[other]) for other in range(3) if other != axis)
        for number in range(0, case.volume.voxels.shape[axis], every):
            if np.take(seen, number, axis=axis).mean() < LEAST_SEEN:
                continue
            pixels, tumor = (np.take(one.voxels, number, axis=axis) for one in (case.volume, case.tumor))
            yield LabelledPlane(f"{name}{number}", pixels, tumor > 0, (in_plane[0], in_plane[1]))


def resampled(plane: LabelledPlane, pixel_mm: float) -> tuple[Volume, Volume]:
    """(picture, tumor) as a network sees them: uint8 (1, v, u) with pixels of `pixel_mm`, at z = 0.

    Finer pixels are averaged, as the networks' preprocessing does with a frame in use; coarser ones are interpolated.
    The tumor is where at least half of a pixel is. Grey levels are 1 or more: 0 stands for 'not seen' in a data set,
    and all of a frame is seen, so that nothing of it is cut away before it is normalised.
    """
    shape = [max(1, round(size * mm / pixel_mm)) for size, mm in zip(plane.pixels.shape, plane.spacing_mm)]
    averaged = [min(new, old) for new, old in zip(shape, plane.pixels.shape)]
    pixels = average_seen(plane.pixels[None], (1, *averaged), np.ones((1, *plane.pixels.shape), dtype=bool))
    tumor = average_seen(plane.tumor[None].astype(np.float32), (1, *averaged), np.ones((1, *plane.tumor.shape), bool))
    if averaged != shape:
        pixels, tumor = _interpolated(pixels, shape), _interpolated(tumor, shape)
    matrix = np.diag([pixel_mm, pixel_mm, 1.0, 1.0])
    grey = np.clip(np.rint(pixels), 1, 255).astype(np.uint8)
    return Volume(grey, matrix), Volume((tumor >= 0.5 - 1e-4).astype(np.uint8), matrix)


def _interpolated(plane: np.ndarray, shape: list[int]) -> np.ndarray:
    import torch

    resized: np.ndarray = resize(torch.from_numpy(plane)[None], (1, *shape), 1)[0].numpy()
    return resized

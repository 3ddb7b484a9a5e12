"""Three slices through a CT as pictures, with the outlines of what was found in it.

Radiological convention: axial slices are seen from the feet, coronal ones from the front (the patient's right is on the
left), sagittal ones from the patient's left (the front is on the left). Along the nearest axes of an oblique CT.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ..files.dicom_preview import WINDOW_CENTER_HU, WINDOW_WIDTH_HU, as_grey
from ..geometry import invert_affine, occupied_extent, transform_points
from ..values import Volume
from .orientation import Orientation
from .remnant import CutPlane
from .structures import HEPATIC, LIVER, PORTAL, TUMOR, VESSELS, Structures

AXIAL, CORONAL, SAGITTAL = "axial", "coronal", "sagittal"
PLANES = (AXIAL, CORONAL, SAGITTAL)
# What can be shown, in the order in which it is drawn; red, green, blue.
COLORS = {
    LIVER: (222, 184, 135),
    VESSELS: (96, 160, 235),
    PORTAL: (70, 125, 255),
    HEPATIC: (176, 110, 240),
    TUMOR: (235, 64, 52),
}
# Axes of [S, A, R]: the one that a plane is a slice of, then those that run down and to the right in its picture.
_AXES = {AXIAL: (0, 1, 2), CORONAL: (1, 0, 2), SAGITTAL: (2, 0, 1)}
# A picture is larger than the view that it is shown in.
_LEAST_SIDE_PX = 720
_FILLED_SHARE = 0.28
_PAPER = 28
# Of a planned cut: its line, and how bright what would go is left.
_CUT_COLOR, _GOES = (80, 230, 140), 0.55
# Sine of the angle between a slice and the plane of a cut, below which the two are taken for parallel.
_LEAST_UPRIGHT = 0.01


@dataclass(frozen=True, eq=False)
class _Shown:
    """hu [S, A, R], None where there are masks alone; masks of what can be shown, [S, A, R] boolean."""

    hu: np.ndarray | None
    masks: dict[str, np.ndarray]


class CtSlices:
    """The slices of one CT; `ct` in HU, or the structures found in it, or both, on the same voxels."""

    def __init__(self, ct: Volume | None, structures: Structures | None = None) -> None:
        grid = ct if ct is not None else structures.label_map if structures is not None else None
        assert grid is not None, "slices of a CT, or of what was found in one"
        orientation = Orientation.of(grid)
        laid = orientation.lay_volume(grid)
        self._to_ras, self._shape = laid.ijk_to_ras, laid.voxels.shape
        self._spacing = tuple(float(mm) for mm in laid.spacing_mm[::-1])
        masks = {}
        if structures is not None:
            names = [LIVER, *((PORTAL, HEPATIC) if structures.tells_vessels_apart else ()), VESSELS, TUMOR]
            for name in COLORS:
                if name in names:
                    masks[name] = orientation.lay(_mask(structures, name))
        self._shown = _Shown(None if ct is None else laid.voxels, masks)

    def count(self, plane: str) -> int:
        """How many slices a plane has."""
        return int(self._shape[_AXES[plane][0]])

    def spacing_mm(self, plane: str) -> float:
        """Between its slices."""
        return self._spacing[_AXES[plane][0]]

    def at(self, point_ras: np.ndarray) -> dict[str, int]:
        """The slice of each plane that a point (3,) RAS mm of the CT lies nearest to."""
        ijk = transform_points(invert_affine(self._to_ras), point_ras)
        numbers = np.clip(np.rint(ijk[::-1]), 0, np.array(self._shape) - 1).astype(int)
        return {plane: int(numbers[_AXES[plane][0]]) for plane in PLANES}

    def point_of(self, at: Mapping[str, int]) -> np.ndarray:
        """The point (3,) RAS mm of the CT in which a slice of each plane meet."""
        ijk = np.zeros(3)
        for plane, axes in _AXES.items():
            ijk[2 - axes[0]] = at[plane]
        return transform_points(self._to_ras, ijk)

    def begin(self) -> dict[str, int]:
        """The slice of each plane to begin with: through the largest tumor's slice, the liver, or the middle."""
        for name in (TUMOR, LIVER):
            mask = self._shown.masks.get(name)
            extent = None if mask is None else occupied_extent(mask)
            if extent is not None:
                return {plane: (extent[axes[0]].start + extent[axes[0]].stop) // 2 for plane, axes in _AXES.items()}
        return {plane: self.count(plane) // 2 for plane in PLANES}

    def at_pixel(self, plane: str, index: int, across: float, down: float) -> dict[str, int]:
        """The slice of each plane through a place in the picture of one, as parts (0 to 1) of its width and height."""
        through, rows, columns = _AXES[plane]
        numbers = {through: self._within(through, index)}
        # Pictures show both axes backwards, see picture().
        numbers[rows] = self._within(rows, int((1 - down) * self._shape[rows]))
        numbers[columns] = self._within(columns, int((1 - across) * self._shape[columns]))
        return {one: numbers[axes[0]] for one, axes in _AXES.items()}

    def point_in(self, plane: str, index: int, across: float, down: float) -> np.ndarray:
        """The point (3,) RAS mm of the CT at a place in the picture of a slice, as parts of its width and height."""
        through, rows, columns = _AXES[plane]
        ijk = np.zeros(3)
        ijk[2 - through] = self._within(through, index)
        ijk[2 - rows] = (1 - down) * self._shape[rows] - 0.5
        ijk[2 - columns] = (1 - across) * self._shape[columns] - 0.5
        return transform_points(self._to_ras, ijk)

    def place_of(self, plane: str, point_ras: np.ndarray) -> tuple[float, float]:
        """Across and down, as point_in() takes them, of a point (3,) RAS mm of the CT."""
        _, rows, columns = _AXES[plane]
        ijk = transform_points(invert_affine(self._to_ras), point_ras)
        down, across = (1 - (ijk[2 - axis] + 0.5) / self._shape[axis] for axis in (rows, columns))
        return float(across), float(down)

    def direction(self, plane: str) -> np.ndarray:
        """The unit vector (3,) in RAS from each slice of a plane to the next."""
        through = _AXES[plane][0]
        direction: np.ndarray = self._to_ras[:3, 2 - through] / self._spacing[through]
        return direction

    def size_mm(self, plane: str) -> tuple[float, float]:
        """Width and height of a picture."""
        _, rows, columns = _AXES[plane]
        return self._shape[columns] * self._spacing[columns], self._shape[rows] * self._spacing[rows]

    def picture(
        self, plane: str, index: int, shown: Collection[str] = (), cross: dict[str, int] | None = None,
        side_px: int | None = None, cut: CutPlane | None = None,
    ) -> np.ndarray:  # fmt: skip
        """uint8 (rows, columns, 3) of a slice, with square pixels, in the window of an abdomen.

        shown  which of COLORS are laid over it: an outline, and tumors filled lightly
        cross  slices of the other planes, drawn as fine lines
        side_px  the longer side of the picture; None for one in which every pixel of the CT is seen
        cut  along which the liver would be cut: a line, and what would go is darker
        """
        through, rows, columns = _AXES[plane]
        index = self._within(through, index)
        rows_mm, columns_mm = self._spacing[rows], self._spacing[columns]
        height_mm, width_mm = self._shape[rows] * rows_mm, self._shape[columns] * columns_mm
        longer_mm = max(height_mm, width_mm)
        finest_mm = min(rows_mm, columns_mm, longer_mm / _LEAST_SIDE_PX)
        pixel_mm = finest_mm if side_px is None else longer_mm / side_px
        size = (max(1, round(height_mm / pixel_mm)), max(1, round(width_mm / pixel_mm)))
        colors = np.repeat(self._grey(through, index, rows, columns, size)[..., None], 3, axis=2)
        for name, mask in self._shown.masks.items():
            if name in shown:
                _lay(colors, _resized(self._plane(mask, through, index, rows, columns), size), COLORS[name], name)
        if cross is not None:
            self._draw_cross(colors, cross, rows, columns)
        if cut is not None:
            self._draw_cut(colors, cut, plane, index)
        return colors

    def _grey(self, through: int, index: int, rows: int, columns: int, size: tuple[int, int]) -> np.ndarray:
        if self._shown.hu is None:
            return np.full(size, _PAPER, dtype=np.uint8)
        low = WINDOW_CENTER_HU - WINDOW_WIDTH_HU / 2
        plane = self._plane(self._shown.hu, through, index, rows, columns)
        return as_grey(_resized(plane, size, smooth=True), low, low + WINDOW_WIDTH_HU)

    @staticmethod
    def _plane(array: np.ndarray, through: int, index: int, rows: int, columns: int) -> np.ndarray:
        """The slice with superior or anterior above and the patient's right, or front, on the left."""
        assert rows < columns, "what is left of [S, A, R] keeps its order"
        plane: np.ndarray = np.take(array, index, axis=through)[::-1, ::-1]
        return plane

    def _draw_cross(self, colors: np.ndarray, cross: dict[str, int], rows: int, columns: int) -> None:
        for plane, axes in _AXES.items():
            if plane not in cross or axes[0] not in (rows, columns):
                continue
            along = 0 if axes[0] == rows else 1
            at = int((1 - (cross[plane] + 0.5) / self._shape[axes[0]]) * colors.shape[along])
            line = colors[at : at + 2] if along == 0 else colors[:, at : at + 2]
            line[:] = (line * 0.55 + np.array([255, 214, 90]) * 0.45).astype(np.uint8)

    def _draw_cut(self, colors: np.ndarray, cut: CutPlane, plane: str, index: int) -> None:
        through, rows, columns = _AXES[plane]
        size = colors.shape[:2]
        # Pictures show both axes backwards, see picture().
        down, across = (
            self._shape[axis] - 0.5 - (np.arange(count) + 0.5) * self._shape[axis] / count
            for axis, count in zip((rows, columns), size)
        )
        ijk = np.zeros((*size, 3))
        ijk[..., 2 - through], ijk[..., 2 - rows], ijk[..., 2 - columns] = index, down[:, None], across[None, :]
        distance = cut.distance_mm(transform_points(self._to_ras, ijk.reshape(-1, 3))).reshape(size)
        liver = self._shown.masks.get(LIVER)
        if liver is not None:
            goes = _resized(self._plane(liver, through, index, rows, columns), size) & (distance < 0)
            colors[goes] = (colors[goes] * _GOES).astype(np.uint8)
        pixel_mm = self._shape[columns] * self._spacing[columns] / size[1]
        # As wide in a slice that the plane meets at a flat angle as in one that it stands upright in.
        across_slices = self._to_ras[:3, 2 - through] / self._spacing[through]
        upright = np.sqrt(max(0.0, 1.0 - float(np.dot(across_slices, cut.normal)) ** 2))
        # In a slice that lies in the plane there is no line.
        if upright > _LEAST_UPRIGHT:
            colors[np.abs(distance) <= 2.0 * pixel_mm * upright] = _CUT_COLOR

    def _within(self, axis: int, index: int) -> int:
        return int(min(max(index, 0), self._shape[axis] - 1))


def _mask(structures: Structures, name: str) -> np.ndarray:
    """Boolean; of vessels those whose kind is unknown, where others are told apart."""
    if name == VESSELS and structures.tells_vessels_apart:
        mask = structures.vessel_map.voxels == 1
    else:
        mask = structures.mask(name).voxels > 0
    found: np.ndarray = mask
    return found


def _resized(plane: np.ndarray, size: tuple[int, int], smooth: bool = False) -> np.ndarray:
    """`plane` (rows, columns) with another number of pixels over the same area: nearest, or linear between middles."""
    places = [(np.arange(new) + 0.5) * old / new - 0.5 for new, old in zip(size, plane.shape)]
    if not smooth:
        nearest = [np.clip(np.rint(one), 0, old - 1).astype(int) for one, old in zip(places, plane.shape)]
        return plane[np.ix_(*nearest)]
    values = plane.astype(np.float32)
    for axis, (one, old) in enumerate(zip(places, plane.shape)):
        one = np.clip(one, 0, old - 1)
        first = np.minimum(one.astype(int), max(old - 2, 0))
        share = (one - first).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        second = np.minimum(first + 1, old - 1)
        values = np.take(values, first, axis) * (1 - share) + np.take(values, second, axis) * share
    return values


def _lay(colors: np.ndarray, mask: np.ndarray, color: tuple[int, int, int], name: str) -> None:
    """The outline of a mask, two pixels wide; a tumor is tinted as well."""
    if not mask.any():
        return
    inner = mask.copy()
    for _ in range(2):
        shrunk = inner.copy()
        shrunk[1:] &= inner[:-1]
        shrunk[:-1] &= inner[1:]
        shrunk[:, 1:] &= inner[:, :-1]
        shrunk[:, :-1] &= inner[:, 1:]
        inner = shrunk
    if name == TUMOR:
        filled = colors[inner] * (1 - _FILLED_SHARE) + np.array(color) * _FILLED_SHARE
        colors[inner] = filled.astype(np.uint8)
    colors[mask & ~inner] = color

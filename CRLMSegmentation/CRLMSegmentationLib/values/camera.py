"""A pinhole camera with lens distortion, such as a laparoscope's, in the conventions of OpenCV.

Camera frame: origin at the projection centre, x to the right of the image, y down, z forward; mm. Pixel (u, v): u to
the right and v down, (0, 0) is the centre of the pixel in the upper left corner. Model: OpenCV, module calib3d,
'Camera Calibration and 3D Reconstruction'; D. C. Brown, 'Decentering distortion of lenses', 1966.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import GeometryError
from ..words import tr

# None; k1 k2 p1 p2; and k3; and k4 k5 k6, in OpenCV's order.
DISTORTION_COUNTS = (0, 4, 5, 8)
_STEPS, _SOLVED, _CLOSE = 50, 1e-12, 1e-9


@dataclass(frozen=True, eq=False)
class Camera:
    """What maps points before a camera to pixels.

    intrinsics   (3, 3) float64 [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], pixels; no skew, as in OpenCV
    image_size   width and height in pixels of the images that the intrinsics are for
    distortion   (0,), (4,), (5,) or (8,) float64: k1, k2, p1, p2, k3, k4, k5, k6 as OpenCV orders them

    Raises GeometryError for values that are no camera.
    """

    intrinsics: np.ndarray
    image_size: tuple[int, int]
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        matrix = np.array(self.intrinsics, dtype=np.float64)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise GeometryError(tr("The intrinsics of a camera are a (3, 3) matrix of finite numbers."))
        if matrix[0, 1] or matrix[1, 0] or not np.array_equal(matrix[2], (0, 0, 1)):
            raise GeometryError(tr("The intrinsics of a camera have the form [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]."))
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise GeometryError(tr("The focal lengths of a camera must be greater than 0."))
        distortion = np.array(self.distortion, dtype=np.float64).reshape(-1)
        if distortion.size not in DISTORTION_COUNTS or not np.isfinite(distortion).all():
            counts = ", ".join(map(str, DISTORTION_COUNTS))
            raise GeometryError(
                tr(
                    "The distortion of a camera has {counts} finite numbers, not {size}.",
                    counts=counts,
                    size=distortion.size,
                )
            )
        size = tuple(self.image_size)
        if len(size) != 2 or any(length != int(length) or length < 1 for length in size):
            raise GeometryError(tr("The image size of a camera is a width and a height of at least 1 pixel."))
        for array in (matrix, distortion):
            array.setflags(write=False)
        object.__setattr__(self, "intrinsics", matrix)
        object.__setattr__(self, "distortion", distortion)
        object.__setattr__(self, "image_size", (int(size[0]), int(size[1])))

    def project(self, points_mm: np.ndarray) -> np.ndarray:
        """(..., 2) pixels of `points_mm` (..., 3) in the camera frame; NaN for points that are not before the camera.

        As in OpenCV, a point far outside of the view may be folded back into the image by the distortion's polynomial;
        unproject() does not follow it there.
        """
        points = np.asarray(points_mm, dtype=np.float64)
        depth = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        distorted, _ = self._distorted(points[..., :2] / depth)
        projected: np.ndarray = distorted * self._focal + self._center
        return projected

    def unproject(self, pixels: np.ndarray, depth_mm: float | np.ndarray = 1.0) -> np.ndarray:
        """(..., 3) points in the camera frame that project() maps to `pixels` (..., 2).

        depth_mm   z of the points, one for all or (...)
        NaN for pixels that no point before the camera is seen at.
        """
        wanted = (np.asarray(pixels, dtype=np.float64) - self._center) / self._focal
        found = self._undistorted(wanted)
        depth = np.broadcast_to(np.asarray(depth_mm, dtype=np.float64), found.shape[:-1])
        return np.concatenate([found * depth[..., None], depth[..., None]], axis=-1)

    def is_in_image(self, pixels: np.ndarray) -> np.ndarray:
        """Boolean (...) for `pixels` (..., 2): within the area of the image's pixels. False for NaN."""
        pixels = np.asarray(pixels, dtype=np.float64)
        inside = (pixels >= -0.5) & (pixels <= np.array(self.image_size) - 0.5)
        return np.asarray(inside.all(axis=-1))

    def can_see(self, points_mm: np.ndarray) -> np.ndarray:
        """Boolean (...) for `points_mm` (..., 3) in the camera frame: before the camera, and not so far to the side
        that the distortion's polynomial would fold them back.
        """
        points = np.asarray(points_mm, dtype=np.float64)
        is_before = points[..., 2] > 0
        radius = np.linalg.norm(points[..., :2], axis=-1) / np.where(is_before, points[..., 2], np.nan)
        return np.asarray(is_before & (radius < self.turning_radius))

    def at_size(self, image_size: tuple[int, int]) -> Camera:
        """The same camera for its pictures scaled to `image_size` (width, height)."""
        scale = np.array(image_size) / self.image_size
        matrix = np.array(self.intrinsics)
        matrix[:2, :2] *= scale[:, None]
        # The picture's corner is half a pixel before the first pixel's centre.
        matrix[:2, 2] = (matrix[:2, 2] + 0.5) * scale - 0.5
        return Camera(matrix, image_size, self.distortion)

    @property
    def _focal(self) -> np.ndarray:
        return self.intrinsics[[0, 1], [0, 1]]

    @property
    def _center(self) -> np.ndarray:
        return self.intrinsics[:2, 2]

    def _distorted(self, ideal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the lens puts the ideal image coordinates (..., 2), and its (..., 2, 2) derivative."""
        k1, k2, p1, p2, k3, k4, k5, k6 = np.pad(self.distortion, (0, 8 - self.distortion.size))
        x, y = ideal[..., 0], ideal[..., 1]
        r2 = x * x + y * y
        above, below = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)), 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
        scale = above / below
        slope_above, slope_below = k1 + r2 * (2 * k2 + 3 * k3 * r2), k4 + r2 * (2 * k5 + 3 * k6 * r2)
        slope = (slope_above - scale * slope_below) / below
        distorted = np.stack([
            x * scale + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * scale + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ], axis=-1)  # fmt: skip
        across = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
        derivative = np.stack([
            np.stack([scale + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x, across], axis=-1),
            np.stack([across, scale + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x], axis=-1),
        ], axis=-2)  # fmt: skip
        return distorted, derivative

    @cached_property
    def turning_radius(self) -> float:
        """The radius of ideal coordinates at which the lens model turns back: beyond it, it says nothing of
        the lens.
        """
        k1, k2, _, _, k3, k4, k5, k6 = np.pad(self.distortion, (0, 8 - self.distortion.size))
        above, below = np.polynomial.Polynomial([1, k1, k2, k3]), np.polynomial.Polynomial([1, k4, k5, k6])
        twice_r2 = np.polynomial.Polynomial([0, 2])
        slope = above * below + twice_r2 * (above.deriv() * below - above * below.deriv())
        roots = np.concatenate([slope.trim().roots(), below.trim().roots()])
        turning_r2 = roots.real[(np.abs(roots.imag) < 1e-12) & (roots.real > 0)]
        return float(np.sqrt(turning_r2.min())) if turning_r2.size else np.inf

    def _undistorted(self, wanted: np.ndarray) -> np.ndarray:
        """The ideal image coordinates (..., 2) that the lens puts at `wanted`, by Newton's method; NaN for none."""
        if not self.distortion.any():
            return wanted
        farthest = self.turning_radius
        radius = np.linalg.norm(wanted, axis=-1, keepdims=True)
        # From here Newton's method does not step over the solution, whether the lens draws in or out.
        found = wanted * np.minimum(1.0, 0.99 * farthest / np.maximum(radius, 1e-12))
        with np.errstate(all="ignore"):
            for _ in range(_STEPS):
                distorted, derivative = self._distorted(found)
                off = wanted - distorted
                if not (np.abs(off) > _SOLVED).any():
                    break
                along_u, across, along_v = derivative[..., 0, 0], derivative[..., 0, 1], derivative[..., 1, 1]
                u, v = off[..., 0], off[..., 1]
                step = np.stack([along_v * u - across * v, along_u * v - across * u], axis=-1)
                found = found + step / (along_u * along_v - across * across)[..., None]
            off = np.abs(wanted - self._distorted(found)[0]).max(axis=-1, keepdims=True)
            is_there = (off <= _CLOSE) & (np.linalg.norm(found, axis=-1, keepdims=True) <= farthest)
        return np.where(is_there, found, np.nan)

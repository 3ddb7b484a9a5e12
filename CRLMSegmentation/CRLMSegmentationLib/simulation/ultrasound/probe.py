"""The transducer: its fan, the width of its beam at every depth, and the place of a pixel.

The probe's imaging frame has its origin at the middle of the curved face: x along the array, y (depth) into the
tissue, z (elevation) out of the image plane, all in mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .settings import ProbeSettings

SPEED_OF_SOUND_MM_US = 1.54
RANGE_STEP_MM = 0.1


@dataclass(frozen=True, eq=False)
class Probe:
    """A transducer with nothing left open. Angles in radians here, as the fan is computed with them."""

    radius_mm: float
    half_angle_rad: float
    depth_mm: float
    frequency_mhz: float
    focus_mm: float
    elevation_focus_mm: float
    lines: int
    image_width_px: int
    image_height_px: int
    dynamic_range_db: float
    burned_in_marks: bool

    @property
    def wavelength_mm(self) -> float:
        return SPEED_OF_SOUND_MM_US / self.frequency_mhz

    @property
    def samples(self) -> int:
        """Range samples on a scan line, every RANGE_STEP_MM from the face."""
        return int(round(self.depth_mm / RANGE_STEP_MM)) + 1

    @property
    def ranges_mm(self) -> np.ndarray:
        """(samples,) distance from the face."""
        return np.arange(self.samples) * RANGE_STEP_MM

    @property
    def line_angles_rad(self) -> np.ndarray:
        """(lines,) from the left to the right edge of the fan."""
        return np.linspace(-self.half_angle_rad, self.half_angle_rad, self.lines)

    @property
    def fan_area_mm2(self) -> float:
        return self.half_angle_rad * ((self.radius_mm + self.depth_mm) ** 2 - self.radius_mm**2)

    @property
    def axial_sigma_mm(self) -> float:
        """Standard deviation of the two-way pulse envelope: full width at half maximum of 1.3 wavelengths."""
        return 1.3 * self.wavelength_mm / 2.355

    def lateral_sigma_mm(self) -> np.ndarray:
        """(samples,) standard deviation of the two-way lateral beam profile.

        Full width at half maximum 1.2 lambda F# of a dynamically focused receive aperture (F-number 2.2 until the
        14 mm aperture is used up), widened away from the single transmit focus (Cobbold, Foundations of Biomedical
        Ultrasound, 2007).
        """
        distance = np.maximum(self.ranges_mm, 1.0)
        f_number = np.maximum(2.2, distance / 14.0)
        defocus = (distance - self.focus_mm) / (0.75 * self.focus_mm)
        result: np.ndarray = 1.2 * self.wavelength_mm * f_number * np.sqrt(1 + defocus**2) / 2.355
        return result

    def elevation_sigma_mm(self) -> np.ndarray:
        """(samples,) standard deviation of the slice thickness: a fixed lens, 6 mm high."""
        distance = np.maximum(self.ranges_mm, 1.0)
        at_focus = 1.2 * self.wavelength_mm * self.elevation_focus_mm / 6.0
        defocus = (distance - self.elevation_focus_mm) / (0.6 * self.elevation_focus_mm)
        result: np.ndarray = np.minimum(at_focus * np.sqrt(1 + defocus**2), 4.0) / 2.355
        return result

    @property
    def half_width_mm(self) -> float:
        return (self.radius_mm + self.depth_mm) * math.sin(self.half_angle_rad)

    @property
    def face_sag_mm(self) -> float:
        """How far the edges of the curved face lie behind its middle."""
        return self.radius_mm * (1 - math.cos(self.half_angle_rad))

    @property
    def pixel_size_mm(self) -> float:
        """Square pixels, so that the whole fan fits the frame with a small border."""
        across = 2 * self.half_width_mm / (self.image_width_px * 0.96)
        down = (self.depth_mm + self.face_sag_mm) / (self.image_height_px * 0.94)
        return round(max(across, down), 4)

    @property
    def face_pixel(self) -> tuple[float, float]:
        """(u, v) of the middle of the face."""
        return (self.image_width_px - 1) / 2, round(0.03 * self.image_height_px + self.face_sag_mm / self.pixel_size_mm)

    def image_to_face(self) -> np.ndarray:
        """(4, 4) pixel (u, v, 0, 1) to the probe's imaging frame in mm."""
        u, v = self.face_pixel
        matrix = np.diag([self.pixel_size_mm, self.pixel_size_mm, self.pixel_size_mm, 1.0])
        matrix[0, 3], matrix[1, 3] = -u * self.pixel_size_mm, -v * self.pixel_size_mm
        return matrix

    def fan_in_pixels(self) -> dict[str, Any]:
        """The fan as a clip region: center (u, v) of the arcs, both radii in pixels, both angles in degrees."""
        u, v = self.face_pixel
        degrees = math.degrees(self.half_angle_rad)
        return {
            "center_px": [u, v - self.radius_mm / self.pixel_size_mm],
            "radius_start_px": self.radius_mm / self.pixel_size_mm,
            "radius_stop_px": (self.radius_mm + self.depth_mm) / self.pixel_size_mm,
            "angle_start_deg": -degrees,
            "angle_stop_deg": degrees,
        }

    def pixel_samples(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For every pixel (v, u): continuous line index, continuous sample index, and whether it is in the fan."""
        u0, v0 = self.face_pixel
        x = (np.arange(self.image_width_px) - u0)[None, :] * self.pixel_size_mm
        y = (np.arange(self.image_height_px) - v0)[:, None] * self.pixel_size_mm + self.radius_mm
        distance = np.sqrt(x * x + y * y)
        angle = np.arctan2(x, y)
        line = (angle + self.half_angle_rad) / (2 * self.half_angle_rad) * (self.lines - 1)
        sample = (distance - self.radius_mm) / RANGE_STEP_MM
        inside = (line >= 0) & (line <= self.lines - 1) & (sample >= 0) & (sample <= self.samples - 1)
        return line.astype(np.float32), sample.astype(np.float32), inside

    def fan_points_mm(self) -> np.ndarray:
        """(n, 3) points of equal area over the fan, in the imaging frame."""
        near, far = self.radius_mm**2, (self.radius_mm + self.depth_mm) ** 2
        distance = np.sqrt(near + (far - near) * (np.arange(12) + 0.5) / 12)
        angle = (((np.arange(12) + 0.5) / 12) * 2 - 1) * self.half_angle_rad
        x = distance[:, None] * np.sin(angle)[None, :]
        y = distance[:, None] * np.cos(angle)[None, :] - self.radius_mm
        return np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)

    def inside_fan(self, x_mm: np.ndarray, depth_mm: np.ndarray, margin_mm: float = 0.0) -> np.ndarray:
        """Boolean: in-plane points at least `margin_mm` inside the fan's border (the face counts as border too)."""
        y = depth_mm + self.radius_mm
        distance = np.sqrt(x_mm**2 + y**2)
        to_side = distance * np.sin(self.half_angle_rad - np.abs(np.arctan2(x_mm, y)))
        nearest = np.minimum(np.minimum(distance - self.radius_mm, self.radius_mm + self.depth_mm - distance), to_side)
        result: np.ndarray = nearest >= margin_mm
        return result


def draw_probe(rng: np.random.Generator, settings: ProbeSettings, shallowest_depth_mm: float) -> Probe:
    """A probe setting that a surgeon would choose for a lesion that needs at least `shallowest_depth_mm`."""
    depth = float(rng.choice([60.0, 65.0, 70.0, 75.0, 80.0], p=[0.25, 0.25, 0.25, 0.15, 0.10]))
    depth = max(depth, math.ceil(shallowest_depth_mm / 5) * 5.0)
    if settings.depth_mm is not None:
        depth = float(settings.depth_mm)
    frequency, focus = round(rng.uniform(6.0, 9.0), 3), round(rng.uniform(25.0, 65.0), 2)
    elevation_focus, dynamic_range = round(rng.uniform(28.0, 45.0), 2), round(rng.uniform(54.0, 68.0), 2)
    return Probe(
        radius_mm=float(settings.radius_mm),
        half_angle_rad=math.radians(settings.field_of_view_deg) / 2,
        depth_mm=depth,
        frequency_mhz=float(frequency if settings.frequency_mhz is None else settings.frequency_mhz),
        focus_mm=float(focus if settings.focus_mm is None else settings.focus_mm),
        elevation_focus_mm=elevation_focus,
        lines=int(settings.lines),
        image_width_px=int(settings.image_width_px),
        image_height_px=int(settings.image_height_px),
        dynamic_range_db=float(dynamic_range if settings.dynamic_range_db is None else settings.dynamic_range_db),
        burned_in_marks=bool(settings.burned_in_marks),
    )

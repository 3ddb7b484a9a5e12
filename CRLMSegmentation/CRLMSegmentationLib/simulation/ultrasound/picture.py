"""From scatterers to the B-mode picture on the screen.

The scan lines are the scatterers convolved with a separable point spread function whose lateral and elevational width
change with depth, as in Meunier and Bertrand (IEEE Trans. Biomed. Eng. 42(12), 1995) and COLE (Gao et al., IEEE Trans.
Ultrason. Ferroelectr. Freq. Control 56(2), 2009). Every scatterer keeps its exact round-trip phase, so that speckle
arises by interference (Goodman, Speckle Phenomena in Optics, 2007) and moves with the tissue. Then attenuation,
electronic noise, time-gain compensation, log compression and scan conversion (Szabo, Diagnostic Ultrasound Imaging,
2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .liver import SPACING_MM, Liver
from .motion import SmoothCurve, draw_smooth_curve
from .probe import RANGE_STEP_MM, Probe

CELL_MM = 0.42


@dataclass(frozen=True, eq=False)
class Shadow:
    """Lines that lose their echoes for a part of the sweep: gas, a rib-like edge, or lost contact.

    angle_share, width_share  its middle and half width over the fan, -1 to 1
    moment, duration          its middle and half length in the sweep, 0 to 1
    depth_db                  how much is lost
    """

    angle_share: float
    width_share: float
    moment: float
    duration: float
    depth_db: float


@dataclass(frozen=True, eq=False)
class Settings:
    """Drawn knobs of the receive chain. Levels in dB."""

    noise_at_depth_db: float
    noise_slope_db_cm: float
    parenchyma_grey: float
    clutter_db: float
    capsule_mm: float
    capsule_db: float
    gain_down: SmoothCurve
    gain_across: SmoothCurve
    gain_in_time: SmoothCurve
    shadows: tuple[Shadow, ...]
    blur_samples: float
    blur_lines: float


def draw_settings(rng: np.random.Generator, probe: Probe, lesion_angle_share: float) -> Settings:
    """The knobs of one recording. Shadows keep clear of the line through the middle of the lesion."""
    shadows = []
    for kind_chance, narrow, wide in ((0.35, 0.05, 0.14), (0.3, 0.12, 0.3)):
        wanted = rng.uniform() < kind_chance
        width = rng.uniform(narrow, wide)
        side = -1.0 if lesion_angle_share > 0 else 1.0
        place = side * rng.uniform(0.4, 1.0)
        shadow = Shadow(place, width, rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.5), rng.uniform(8.0, 24.0))
        if wanted and abs(place - lesion_angle_share) > 0.35 + width:
            shadows.append(shadow)
    return Settings(
        noise_at_depth_db=rng.uniform(-16.0, -5.0),
        noise_slope_db_cm=1.1 * probe.frequency_mhz * rng.uniform(0.7, 1.0),
        parenchyma_grey=rng.uniform(88.0, 122.0),
        clutter_db=rng.uniform(-30.0, -22.0),
        capsule_mm=rng.uniform(0.8, 1.8),
        capsule_db=rng.uniform(8.0, 13.0),
        gain_down=draw_smooth_curve(rng, rng.uniform(0.6, 1.8), 0.3, 1.5),
        gain_across=draw_smooth_curve(rng, rng.uniform(0.4, 1.2), 0.3, 2.0),
        gain_in_time=draw_smooth_curve(rng, 0.3, 0.3, 2.0),
        shadows=tuple(shadows),
        blur_samples=rng.uniform(0.8, 1.6),
        blur_lines=rng.uniform(0.4, 0.9),
    )


def _gaussian_weights(sigma: float) -> np.ndarray:
    half = max(1, int(math.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    result: np.ndarray = (weights / weights.sum()).astype(np.float32)
    return result


class Painter:
    """Makes the frames of one recording: holds the tables that all of them share."""

    def __init__(self, probe: Probe, liver: Liver, settings: Settings, key: np.ndarray):
        self.probe, self.liver, self.settings, self.key = probe, liver, settings, key
        self.line_step = 2 * probe.half_angle_rad / (probe.lines - 1)
        self.fan = np.array([probe.radius_mm, probe.half_angle_rad, probe.depth_mm])
        self.lateral, self.elevation = probe.lateral_sigma_mm(), probe.elevation_sigma_mm()
        axial = probe.axial_sigma_mm
        half = max(2, int(math.ceil(3 * axial / RANGE_STEP_MM)))
        self.pulse = np.exp(-0.5 * (np.arange(-half, half + 1) * RANGE_STEP_MM / axial) ** 2).astype(np.float32)
        # With unit scatterers the expected power is density x the integral of the squared point spread function.
        spread = math.pi**1.5 * axial * self.lateral * self.elevation / CELL_MM**3
        self.normalization = (1 / np.sqrt(spread)).astype(np.float32)
        self.noise_filter = self.pulse / np.sqrt((self.pulse**2).sum(dtype=np.float32))
        self.clutter_weights = _gaussian_weights(5.0)
        self.thresholds = self._thresholds()
        self.line_at, self.sample_at, self.inside = probe.pixel_samples()
        # dB two-way for every mm: 2 x excess (dB/cm/MHz) x MHz / 10
        self.attenuation_table = 0.2 * liver.attenuation_db_cm_mhz * probe.frequency_mhz
        self.overlay = burned_in_marks(probe) if probe.burned_in_marks else None

    def _thresholds(self) -> np.ndarray:
        """(255,) float32 power at which the grey level reaches 1..255; mean parenchyma (0 dB) has the chosen grey."""
        grey = np.arange(1, 256) - 0.5
        decibels = (grey - self.settings.parenchyma_grey) / 255 * self.probe.dynamic_range_db
        return (10 ** (decibels / 10)).astype(np.float32)

    def _gain(self, moment: float) -> np.ndarray:
        """(lines, samples) float32 amplitude gain that does not come from the tissue: knobs, contact, shadows."""
        settings, probe = self.settings, self.probe
        down = settings.gain_down(probe.ranges_mm / probe.depth_mm)
        share = np.linspace(-1, 1, probe.lines)
        across = settings.gain_across(share / 2) + float(settings.gain_in_time(moment))
        for shadow in settings.shadows:
            # A smooth notch over the lines that comes and goes.
            over = np.clip((shadow.width_share - np.abs(share - shadow.angle_share)) / 0.06 + 0.5, 0, 1)
            present = np.clip((shadow.duration - abs(moment - shadow.moment)) / 0.05 + 0.5, 0, 1)
            across = across - shadow.depth_db * over * present
        gain = across[:, None] + down[None, :]
        # Gel, then the capsule under the face, a little deeper towards the edges of the curved face.
        capsule = settings.capsule_mm * (1 + 0.5 * share**2) + 0.2 * math.sin(9 * moment)
        below = probe.ranges_mm[None, :] - capsule[:, None]
        gain = gain + settings.capsule_db * np.exp(-0.5 * ((below - 0.25) / 0.22) ** 2)
        gain = gain - 14.0 * np.clip(-below / 0.3, 0, 1)
        result: np.ndarray = (10 ** (gain / 20)).astype(np.float32)
        return result

    def frame(self, face_to_liver: np.ndarray, push_mm: float, moment: float, rng: np.random.Generator) -> np.ndarray:
        """(v, u) uint8 picture of the probe at `face_to_liver` (4, 4), pressed in by `push_mm`, at `moment` 0..1."""
        from .kernels.display import grey_levels, scan_convert

        envelope = self.envelope(face_to_liver, push_mm, moment, rng)
        polar = np.empty(envelope.shape, dtype=np.uint8)
        grey_levels(envelope * envelope, self.thresholds, polar)
        picture = np.zeros((self.probe.image_height_px, self.probe.image_width_px), dtype=np.uint8)
        scan_convert(polar, self.line_at, self.sample_at, self.inside, picture)
        if self.overlay is not None:
            np.maximum(picture, self.overlay, out=picture)
        return picture

    def envelope(
        self, face_to_liver: np.ndarray, push_mm: float, moment: float, rng: np.random.Generator
    ) -> np.ndarray:
        """(lines, samples) float32 detected echo; unit scatterers without gain have a mean square of 1."""
        from .kernels.display import smooth_columns, smooth_rows

        probe, settings = self.probe, self.settings
        shape = (probe.lines, probe.samples)
        raw = self._echoes(face_to_liver, push_mm)
        attenuation = np.minimum(self._attenuation_db(face_to_liver, push_mm), 40.0)
        tissue_gain = self._gain(moment) * (10 ** (-attenuation / 20)).astype(np.float32) * self.normalization
        noise_db = settings.noise_at_depth_db + settings.noise_slope_db_cm * (probe.ranges_mm - probe.depth_mm) / 10
        noise_gain = (10 ** (np.maximum(noise_db, -42.0) / 20)).astype(np.float32) * np.float32(math.sqrt(0.5))
        ring_down = (10 ** ((12.0 - 14.0 * probe.ranges_mm) / 20)).astype(np.float32)
        clutter_gain = np.float32(10 ** (settings.clutter_db / 20) * 3.0)

        power = np.zeros(shape, dtype=np.float32)
        work, wide = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
        for part in range(2):
            smooth_rows(raw[part], self.pulse, work)
            signal = work * tissue_gain
            # Side lobes and reverberation: a weak copy smeared over neighbouring lines.
            smooth_columns(signal, self.clutter_weights, wide)
            signal += wide * clutter_gain
            smooth_rows(rng.standard_normal(shape, dtype=np.float32), self.noise_filter, work)
            signal += work * noise_gain
            signal += ring_down * np.float32(0.7)
            power += signal * signal
        magnitude = np.sqrt(power)
        smooth_rows(magnitude, _gaussian_weights(settings.blur_samples), work)
        smooth_columns(work, _gaussian_weights(settings.blur_lines), wide)
        return wide

    def _echoes(self, face_to_liver: np.ndarray, push_mm: float) -> np.ndarray:
        """(2, lines, samples) float32: real and imaginary part of the echoes before the axial pulse."""
        from .kernels.echoes import COSINE, GAUSSIAN, SINE, accumulate_echoes

        probe, liver = self.probe, self.liver
        raw = np.zeros((2, probe.lines, probe.samples), dtype=np.float32)
        accumulate_echoes(
            raw[0], raw[1], liver.amplitude, liver.origin_mm, SPACING_MM, self.key, CELL_MM,
            np.linalg.inv(face_to_liver), self.fan, push_mm, self.line_step, RANGE_STEP_MM, self.lateral,
            self.elevation, 4 * math.pi / probe.wavelength_mm, GAUSSIAN, COSINE, SINE,
        )  # fmt: skip
        return raw

    def _attenuation_db(self, face_to_liver: np.ndarray, push_mm: float) -> np.ndarray:
        """(lines, samples) float32: two-way attenuation beyond that of parenchyma."""
        from .kernels.echoes import excess_attenuation

        attenuation = np.empty((self.probe.lines, self.probe.samples), dtype=np.float32)
        excess_attenuation(
            attenuation, self.liver.kind, self.attenuation_table, self.liver.origin_mm, SPACING_MM, face_to_liver,
            self.fan, push_mm, self.line_step, RANGE_STEP_MM, 4,
        )  # fmt: skip
        return attenuation


def burned_in_marks(probe: Probe) -> np.ndarray:
    """(v, u) uint8: depth ticks every 10 mm at the right edge, a grey bar at the left, a marker by the fan; else 0."""
    width, height = probe.image_width_px, probe.image_height_px
    marks = np.zeros((height, width), dtype=np.uint8)
    inside = probe.pixel_samples()[2]
    v0 = probe.face_pixel[1]
    for centimeter in range(int(probe.depth_mm // 10) + 1):
        v = int(round(v0 + centimeter * 10 / probe.pixel_size_mm))
        length = 8 if centimeter % 5 == 0 else 4
        if v < height:
            marks[v, width - 2 - length : width - 2] = 200
    bar = np.linspace(255, 0, max(height // 4, 2)).astype(np.uint8)
    marks[height // 12 : height // 12 + len(bar), 3 : 3 + max(width // 80, 2)] = bar[:, None]
    u = int(probe.face_pixel[0] - probe.radius_mm * math.sin(probe.half_angle_rad) / probe.pixel_size_mm) - width // 25
    marks[height // 40 : height // 40 + max(height // 60, 2), u : u + max(height // 60, 2)] = 230
    marks[inside] = 0
    return marks

"""What is drawn for the pictures of one patient, and for each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Color = tuple[float, float, float]

# Healthy, dark and congested, grey after chemotherapy, yellow of fat; red, green and blue, 0 to 1, linear.
_LIVERS = ((0.34, 0.095, 0.075), (0.24, 0.07, 0.065), (0.30, 0.165, 0.15), (0.42, 0.20, 0.10))
_GALLBLADDERS = ((0.50, 0.44, 0.42), (0.22, 0.32, 0.25), (0.52, 0.36, 0.24))
_WALLS = ((0.24, 0.075, 0.06), (0.34, 0.15, 0.11), (0.20, 0.09, 0.10))


@dataclass(frozen=True)
class PatientLooks:
    """Of all pictures of a patient; shares and strengths 0 to 1.

    liver, gallbladder, wall, fat  colours, linear
    mottling     of the liver's colour
    fibrosis     share of its surface that is pale; 0 for a smooth liver
    spot_mm      size of pale spots
    wetness      strength of highlights
    stump_mm     height of what is left of the falciform ligament
    gas_mm       how far the pneumoperitoneum lifts the wall off the liver
    border       radius of the picture's circle as a share of the picture's width; None when it fills the picture
    warmth       how red or blue the light is, -1 to 1
    """

    seed: int
    liver: Color
    gallbladder: Color
    wall: Color
    fat: Color
    mottling: float
    fibrosis: float
    spot_mm: float
    wetness: float
    has_gallbladder: bool
    has_stomach: bool
    stump_mm: float
    gas_mm: float
    border: float | None
    warmth: float


@dataclass(frozen=True)
class ViewLooks:
    """Of one picture.

    light_mm     (3,) where the light is in the camera's frame
    exposure     brighter or darker than what suits the picture
    smoke        strength, 0 for none
    blur_px      of the focus
    motion_px    (u, v) how far the camera moved during the exposure
    noise        standard deviation of the sensor, as a share of white
    instruments  how many
    """

    seed: int
    light_mm: Color
    exposure: float
    smoke: float
    blur_px: float
    motion_px: tuple[float, float]
    noise: float
    instruments: int


def draw_patient_looks(rng: np.random.Generator) -> PatientLooks:
    """Of one patient, and of the endoscope."""
    fibrotic = rng.uniform() < 0.4
    return PatientLooks(
        seed=int(rng.integers(2**31)),
        liver=_near(rng, _LIVERS),
        gallbladder=_near(rng, _GALLBLADDERS),
        wall=_near(rng, _WALLS),
        fat=_near(rng, ((0.74, 0.27, 0.05), (0.82, 0.43, 0.15), (0.70, 0.36, 0.13))),
        mottling=float(rng.uniform(0.05, 0.35)),
        fibrosis=float(rng.uniform(0.04, 0.3)) if fibrotic else 0.0,
        spot_mm=float(rng.uniform(2.0, 6.0)),
        wetness=float(rng.uniform(0.4, 1.0)),
        has_gallbladder=bool(rng.uniform() < 0.75),
        has_stomach=bool(rng.uniform() < 0.5),
        stump_mm=float(rng.uniform(1.5, 6.0)),
        gas_mm=float(rng.uniform(70, 120)),
        border=float(rng.uniform(0.37, 0.56)) if rng.uniform() < 0.6 else None,
        warmth=float(rng.uniform(-1, 1)),
    )


def draw_view_looks(rng: np.random.Generator) -> ViewLooks:
    """Of one picture."""
    beside = rng.uniform(-1, 1, 2)
    beside = beside / max(float(np.sqrt((beside * beside).sum())), 0.2) * rng.uniform(3.0, 7.0)
    is_smoky, moves = rng.uniform() < 0.3, rng.uniform() < 0.25
    return ViewLooks(
        seed=int(rng.integers(2**31)),
        light_mm=(float(beside[0]), float(beside[1]), 0.0),
        exposure=float(rng.uniform(0.75, 1.3)),
        smoke=float(rng.uniform(0.1, 0.5)) if is_smoky else 0.0,
        blur_px=float(rng.uniform(0.5, 1.6)),
        motion_px=tuple(rng.uniform(-6, 6, 2)) if moves else (0.0, 0.0),
        noise=float(rng.uniform(0.006, 0.025)),
        instruments=int(rng.choice(3, p=(0.45, 0.4, 0.15))),
    )


def _near(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    """Between two of `colors`, and a little beside."""
    one, other = (np.array(colors[int(rng.integers(len(colors)))]) for _ in range(2))
    mixed = one + rng.uniform() * (other - one)
    red, green, blue = mixed * rng.uniform(0.88, 1.12, 3)
    return float(red), float(green), float(blue)

"""What the tracker records of the tools before and beside a sweep: a stylus that is pivoted for its calibration and
touches landmarks of the liver, and a scope with each of its views.

Poses are raw, as trackers give them and PLUS records them: StylusToTracker, ScopeToTracker, and beside the patient
ReferenceToTracker, the sensor on the liver, which breathes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...sweep import Pose, Sweep, TrackedFrame
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ..lesion_shape import random_rotation
from ..patient.operation import Operation
from ..ultrasound.motion import rigid, small_rotation
from ..ultrasound.settings import SweepSettings
from .landmarks import named_landmarks
from .tracker import Tracker, in_reference

LANDMARK_FIELD = "Landmark"
_RATE_HZ, _HOLD_S, _PIVOT_S, _FIRST_S, _BETWEEN_VIEWS_S = 20.0, 1.5, 20.0, 50.0, 2.0
_PIVOT_TILT_DEG, _TOUCH_TILT_DEG = 48.0, 25.0
# A person finds a place on soft tissue to a millimetre or so along the surface, and presses it in a little.
_ALONG_SURFACE_MM, _PRESSED_MM, _TREMOR_MM = 1.0, (0.2, 1.4), 0.15


@dataclass(frozen=True, eq=False)
class TouchedLandmark:
    """ct_ras (3,) in the CT; true and touched (3,) in Reference: where it is, and where the tip was by the tracker."""

    name: str
    ct_ras: np.ndarray
    true: np.ndarray
    touched: np.ndarray


@dataclass(frozen=True, eq=False)
class ToolRecordings:
    """pivot, touches and scope: recordings without images; scope None without views.

    stylus_tip  (4, 4) StylusTipToStylus;  camera_to_scope  (4, 4): both true
    """

    pivot: Sweep
    touches: Sweep
    scope: Sweep | None
    landmarks: list[TouchedLandmark]
    stylus_tip: np.ndarray
    camera_to_scope: np.ndarray


def record_tools(
    operation: Operation, camera_to_reference: np.ndarray | None = None, settings: SweepSettings | None = None
) -> ToolRecordings:
    """The tools of that patient in the operation: always the same for the same settings, of which the tracking noise
    counts.

    camera_to_reference  (n, 4, 4) true poses of a laparoscope's views, for a tracked scope
    """
    settings = settings or SweepSettings()
    seeds = np.random.SeedSequence(operation.patient.seeds(20268)).spawn(5)
    for_tools, for_tracker, for_pivot, for_touches, for_scope = (np.random.default_rng(one) for one in seeds)
    tracker = Tracker.drawn(for_tracker, settings.tracking_noise_mm, settings.tracking_noise_deg)
    tip = np.eye(4)
    tip[:3, 3] = np.round([*for_tools.uniform(-1.5, 1.5, 2), -for_tools.uniform(120, 165)], 4)
    scope = np.round(rigid(random_rotation(for_tools), for_tools.uniform([-8, -8, 40], [8, 8, 70])), 9)
    touches, landmarks = _touches(for_touches, operation, tracker, tip[:3, 3])
    views = None if camera_to_reference is None else _views(for_scope, tracker, camera_to_reference, scope)
    return ToolRecordings(_pivot(for_pivot, tracker, tip[:3, 3]), touches, views, landmarks, tip, scope)


def _pivot(rng: np.random.Generator, tracker: Tracker, tip: np.ndarray) -> Sweep:
    """The tip rests in a divot beside the patient, the shaft is tilted all around."""
    times = np.arange(int(_PIVOT_S * _RATE_HZ)) / _RATE_HZ
    divot = tracker.reference_to_tracker[:3, 3] + rng.uniform(-60, 60, 3)
    tilt = np.radians(_PIVOT_TILT_DEG) * np.sqrt(np.linspace(0.02, 1, len(times)))
    around, spin = 2 * np.pi * 7 * np.linspace(0, 1, len(times)), 0.6 * np.sin(np.linspace(0, 9, len(times)))
    lean = np.stack([np.cos(around) * np.tan(tilt), np.sin(around) * np.tan(tilt), np.ones_like(tilt)], axis=-1)
    poses = _held(lean, spin, divot + _TREMOR_MM / 2 * rng.standard_normal((len(times), 3)), tip)
    return _recording("pivot", times, {"StylusToTracker": tracker.measured(rng, poses)}, [{}] * len(times))


def _touches(
    rng: np.random.Generator, operation: Operation, tracker: Tracker, tip: np.ndarray
) -> tuple[Sweep, list[TouchedLandmark]]:
    """The stylus is held at one landmark after another."""
    named = named_landmarks(operation.patient)
    count = int(_HOLD_S * _RATE_HZ)
    times = np.concatenate([n * 2 * _HOLD_S + np.arange(count) / _RATE_HZ for n in range(len(named))])
    to_tracker = tracker.reference_at(times)
    tips, leans, spins, fields = [], [], [], []
    for name, point in named.items():
        outward = _outward(operation, point)
        error = _ALONG_SURFACE_MM * rng.standard_normal(3)
        error += outward * (-rng.uniform(*_PRESSED_MM) - (error * outward).sum())
        place = operation.ct_to_reference(point) + error
        lean = small_rotation(np.radians(_TOUCH_TILT_DEG) / 2 * rng.uniform(-1, 1, 3)) @ outward
        tips.append(place + _TREMOR_MM * rng.standard_normal((count, 3)))
        leans.append(lean + 0.02 * rng.standard_normal((count, 3)))
        spins.append(np.full(count, rng.uniform(-3, 3)))
        fields += [{LANDMARK_FIELD: name}] * count
    in_reference_frame = _held(np.concatenate(leans), np.concatenate(spins), np.concatenate(tips), tip)
    stylus = tracker.measured(rng, to_tracker @ in_reference_frame)
    reference = tracker.measured(rng, to_tracker)
    said = {"ReferenceToTracker": reference, "StylusToTracker": stylus}
    touched = in_reference(reference, stylus, tip).reshape(len(named), count, 3).mean(axis=1)
    return _recording("landmarks", times, said, fields), [
        TouchedLandmark(name, point, operation.ct_to_reference(point), touched[number])
        for number, (name, point) in enumerate(named.items())
    ]


def _views(
    rng: np.random.Generator, tracker: Tracker, camera_to_reference: np.ndarray, camera_to_scope: np.ndarray
) -> Sweep:
    """One pose of the scope for each view, in their order."""
    times = np.arange(len(camera_to_reference)) * _BETWEEN_VIEWS_S
    to_tracker = tracker.reference_at(times)
    poses = to_tracker @ camera_to_reference @ np.linalg.inv(camera_to_scope)
    said = {"ReferenceToTracker": tracker.measured(rng, to_tracker), "ScopeToTracker": tracker.measured(rng, poses)}
    return _recording("scope", times, said, [{"View": f"{number:03d}"} for number in range(len(times))])


def _held(lean: np.ndarray, spin_rad: np.ndarray, tips: np.ndarray, tip: np.ndarray) -> np.ndarray:
    """(n, 4, 4) poses of a stylus whose tip (3,) in its own frame is at `tips` (n, 3), and whose shaft points from
    there along `lean` (n, 3), turned about itself by spin_rad (n,).
    """
    back = lean / np.linalg.norm(lean, axis=1, keepdims=True)
    across = np.cross(back, [0.36, 0.48, -0.8])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    cosine, sine = np.cos(spin_rad)[:, None], np.sin(spin_rad)[:, None]
    right = cosine * across + sine * np.cross(back, across)
    turn = np.stack([right, np.cross(back, right), back], axis=-1)
    return rigid(turn, tips - (turn * tip).sum(axis=2))


def _outward(operation: Operation, point_ras: np.ndarray) -> np.ndarray:
    """(3,) unit vector in Reference, out of the liver at a point of the CT."""
    steps = operation.ct_to_reference(point_ras) + np.vstack([np.eye(3), -np.eye(3)])
    outside = operation.patient.shape.outside_mm(operation.reference_to_ct(steps))
    outward = outside[:3] - outside[3:]
    unit: np.ndarray = outward / np.linalg.norm(outward)
    return unit


def _recording(name: str, times: np.ndarray, said: dict[str, np.ndarray], fields: list[dict[str, str]]) -> Sweep:
    """Frames without an image: the measured poses, (n, 4, 4) each by name, at `times` (n,)."""
    frames = [
        TrackedFrame(
            np.zeros((0, 0), dtype=np.uint8),
            None,
            round(_FIRST_S + float(time), 4),
            valid=False,
            transforms={tool: Pose(poses[n]) for tool, poses in said.items()},
            fields=fields[n],
        )
        for n, time in enumerate(times)
    ]
    return Sweep(frames, f"Simulated {name}", {ORIGIN_FIELD: SIMULATED})

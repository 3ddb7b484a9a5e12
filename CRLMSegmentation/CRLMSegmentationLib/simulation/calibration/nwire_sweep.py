"""A simulated recording of an N-wire phantom in water, whose ImageToProbe is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry import transform_points
from ...sweep import Pose, Sweep, TrackedFrame

RATE_HZ = 12.0
# A wire is wider across the beam than along it; mm, standard deviations.
_WIDE_MM, _DEEP_MM = 0.45, 0.2
_WATER_GREY, _WIRE_GREY = 6.0, 170.0


@dataclass(frozen=True, eq=False)
class NWireTruth:
    """What the recording is made of.

    ends_mm               (wires, 2, 3) front and back end of each wire in Phantom
    phantom_to_reference  (4, 4)
    image_to_probe        (4, 4) pixel to mm
    image_size            width and height in pixels
    aim_mm                (3,) in Phantom: the middle of the images
    right, down           (3,) unit vectors in Phantom: the axes of an image that is square to the wires
    """

    ends_mm: np.ndarray
    phantom_to_reference: np.ndarray
    image_to_probe: np.ndarray
    image_size: tuple[int, int]
    aim_mm: np.ndarray
    right: np.ndarray
    down: np.ndarray


def probe_poses(
    truth: NWireTruth, count: int, way_mm: float, turn_deg: float, random: np.random.Generator
) -> np.ndarray:
    """(n, 4, 4) ProbeToReference of a hand that moves the probe along the wires by `way_mm` and turns it."""
    from scipy.spatial.transform import Rotation

    width, height = truth.image_size
    square = np.column_stack([truth.right, truth.down, np.cross(truth.right, truth.down)])
    scale = np.linalg.norm(truth.image_to_probe[:3, :3], axis=0)
    rigid = truth.image_to_probe @ np.diag([*(1 / scale), 1.0])
    times = np.arange(count) / RATE_HZ
    swing = np.sin(2 * np.pi * (random.uniform(0.1, 0.35, 5) * times[:, np.newaxis] + random.uniform(0, 1, 5)))
    poses = []
    for one in swing:
        turn = Rotation.from_rotvec(np.radians(turn_deg) / 2 * one[:3]).as_matrix()
        placed = np.eye(4)
        placed[:3, :3] = square @ turn
        middle = np.array([(width - 1) / 2 * scale[0], (height - 1) / 2 * scale[1], 0.0])
        aim = truth.aim_mm + one[3] * way_mm / 2 * square[:, 2] + one[4] * 2.0 * truth.right
        placed[:3, 3] = aim - placed[:3, :3] @ middle
        poses.append(truth.phantom_to_reference @ placed @ np.linalg.inv(rigid))
    return np.array(poses)


def wire_points(truth: NWireTruth, probe_to_reference: np.ndarray) -> np.ndarray:
    """(n, wires, 2) pixels where the images of (n, 4, 4) poses cut the wires, drawn out without end."""
    found = []
    for pose in probe_to_reference:
        to_image = np.linalg.inv(pose @ truth.image_to_probe) @ truth.phantom_to_reference
        front, back = transform_points(to_image, truth.ends_mm).transpose(1, 0, 2)
        share = front[:, 2:] / (front[:, 2:] - back[:, 2:])
        found.append((front + share * (back - front))[:, :2])
    return np.array(found)


def nwire_sweep(
    truth: NWireTruth, said: np.ndarray, points: np.ndarray, random: np.random.Generator, is_noisy: bool = True
) -> Sweep:
    """The recording.

    said    (n, 4, 4) ProbeToReference as the tracker says
    points  (n, wires, 2) pixels of the wires, as wire_points() of the true poses gives them
    """
    width, height = truth.image_size
    scale = np.linalg.norm(truth.image_to_probe[:3, :2], axis=0)
    rows, columns = np.mgrid[0:height, 0:width]
    frames = []
    for number, (pose, wires) in enumerate(zip(said, points)):
        image = random.rayleigh(_WATER_GREY, (height, width)) if is_noisy else np.zeros((height, width))
        for u, v in wires:
            square = ((columns - u) * scale[0] / _WIDE_MM) ** 2 + ((rows - v) * scale[1] / _DEEP_MM) ** 2
            image += _WIRE_GREY * np.exp(-square / 2) * (random.uniform(0.6, 1.2) if is_noisy else 1.0)
        frames.append(
            TrackedFrame(
                image.clip(0, 255).astype(np.uint8), pose @ truth.image_to_probe, 100 + number / RATE_HZ,
                transforms={"ProbeToReference": Pose(pose)}, fields={"DataOrigin": "simulated"},
            )
        )  # fmt: skip
    return Sweep(frames, "phantom", {"DataOrigin": "simulated"})

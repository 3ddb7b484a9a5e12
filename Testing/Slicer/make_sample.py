"""Makes the sample that the module ships: python Testing/Slicer/make_sample.py

A small simulated sweep over one metastasis, there and back, so that it can be played in a loop without a jump. A stylus
comes towards the tumor, enters it while the probe is above it, and leaves again; on the way back the tracker does not
see it for a few frames. Nothing in it comes from a patient.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

MODULE = Path(__file__).resolve().parents[2] / "CRLMSegmentation"
sys.path.insert(0, str(MODULE))

from CRLMSegmentationLib.geometry import transform_points  # noqa: E402
from CRLMSegmentationLib.simulation import LesionSettings, ProbeSettings, SweepSettings, simulate_case  # noqa: E402
from CRLMSegmentationLib.sweep import Pose, Sweep, write_sweep  # noqa: E402
from CRLMSegmentationLib.sweep.sweep import ORIGIN_FIELD, SIMULATED  # noqa: E402

SEED = 7
FRAMES = 190
FRAMES_PER_SECOND = 15.0
AWAY_MM, INSIDE_MM = 55.0, 6.0
UNSEEN = range(112, 121)


def main() -> None:
    case = simulate_case(
        SEED,
        lesion=LesionSettings(echogenicity="hypoechoic", equivalent_diameter_mm=16.0, contrast_db=-9.0),
        probe=ProbeSettings(depth_mm=60.0, image_width_px=240, image_height_px=192, burned_in_marks=False),
        sweep=SweepSettings(frames=FRAMES, swept_volume_ml=100.0, lost_poses=2, latency_s=0.0),
    )
    frames = [
        frame.with_changes(
            # PLUS takes no frame at 0 s.
            timestamp=1.0 + number / FRAMES_PER_SECOND,
            transforms={
                "ProbeToReference": frame.transforms["ProbeToReference"],
                "StylusToReference": pose,
                "StylusTipToStylus": Pose(np.eye(4)),
            },
        )
        for number, (frame, pose) in enumerate(zip(there_and_back(case.sweep.frames), stylus_poses(case)))
    ]
    path = MODULE / "Resources" / "SampleData" / "SimulatedLiverSweep.igs.mha"
    path.parent.mkdir(exist_ok=True)
    write_sweep(Sweep(frames, "Simulated liver sweep", {ORIGIN_FIELD: SIMULATED}), path)
    truth = {
        "what": "simulated, not a patient",
        "seed": SEED,
        "tumor_center_ras_mm": [round(float(value), 2) for value in points_of(case.tumor).mean(axis=0)],
        "tumor_volume_ml": round(float(np.count_nonzero(case.tumor.voxels) * case.tumor.voxel_volume_mm3 / 1000), 2),
    }
    path.with_name("SimulatedLiverSweep.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / "SHA256SUMS").write_text(f"{digest}  {path.name}\n", encoding="ascii")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(frames)} frames")


def there_and_back(frames) -> list:
    """Every other frame on the way there, those left out on the way back."""
    return [*frames[::2], *frames[1::2][::-1]]


def stylus_poses(case) -> list[Pose]:
    """One for each frame, along a line: AWAY_MM outside the tumor at the ends of the sweep, INSIDE_MM in above it."""
    points = points_of(case.tumor)
    center = points.mean(axis=0)
    valid = case.sweep.valid_frames
    middle = min(valid, key=lambda frame: np.linalg.norm(_middle(frame) - center))
    right, depth = (_unit(middle.image_to_reference[:3, axis]) for axis in (0, 1))
    # From the probe's side, past the probe.
    outward = _unit(-0.6 * depth + 0.8 * right)
    border_mm = ((points - center) @ outward).max()
    # A stylus points along its own -z: its shaft lies outward of the tip.
    side = _unit(np.cross(outward, np.cross(right, depth)))
    rotation = np.column_stack([side, np.cross(outward, side), outward])
    frames = there_and_back(case.sweep.frames)
    shares = there_and_back(np.linspace(0, 1, len(frames)))
    above = shares[frames.index(middle)]
    poses = []
    for number, share in enumerate(shares):
        near = share / above if share < above else (1 - share) / (1 - above)
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = center + outward * (border_mm + AWAY_MM - (AWAY_MM + INSIDE_MM) * near)
        poses.append(Pose(matrix, number not in UNSEEN))
    return poses


def points_of(mask) -> np.ndarray:
    """(n, 3) RAS mm of the voxels of a mask that are not zero."""
    return transform_points(mask.ijk_to_ras, np.argwhere(mask.voxels)[:, ::-1])


def _middle(frame) -> np.ndarray:
    width, height = frame.image_size
    return (frame.image_to_reference @ [width / 2, height / 2, 0, 1])[:3]


def _unit(vector) -> np.ndarray:
    return vector / np.linalg.norm(vector)


if __name__ == "__main__":
    main()

"""The delay of images over a water tank, by this project and by PLUS's TemporalCalibration, with a delay that is known.

    python Testing/Benchmarks/water_tank.py [--plus /path/to/TemporalCalibration] [--recordings 4]

A probe goes up and down over the bottom of a tank; the image of time t shows what was at t - delay. As in PLUS's own
recording there are 200 images at 11 per second and 40 poses per second. PLUS has the sign of the tracker: its
TrackerLagSec is the negative of our delay. Prints a table. A recording whose motion is so even that another delay, and
the other direction, explain it nearly as well is refused by this project; the table says so and goes on.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from CRLMSegmentationLib.calibration.temporal_calibration import estimate_image_delay
from CRLMSegmentationLib.errors import TimingError
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.tracking.pairing.interpolation import interpolate_pose

HEIGHT, WIDTH, PIXEL_MM = 240, 120, 0.4
IMAGE_HZ, POSE_HZ, SECONDS, START_S = 11.0, 40.0, 19.0, 100.0


def depth_mm(times_s: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """How deep the probe is: about a centimetre up and down in a second and a half, at changing speed."""
    rates, phases = random.uniform(0.5, 0.9, 3), random.uniform(0, 2 * np.pi, 3)
    return 5.0 * np.sin(2 * np.pi * rates[0] * times_s + phases[0]) + 2.5 * np.sin(
        2 * np.pi * 1.7 * rates[1] * times_s + phases[1]
    )


def recording(delay_s: float, seed: int, tilt_mm: float = 6.0, scan_s: float = 0.0) -> tuple[Sweep, Sweep]:
    """(images without poses, poses without images); the bottom is a line, tilted in the image by `tilt_mm`.

    scan_s  from the first to the last line of an image: its middle is `delay_s` late, its sides half of this less and
            more. Lines farther right are fainter, as where a probe does not touch well
    """
    random = np.random.default_rng(seed)
    image_times = START_S + np.arange(int(SECONDS * IMAGE_HZ)) / IMAGE_HZ
    pose_times = START_S - 1 + np.arange(int((SECONDS + 2) * POSE_HZ)) / POSE_HZ
    motion = np.random.default_rng(seed + 1000)
    path = motion.bit_generator.state
    line_times = image_times[:, np.newaxis] - delay_s - np.linspace(-0.5, 0.5, WIDTH) * scan_s
    at_images = depth_mm(line_times, motion)
    motion.bit_generator.state = path
    at_poses = depth_mm(pose_times, motion)
    rows = np.arange(HEIGHT)[:, np.newaxis]
    slope = np.linspace(-tilt_mm / 2, tilt_mm / 2, WIDTH)[np.newaxis] / PIXEL_MM
    images = []
    for time_s, depth in zip(image_times, at_images):
        line = (55.0 - depth[np.newaxis]) / PIXEL_MM + slope
        bright = np.linspace(190.0, 60.0 if scan_s else 190.0, WIDTH)
        grey = 15 * random.rayleigh(1, (HEIGHT, WIDTH)) + bright * np.exp(-(((rows - line) * PIXEL_MM / 0.8) ** 2) / 2)
        images.append(TrackedFrame(grey.clip(0, 255).astype(np.uint8), None, float(time_s), valid=False))
    poses = []
    for time_s, depth in zip(pose_times, at_poses):
        matrix = np.eye(4)
        matrix[:3, 3] = np.array([200.0, -30.0, depth]) + random.normal(0, 0.1, 3)
        moved = {"ProbeToTracker": Pose(matrix), "ReferenceToTracker": Pose(np.eye(4))}
        poses.append(TrackedFrame(np.zeros((0, 0), np.uint8), None, float(time_s), valid=False, transforms=moved))
    return Sweep(images, "images"), Sweep(poses, "poses")


def ours_s(images: Sweep, poses: Sweep) -> tuple[float, float]:
    """The delay and its standard error by this project, from poses interpolated for the times of the images.

    Raises TimingError where the recording is refused.
    """
    samples = [(frame.timestamp, frame.transforms["ProbeToTracker"]) for frame in poses.frames]
    frames = []
    for frame in images.frames:
        pose = interpolate_pose(samples, frame.timestamp, 0.2)
        assert pose is not None
        frames.append(frame.with_changes(image_to_reference=pose.matrix, valid=True))
    found = estimate_image_delay(Sweep(frames, "paired"), is_calibrated=False)
    return found.image_delay_s, found.standard_error_s


def plus_s(images: Sweep, poses: Sweep, program: str) -> float | None:
    """The same by PLUS; None when it gives no answer."""
    with tempfile.TemporaryDirectory() as folder:
        fixed, moving = (str(Path(folder) / f"{name}.igs.mha") for name in ("images", "poses"))
        write_sweep(images, fixed)
        write_sweep(poses, moving)
        done = subprocess.run(
            [program, f"--fixed-seq-file={fixed}", f"--moving-seq-file={moving}", "--max-time-offset-sec=0.5",
             "--moving-probe-to-reference-transform=ProbeToReference", f"--intermediate-file-output-dir={folder}",
             "--verbose=3"],
            capture_output=True, encoding="utf-8", timeout=300,
        )  # fmt: skip
        found = re.search(r"lag[^\n]*?(-?\d+\.\d+)", done.stdout + done.stderr, re.IGNORECASE)
        return -float(found.group(1)) if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plus", help="PLUS's program TemporalCalibration")
    parser.add_argument("--recordings", type=int, default=4)
    arguments = parser.parse_args()
    print("true (ms)   line by line in (ms)   ours (ms)       PLUS (ms)")
    for seed in range(arguments.recordings):
        for delay_s, scan_s in ((-0.05, 0.0), (0.0, 0.0), (0.0512, 0.0), (0.1, 0.0), (0.06, 0.08)):
            images, poses = recording(delay_s, seed, scan_s=scan_s)
            try:
                value, error = ours_s(images, poses)
                ours = f"{1000 * value:7.1f} ± {1000 * error:3.1f}"
            except TimingError as refusal:
                ours = f"refused: {refusal}"
            other = plus_s(images, poses, arguments.plus) if arguments.plus else None
            delay_text = "" if other is None else f"{1000 * other:8.1f}"
            print(f"{1000 * delay_s:8.1f}   {1000 * scan_s:8.0f}               {ours}   {delay_text}", flush=True)


if __name__ == "__main__":
    main()

"""How long the steps behind a laparoscope's network take on one core.

    python Testing/Benchmarks/laparoscope.py [--frames N] [--repeats N] [--json FILE]

Post-processing: from the probabilities of a frame of 416 x 320 to its lines, and the search for the camera's circle (in
a video it stays where it is). The frames are views of simulated patients, each landmark as wide as
an annotator draws it, with holes, specks and a soft border, as a network gives it. Times are those of the thread on the
processor, so that other programs do not count; what the caches lose to them still does. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation")]

import numpy as np  # noqa: E402
from CRLMSegmentationLib.laparoscopy.lines.image_circle import ImageCircle, find_circle  # noqa: E402
from CRLMSegmentationLib.laparoscopy.lines.landmark_lines import lines_of  # noqa: E402
from CRLMSegmentationLib.simulation.laparoscope import LANDMARKS, draw_views  # noqa: E402
from CRLMSegmentationLib.simulation.patient import draw_operation, draw_patient  # noqa: E402
from scipy import ndimage  # noqa: E402

SIZE = (416, 320)
NAMES = ("ridge", "falciform ligament", "silhouette")


def frames(count: int):
    """(picture, probabilities) of views of simulated patients."""
    for number in range((count + 3) // 4):
        views = draw_views(draw_operation(draw_patient(100 + number)), min(4, count - 4 * number))
        for landmarks in views.landmarks:
            rng = np.random.default_rng(number)
            v = np.linspace(0, landmarks.shape[0] - 1, SIZE[1]).round().astype(int)
            u = np.linspace(0, landmarks.shape[1] - 1, SIZE[0]).round().astype(int)
            channels = np.zeros((3, SIZE[1], SIZE[0]), dtype=np.float32)
            for channel, name in zip(channels, NAMES):
                there = ndimage.binary_dilation(landmarks == LANDMARKS[name], iterations=3)[np.ix_(v, u)]
                noise = ndimage.gaussian_filter(rng.normal(0, 1, there.shape), 4) * 1.5
                channel[:] = np.clip(ndimage.gaussian_filter(1.1 * there, 1.0) + noise, 0, 1)
            circle = ImageCircle(207.0, 160.0, 185.0)
            picture = rng.uniform(60, 200, (SIZE[1], SIZE[0], 3)) * circle.inside((SIZE[1], SIZE[0]))[..., None]
            yield picture.astype(np.uint8), channels


def measure(count: int, repeats: int) -> dict[str, float]:
    times: dict[str, list[float]] = {"circle": [], "lines": []}
    found = []
    for picture, channels in frames(count):
        lines_of(channels, find_circle(picture))  # compiled, and in the caches
        of_frame: dict[str, list[float]] = {"circle": [], "lines": []}
        for _ in range(repeats):
            before = time.thread_time()
            circle = find_circle(picture)
            between = time.thread_time()
            found.append(len(lines_of(channels, circle)))
            of_frame["circle"].append(between - before)
            of_frame["lines"].append(time.thread_time() - between)
        for name, values in of_frame.items():
            times[name].append(1000 * statistics.median(values))
    both = [one + other for one, other in zip(*times.values())]
    return {
        "frames": len(both),
        "lines_per_frame": statistics.mean(found),
        "circle_ms": statistics.median(times["circle"]),
        "lines_ms": statistics.median(times["lines"]),
        "post_ms": statistics.median(both),
        "post_ms_slowest_frame": max(both),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    figures = measure(arguments.frames, arguments.repeats)
    print("| post-processing, 416 x 320, one core | |\n| --- | --- |")
    for name, value in figures.items():
        print(f"| {name.replace('_', ' ')} | {value:.2f} |")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""`crlm scope landmarks`: ridge, ligament and silhouette of the liver in pictures and videos."""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError
from ...files.laparoscope.landmark_mask_file import write_landmark_mask
from ...files.laparoscope.polylines_file import write_polylines
from ...values.landmarks import LANDMARKS, Polyline
from ..options.checks import at_least_one
from ..options.engine_options import add_engine_options
from ..options.outputs import Output, add_force_option, check_folder, check_outputs
from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar

if TYPE_CHECKING:
    from ...inference.engine import WorkerPredictor
    from ...laparoscopy.video import VideoSource

EXAMPLES = (
    "crlm scope landmarks picture.png -o found",
    "crlm scope landmarks video.mp4 -o found --stride 5 --json",
)
LINES = "polylines.json"
UNPROVEN = "What it finds, or does not find, in a patient is unproven."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", metavar="VIDEO|IMAGE", help="a video, a picture, or a folder of pictures")
    parser.add_argument("-o", "--output", required=True, metavar="DIR",
                        help=f"folder for a mask of each picture (.png: 0 nothing, 1 ridge, 2 ligament, 3 silhouette) "
                        f"and {LINES}")  # fmt: skip
    parser.add_argument("--model", metavar="NAME|FOLDER",
                        help="model for the task 'landmarks' (default: the one that is installed)")  # fmt: skip
    parser.add_argument("--stride", type=at_least_one, default=1, metavar="N", help="every n-th frame (default 1)")
    parser.add_argument("--threshold", type=float,
                        help="probability from which a pixel belongs to a landmark (default the model's)")  # fmt: skip
    add_engine_options(parser)
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    if arguments.threshold is not None and not 0 < arguments.threshold < 1:
        raise ConfigurationError(f"--threshold is {arguments.threshold:g}; it must lie between 0 and 1.")
    from ...inference.engine import WorkerPredictor
    from ...laparoscopy.network.landmark_finder import LandmarkFinder, landmark_model
    from ...laparoscopy.video import pictures_of, video_source

    source, folder = video_source(arguments.video), Path(arguments.output)
    _check(folder, source, arguments)
    model = landmark_model(arguments.model)
    found = _Found(folder)
    with WorkerPredictor(model, arguments.device, False, arguments.threads, arguments.runtime) as predictor:
        _wait_for(predictor)
        # Frames of an earlier run would be taken for those of this one; nothing is lost when this one cannot begin.
        for file in _earlier_frames(folder) if source.video else ():
            file.unlink()
        finder = LandmarkFinder(predictor, arguments.threshold or model.card.threshold)
        with progress_bar("Landmarks") as progress:
            for name, picture in pictures_of(source, arguments.stride):
                found.add(name, picture, finder.find(picture))
                done = len(found.lines) * arguments.stride / max(source.expected, 1)
                progress(done, f"picture {len(found.lines)}")
        runtime = predictor.status.runtime
    assert found.size is not None
    write_polylines(found.lines, found.size, folder / LINES)
    doubts = [f"{model.card.trained_on} {UNPROVEN}"] if model.card.trained_on_simulated_only else []
    _report(arguments.output, found, {"model": model.name, "runtime": runtime}, doubts + found.doubts())


class _Found:
    """What was found in each picture; its mask is written at once."""

    def __init__(self, folder: Path):
        self.lines: dict[str, list[Polyline]] = {}
        self.size: tuple[int, int] | None = None
        self.network_ms: list[float] = []
        self.post_ms: list[float] = []
        self._dark: list[str] = []
        self._interlaced: list[str] = []
        self._folder = folder

    def add(self, name: str, picture: np.ndarray, landmarks: Any) -> None:
        from ...laparoscopy.network.landmark_finder import drawn
        from ...laparoscopy.picture import is_dark

        size = (picture.shape[1], picture.shape[0])
        if self.size not in (None, size):
            raise ConfigurationError(
                f"{name} is a picture of {size[0]} x {size[1]} pixels, and those before it were of another size: give "
                "pictures of one size at a time."
            )
        self.size = size
        self._folder.mkdir(parents=True, exist_ok=True)
        write_landmark_mask(drawn(landmarks.lines, size), self._folder / f"{name}.png")
        self.lines[name] = landmarks.lines
        self.network_ms.append(landmarks.network_ms)
        self.post_ms.append(landmarks.post_ms)
        if landmarks.is_interlaced:
            self._interlaced.append(name)
        if is_dark(picture):
            self._dark.append(name)

    def with_landmark(self, landmark: str) -> int:
        """In how many pictures it was found."""
        return sum(any(line.landmark == landmark for line in lines) for lines in self.lines.values())

    def doubts(self) -> list[str]:
        empty = [name for name, lines in self.lines.items() if not lines and name not in self._dark]
        of = f"of {len(self.lines)} pictures"
        return [
            f"doubt: {len(names)} {of} (the first: {names[0]}) {what}"
            for names, what in (
                (self._dark, "are dark: is the lamp off, or the lens covered?"),
                (empty, "show no landmark: is the liver in view?"),
                (self._interlaced, "are interlaced: of two moments in one picture the first was taken; switch it off."),
            )
            if names
        ]


def _check(folder: Path, source: VideoSource, arguments: argparse.Namespace) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"-o {folder} is a file; give the name of a folder.")
    check_folder(folder, "-o")
    inputs = [*source.files, source.video]
    masks = [Output("-o", folder / f"{name}.png") for name in source.names[:: arguments.stride]]
    check_outputs([Output("-o", folder / LINES, by_library=False), *masks], inputs, arguments.force)
    if source.video is None:
        return
    if (earlier := _earlier_frames(folder)) and not arguments.force:
        raise ConfigurationError(
            f"{earlier[0]} is already there and is not overwritten: choose another folder for -o, or give --force."
        )


def _earlier_frames(folder: Path) -> list[Path]:
    """Masks of a video's frames that an earlier run has written."""
    from ...laparoscopy.video import FRAME_NAME

    return sorted(folder.glob(FRAME_NAME.format(0).rstrip("0") + "*.png"))


def _wait_for(predictor: WorkerPredictor) -> None:
    with progress_bar("Start") as progress:
        progress(0.0, "loading the model")
        predictor.wait_until_ready()


def _report(output: str, found: _Found, about: dict[str, Any], doubts: list[str]) -> None:
    network_ms, post_ms = median(found.network_ms), median(found.post_ms)
    counts = {name: found.with_landmark(name) for name in LANDMARKS}
    print_facts({"pictures": len(found.lines), "landmarks": counts, "network_ms": network_ms, "post_ms": post_ms,
                 **about, "doubts": doubts})  # fmt: skip
    seen = ", ".join(f"{name} in {count}" for name, count in counts.items())
    print(
        f"{output}: {len(found.lines)} pictures, {seen}; network {network_ms:.0f} ms, lines {post_ms:.1f} ms a picture"
    )
    for doubt in doubts:
        print_doubt(doubt)

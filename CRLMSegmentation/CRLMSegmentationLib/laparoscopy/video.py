"""Pictures of a laparoscope from a file: a video, a picture, or a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import LaparoscopeError
from ..files.laparoscope.landmark_mask_file import read_picture
from ..sweep.sequence_files.sequence_reader import SequenceReader
from ..sweep.tracked_frame import Pose
from ..words import tr
from .camera.opencv import opencv

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
VIDEO_ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".mpg", ".mpeg", ".webm", ".m4v", ".wmv")
# Recordings of a video with its poses.
SEQUENCE_ENDINGS = (".mha", ".mhd", ".nrrd", ".nhdr")
FRAME_NAME = "frame_{:06d}"


@dataclass(frozen=True)
class VideoSource:
    """Where pictures come from.

    files     pictures, in order; empty for a video
    video     a video or a recording; None for pictures
    expected  how many frames there are, as far as the file says
    """

    files: tuple[Path, ...] = ()
    video: Path | None = None
    expected: int = 0

    @property
    def is_recording(self) -> bool:
        """A sequence of frames with their times and poses."""
        return self.video is not None and self.video.suffix.lower() in SEQUENCE_ENDINGS

    @property
    def names(self) -> tuple[str, ...]:
        """Of the pictures; those of a video's frames are known when they are read: FRAME_NAME with their number."""
        return tuple(file.stem for file in self.files)


def video_source(path: str | Path) -> VideoSource:
    """What `path` holds.

    Raises SequenceFileError for a damaged recording; LaparoscopeError when it is neither a picture nor a video nor a
    folder of pictures, and when two pictures of the folder have the same name.
    """
    path = Path(path)
    if path.is_dir():
        files = tuple(sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURE_ENDINGS))
        if not files:
            raise LaparoscopeError(
                tr(
                    "There are no pictures in {path} ({picture_endings}).",
                    path=path,
                    picture_endings=", ".join(PICTURE_ENDINGS),
                )
            )
        stems = [file.stem for file in files]
        twice = next((stem for stem in stems if stems.count(stem) > 1), None)
        if twice:
            raise LaparoscopeError(
                tr("{path} holds two pictures with the name {twice}: rename one of them.", path=path, twice=twice)
            )
        return VideoSource(files, expected=len(files))
    if not path.is_file():
        raise LaparoscopeError(tr("{path} does not exist; check the path.", path=path))
    if path.suffix.lower() in PICTURE_ENDINGS:
        return VideoSource((path,), expected=1)
    if path.suffix.lower() in SEQUENCE_ENDINGS:
        return VideoSource(video=path, expected=len(SequenceReader(path, keep_color=True)))
    if path.suffix.lower() not in VIDEO_ENDINGS:
        known = ", ".join(PICTURE_ENDINGS + VIDEO_ENDINGS + SEQUENCE_ENDINGS)
        raise LaparoscopeError(
            tr("{path} is neither a picture nor a video by its name (known are {known}).", path=path, known=known)
        )
    cv2 = opencv()
    capture = cv2.VideoCapture(str(path))
    expected = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    capture.release()
    return VideoSource(video=path, expected=expected)


def pictures_of(source: VideoSource, every: int = 1) -> Iterator[tuple[str, np.ndarray]]:
    """Name and picture, (v, u) or (v, u, 3) of red, green and blue, of every n-th one.

    Raises FileFormatError for a picture, SequenceFileError for a recording, and LaparoscopeError for a video, that
    cannot be read.
    """
    if source.video is None:
        for file in source.files[::every]:
            yield file.stem, read_picture(file)
        return
    if source.is_recording:
        for number, recorded in enumerate(SequenceReader(source.video, keep_color=True)):
            if number % every == 0:
                yield FRAME_NAME.format(number), recorded.pixels
        return
    cv2 = opencv()
    capture = cv2.VideoCapture(str(source.video))
    number = 0
    try:
        while capture.grab():
            if number % every == 0:
                was_read, frame = capture.retrieve()
                if not was_read:
                    break
                yield FRAME_NAME.format(number), frame[..., ::-1] if frame.ndim == 3 else frame
            number += 1
    finally:
        capture.release()
    if number == 0:
        raise LaparoscopeError(
            tr("No frame of {video} can be read: it is damaged, or of a kind unknown here.", video=source.video)
        )


def tracked_pictures_of(source: VideoSource, every: int = 1) -> Iterator[tuple[np.ndarray, Mapping[str, Pose]]]:
    """Picture and the transforms that were recorded with it, by name, of every n-th one; see pictures_of()."""
    if source.video is None or not source.is_recording:
        for _, picture in pictures_of(source, every):
            yield picture, {}
        return
    for number, recorded in enumerate(SequenceReader(source.video, keep_color=True)):
        if number % every == 0:
            yield recorded.pixels, recorded.transforms

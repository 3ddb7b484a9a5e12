"""Which axis of an array in a file is what: along a row, along a column, from frame to frame, from color to color."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import NotASequenceError, SequenceFileError
from ...words import tr

_MAXIMUM_FRAMES = 1_000_000
_MAXIMUM_EDGE = 65536
_SPATIAL = ("domain", "space")
_OF_FRAMES = ("list", "time")
_UNKNOWN = ("none", "???")


@dataclass(frozen=True)
class StoredAxes:
    """How the pixels of a sequence lie in its file, the axis that runs fastest first.

    order  a letter an axis: u along a row, v along a column, n from frame to frame, c from color to color
    sizes  one number a letter
    """

    order: str
    sizes: tuple[int, ...]

    def size(self, letter: str) -> int:
        """How long the axis `letter` is; 1 when it is not there."""
        return self.sizes[self.order.index(letter)] if letter in self.order else 1


def stored_axes(
    path: Path,
    sizes: Sequence[int],
    kinds: Sequence[str],
    frames_with_fields: Sequence[int],
    channels: int = 1,
    tracked: bool = False,
) -> StoredAxes:
    """The axes of a file, from what its header says of them.

    sizes     of the axes, fastest first
    kinds     NRRD's words for them ('domain', 'list', 'vector', ...), empty when the header says nothing
    frames_with_fields  numbers of the frames that the header has fields for
    channels  values a pixel where no axis stands for them; they are stored side by side
    tracked   True when a frame has a transform, so that a single image is a sequence of one frame
    Raises NotASequenceError for a single image or a volume, and SequenceFileError when the axes make no sequence of
    two-dimensional images.
    """
    sizes, kinds = list(sizes), ["domain" if kind in _UNKNOWN else kind for kind in kinds]
    if len(kinds) != len(sizes):
        kinds = ["domain"] * len(sizes)
    if not any(kind in _OF_FRAMES for kind in kinds):
        kinds = _with_frames(path, sizes, kinds, frames_with_fields, tracked)
    order = ""
    kept: list[int] = []
    for size, kind in zip(sizes, kinds):
        if kind in _OF_FRAMES:
            letter = "n"
        elif kind in _SPATIAL:
            letter = next((letter for letter in "uv" if letter not in order), "w")
        else:
            letter = "c"
        if (letter in order and size != 1) or (letter == "w" and size != 1):
            raise _too_many_axes(path, sizes, kinds)
        if letter != "w" and letter not in order:
            order, kept = order + letter, [*kept, size]
    if channels > 1 and "c" not in order:
        order, kept = "c" + order, [channels, *kept]
    axes = StoredAxes(order, tuple(kept))
    if "n" not in order:
        raise NotASequenceError(
            tr(
                "{path} is a single image or volume, not a sequence of frames; give a recording with one "
                "frame after another.",
                path=path,
            )
        )
    _check(path, axes)
    return axes


def holds_images(width: int, height: int) -> bool:
    """False for a recording of a tracker alone: PLUS wrote 1 x 1 pixel with each of its poses once, and none now."""
    return min(width, height) > 0 and (width, height) != (1, 1)


def _with_frames(path: Path, sizes: list[int], kinds: list[str], frames: Sequence[int], tracked: bool) -> list[str]:
    """`kinds` with the axis of the frames named where the header does not do it; changes `sizes` for a single image.

    PLUS leaves the axis out when there is one frame (vtkIGSIOMetaImageSequenceIO::UpdateDimensionsCustomStrings), and
    older files call all their axes 'domain'. A volume of IGSIO has fields of one frame, too, but no transform. Raises
    SequenceFileError when there are poses of several frames and the axis cannot be known.
    """
    spatial = [number for number, kind in enumerate(kinds) if kind in _SPATIAL]
    if len(spatial) == 2 and frames and max(frames) == 0:
        sizes.append(1)
        return [*kinds, "list"]
    if len(spatial) < 3:
        return kinds
    *others, last = spatial
    one_each = len(frames) == sizes[last] and (len(frames) > 1 or tracked)
    # Poses of some of the images only; where their number is that of another axis, the frames may lie along that one.
    of_some = tracked and len(spatial) == 3 and len(frames) > 1 and len(frames) not in [sizes[axis] for axis in others]
    if one_each or of_some:
        return [*kinds[:last], "list", *kinds[last + 1 :]]
    if tracked and len(frames) > 1:
        raise SequenceFileError(
            tr(
                "{path} has poses of {frames} frames, but does not say along which of its axes ({str}) "
                "the frames lie: add the kinds of the axes to its header, as in 'domain domain list'.",
                path=path,
                frames=len(frames),
                str=" x ".join(map(str, sizes)),
            )
        )
    return kinds


def _too_many_axes(path: Path, sizes: Sequence[int], kinds: Sequence[str]) -> SequenceFileError:
    frames = [size for size, kind in zip(sizes, kinds) if kind in _OF_FRAMES]
    if frames in ([], [1]):
        return NotASequenceError(f"{path} holds one volume, not a sequence of frames.")
    shape = " x ".join(map(str, sizes))
    return SequenceFileError(
        f"{path} holds frames of more than two axes ({shape}: {' '.join(kinds)}); only two-dimensional ones can be "
        "used."
    )


def _check(path: Path, axes: StoredAxes) -> None:
    width, height, frames, channels = (axes.size(letter) for letter in "uvnc")
    if "v" not in axes.order:
        raise SequenceFileError(
            tr("{path} holds frames with 1 axis; only two-dimensional ones can be used.", path=path)
        )
    if min(width, height, frames) < 0 or frames < 1 or (width == 0) != (height == 0):
        raise SequenceFileError(
            tr(
                "{path} says that it holds {frames} frames of {width} x {height} pixels.",
                path=path,
                frames=frames,
                width=width,
                height=height,
            )
        )
    if frames > _MAXIMUM_FRAMES or max(width, height) > _MAXIMUM_EDGE:
        raise SequenceFileError(
            tr(
                "{path} claims {frames} frames of {width} x {height} pixels, which no recording has; its "
                "header is damaged.",
                path=path,
                frames=frames,
                width=width,
                height=height,
            )
        )
    if channels not in (1, 3, 4) and width:
        raise SequenceFileError(
            tr(
                "{path} has {channels} values a pixel; grey (1), RGB (3) and RGBA (4) can be read.",
                path=path,
                channels=channels,
            )
        )

"""The file of calibrations that `crlm calibrate ... --calibrations FILE` writes, read and added to by a session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from ...calibration.accuracy.calibrations import Calibrations, ImageCalibration, calibrations_of
from ...errors import ConfigurationError
from ...files.calibrations.calibrations_file import read_calibrations_file, write_calibrations_file
from ...files.calibrations.plus_calibration_file import PLUS_DATE, PlusTransform, write_plus_transforms
from ...words import tr
from .guidance import CalibrationResult


def read_saved(path: Path) -> Calibrations:
    """What the file holds. Raises ConfigurationError where there is none, or for what makes no sense, and
    FileFormatError for a damaged one.
    """
    if not path.is_file():
        raise ConfigurationError(tr("There is no {name} yet: calibrate, and keep the calibration.", name=path.name))
    return calibrations_of(read_calibrations_file(path), path.name)


def add_to_saved(path: Path, results: Iterable[CalibrationResult]) -> Path:
    """Put results into the file; its other entries stay. Raises as read_saved() does for a file that is none.

    Beside it the same is written for PLUS, as a configuration's CoordinateDefinitions (NAME.plus.xml).
    """
    known = read_saved(path) if path.exists() else Calibrations()
    for result in results:
        known = result.added_to(known)
    written = write_calibrations_file(path, known.to_plain())
    write_plus_transforms(path.with_suffix(".plus.xml"), _for_plus(known))
    return written


def _for_plus(known: Calibrations) -> list[PlusTransform]:
    found = [
        PlusTransform(f"{tool}Tip", tool, tip.tip_to_tool, tip.residual_mm, _plus_date(tip.date))
        for tool, tip in known.tips.items()
    ]
    if known.image is not None:
        image = known.image
        size = {"ImageSize": "{} {}".format(*image.image_size)}
        found.append(
            PlusTransform("Image", "Probe", image.image_to_probe, image.residual_mm, _plus_date(image.date), size)
        )
    if known.phantom is not None:
        place = known.phantom
        found.append(
            PlusTransform("Phantom", "Reference", place.phantom_to_reference, place.fre_mm, _plus_date(place.date))
        )
    return found


def _plus_date(date: str) -> str:
    try:
        return datetime.fromisoformat(date).strftime(PLUS_DATE)
    except ValueError:
        return ""


def check_fits(
    image: ImageCalibration, name: str, image_size: tuple[int, int], pixel_mm: tuple[float, float] | None
) -> None:
    """Raise ConfigurationError when images of this size, or with pixels of this width and height in mm, are not those
    that `image` of the file `name` was calibrated with. pixel_mm: None where the sender does not place its images.
    """
    if image_size != tuple(image.image_size):
        raise ConfigurationError(
            tr(
                "The image in {name} was calibrated with {size_text} pixels, and these images have "
                "{size_text_2}: calibrate the probe at this depth.",
                name=name,
                size_text=size_text(image.image_size),
                size_text_2=size_text(image_size),
            )
        )
    if pixel_mm is not None and not image.has_pixels_of(pixel_mm):
        raise ConfigurationError(
            tr(
                "The image in {name} was calibrated at another depth: the pixels of these images are "
                "{pixel_mm:.3f} x {pixel_mm_2:.3f} mm; calibrate the probe at this depth.",
                name=name,
                pixel_mm=pixel_mm[0],
                pixel_mm_2=pixel_mm[1],
            )
        )


def loaded_text(known: Calibrations, name: str) -> str:
    """What is used of a file of calibrations, for people."""
    used = [
        tr("the tip of {tool} ({date})", tool=tool, date=tip.date[:10] or tr("no date"))
        for tool, tip in known.tips.items()
    ]
    if known.image is not None:
        used.append(
            tr(
                "the image at {size_text} pixels ({date})",
                size_text=size_text(known.image.image_size),
                date=known.image.date[:10] or tr("no date"),
            )
        )
    if not used:
        return tr("{name} holds no tip and no image.", name=name)
    return tr(
        "Used from {name}: {used}. An image's calibration belongs to the depth that it was made at.",
        name=name,
        used=", ".join(used),
    )


def size_text(size: tuple[int, int]) -> str:
    """The size of an image, for people."""
    return f"{size[0]} x {size[1]}"

"""`crlm study carry-labels`: the mask of a pre-operative MR or CT, carried into an ultrasound volume."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...files import read_mask, read_points, read_volume, write_volume
from ...files.whole_file import written_whole
from ..options.outputs import Output, add_force_option, check_folder, check_outputs
from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar

if TYPE_CHECKING:
    from ...study.carry.carry_labels import CarriedMask

STEP = "carry-labels"
SUMMARY = "register an MR or CT to an ultrasound volume and carry its mask over"
MASK, TRANSFORM, PICTURE = "mask.nrrd", "transform.tfm", "check.png"
JSON = "print one JSON object: method, similarity and doubts"
METHOD = "LC2"


def add_arguments(step: argparse.ArgumentParser) -> None:
    step.add_argument("moving", metavar="MOVING", help="MR or CT volume (.nrrd, .nii.gz, .mha)")
    step.add_argument("mask", metavar="MASK", help="mask that was drawn on it")
    step.add_argument("fixed", metavar="FIXED", help="ultrasound volume")
    step.add_argument("-o", "--output", required=True, metavar="DIR",
                      help=f"folder for {MASK} (in FIXED), {TRANSFORM} and {PICTURE}")  # fmt: skip
    step.add_argument("--mask-label", metavar="LABEL", help="which label or segment of the mask, or 'all'")
    step.add_argument("--start-points", nargs=2, metavar=("MOVING.mrk.json", "FIXED.mrk.json"),
                      help="the same points in both volumes, three or more: where the search begins")  # fmt: skip
    step.add_argument("--affine", action="store_true", help="stretch and shear as well, by some percent")
    step.add_argument("--json", action="store_true", help=JSON)
    add_force_option(step)


def run(arguments: argparse.Namespace) -> None:
    folder, landmarks = Path(arguments.output), arguments.start_points or ()
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"-o {folder} is a file; give the name of a folder.")
    check_folder(folder, "-o")
    outputs = [Output("-o", folder / name) for name in (MASK, TRANSFORM, PICTURE)]
    check_outputs(outputs, [arguments.moving, arguments.mask, arguments.fixed, *landmarks], arguments.force)
    from ...preoperative.image_registration.transform import write_transform
    from ...study.carry.carry_labels import carry_labels
    from ...study.carry.picture import write_check_picture

    moving, fixed = read_volume(arguments.moving), read_volume(arguments.fixed)
    mask = read_mask(arguments.mask, arguments.mask_label, "--mask-label")
    points = (read_points(landmarks[0]), read_points(landmarks[1])) if landmarks else None
    with progress_bar("Registering") as bar:
        carried = carry_labels(moving, mask, fixed, points, arguments.affine, bar)
    folder.mkdir(parents=True, exist_ok=True)
    write_volume(carried.mask, folder / MASK)
    with written_whole(folder / TRANSFORM) as place:
        write_transform(carried.registration.fixed_to_moving, place)
    with written_whole(folder / PICTURE) as place:
        write_check_picture(carried, moving, fixed, place)
    _print(carried, folder, arguments.affine)


def _print(carried: CarriedMask, folder: Path, affine: bool) -> None:
    found = carried.registration
    print_facts({
        "method": METHOD, "transform": "affine" if affine else "rigid", "similarity": found.similarity,
        "peak": found.peak, "second_opinion_mm": found.second_opinion_mm, "doubts": list(carried.doubts),
        "mask": str(folder / MASK), "transform_file": str(folder / TRANSFORM), "picture": str(folder / PICTURE),
    })  # fmt: skip
    print(f"{folder / MASK}: the mask in the ultrasound, {METHOD} {found.similarity:.3f}")
    print(f"{folder / TRANSFORM}: from points of the ultrasound to the other volume, as ITK has it")
    print(f"{folder / PICTURE}: look at it before the mask is used")
    for doubt in carried.doubts:
        print_doubt(f"doubt: {doubt}")

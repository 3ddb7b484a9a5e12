"""`crlm scope register`: the model's pose before the camera, by landmarks in the picture and on the model."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError, FileFormatError
from ...files import read_surface, write_surface
from ...files.laparoscope.model_files import model_files
from ...files.laparoscope.polylines_file import read_polylines
from ...files.laparoscope.pose_file import read_pose
from ...files.transform_file import write_transform
from ...values.triangles import surface_points, with_points
from ..options.checks import check_there
from ..options.outputs import Output, add_force_option, check_folder, check_outputs
from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar
from .model_input import CAMERA_HELP, MODEL_HELP, camera_for, read_model

if TYPE_CHECKING:
    from ...laparoscopy.opened_model import OpenedModel
    from ...laparoscopy.pose.registration import PoseRegistration
    from ...values.landmarks import Polyline

EXAMPLES = (
    "crlm scope register polylines.json patient/ --camera camera.json -o pose.tfm",
    "crlm scope register polylines.json patient/ --camera camera.json --start rough.tfm -o pose.tfm --json",
    "crlm scope register polylines.json patient/ --camera camera.json --deformed bent/ -o pose.tfm",
)
_CURVES = "curves.json"
# By so much the error of a rigid pose is worth a hint that a deformation would make it smaller.
_SHAPE_MM = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("polylines", metavar="POLYLINES",
                        help="lines of ridge, ligament and silhouette, .json; also the P2ILF challenge's")  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--camera", required=True, metavar="FILE", help=CAMERA_HELP)
    parser.add_argument("--curves", metavar="FILE",
                        help=f"ridge and ligament on the model (default: {_CURVES} in or beside MODEL)")  # fmt: skip
    parser.add_argument("--frame", metavar="NAME", help="which frame of POLYLINES (needed when it holds several)")
    parser.add_argument("--start", metavar="FILE",
                        help="a rough pose to begin with, .tfm (default: found; it takes the scope to look from below "
                        "and in front, the patient's front up in the picture)")  # fmt: skip
    parser.add_argument("--deformed", metavar="DIR",
                        help="also deform the model smoothly, as the lines say, and write its surfaces here: the pose "
                        "is then that of the deformed model")  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the pose, model to camera, .tfm")
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    curves = _curves_file(arguments)
    surfaces = model_files(arguments.model)
    inputs = [arguments.polylines, arguments.camera, arguments.start, curves, *surfaces.values()]
    bent = _deformed_files(arguments.deformed, surfaces)
    outputs = [Output("-o", arguments.output, (".tfm",)), *(Output("--deformed", file) for file in bent)]
    check_outputs(outputs, inputs, arguments.force)
    check_there([arguments.polylines, arguments.start], "file")
    frames, size = read_polylines(arguments.polylines)
    lines = _of_frame(frames, arguments.frame, arguments.polylines)
    camera = camera_for(arguments.camera, size)
    from ...laparoscopy.pose.registration import register_pose

    with progress_bar("Register") as progress:
        progress(0.1, "reading the model")
        opened = read_model(arguments.model, curves)
        model = opened.landmarks()
        if curves is None:
            print_doubt(
                f"doubt: no {_CURVES} was found: ridge and ligament are not marked on the model; give --curves."
            )
        start = _start(arguments.start)
        found = register_pose(model, camera, lines, start, progress, deform=arguments.deformed is not None)
    for file in bent:
        surface = read_surface(surfaces[file.stem])
        file.parent.mkdir(parents=True, exist_ok=True)
        write_surface(with_points(surface, found.displaced(surface_points(surface))), file)
    write_transform(found.model_to_camera, arguments.output)
    _report(arguments.output, opened, found)


def _deformed_files(folder: str | None, surfaces: dict[str, Path]) -> list[Path]:
    """The deformed surfaces, one for each of the model; none without a folder. Raises ConfigurationError."""
    if folder is None:
        return []
    place = Path(folder)
    if place.exists() and not place.is_dir():
        raise ConfigurationError(f"--deformed {place} is a file; give the name of a folder.")
    check_folder(place, "--deformed")
    return [place / f"{name}.vtp" for name in surfaces]


def _curves_file(arguments: argparse.Namespace) -> Path | None:
    from ...laparoscopy.opened_model import curves_file

    if arguments.curves:
        check_there([arguments.curves], "file of curves")
        return Path(arguments.curves)
    return curves_file(arguments.model)


def _of_frame(frames: dict[str, list[Polyline]], wanted: str | None, path: str) -> list[Polyline]:
    if wanted is not None and wanted not in frames:
        raise ConfigurationError(f"{path} holds no frame '{wanted}'; it holds {', '.join(frames) or 'none'}.")
    if wanted is None and len(frames) != 1:
        names = f": {', '.join(list(frames)[:5])}{' ...' if len(frames) > 5 else ''}" if frames else ""
        raise ConfigurationError(f"{path} holds {len(frames)} frames{names}; say which one with --frame.")
    return frames[wanted] if wanted is not None else next(iter(frames.values()))


def _start(path: str | None) -> np.ndarray | None:
    if path is None:
        return None
    pose = read_pose(path)
    if pose.as_stored:
        raise FileFormatError(f"{path}: a pose to start from is a .tfm, from the model in RAS to the camera.")
    return pose.model_to_camera


def _report(output: str, opened: OpenedModel, found: PoseRegistration) -> None:
    from ...laparoscopy.overlay.parts import TUMORS

    target = max(opened.targets(), key=found.error_mm)
    error_mm = found.error_mm(target)
    has_tumors = any(part.kind is TUMORS for part in opened.parts)
    where = "at the tumors' middle" if has_tumors else "at the liver's middle"
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    print_facts({
        "pose": output, "model_to_camera": found.model_to_camera, "reprojection_px": found.reprojection_px,
        "landmark_px": found.landmark_px, "outliers": found.outliers, "error_mm": error_mm,
        "is_deformed": found.is_deformed,
        "doubts": list(found.doubts), "made_at": now,
    })  # fmt: skip
    by_landmark = ", ".join(f"{name} {value:.1f}" for name, value in found.landmark_px.items())
    print(f"{output}: the landmarks fit to {found.reprojection_px:.1f} px ({by_landmark}; {found.outliers:.0%} left "
          f"out); error to be expected {where} {error_mm:.1f} mm")  # fmt: skip
    for doubt in found.doubts:
        print_doubt(f"doubt: {doubt}")
    if not found.is_deformed and error_mm > found.deformed.error_mm(target) + _SHAPE_MM:
        print_doubt("doubt: much of this error is that the liver has changed its shape: --deformed takes that in")

"""`crlm scope overlay`: the model over the picture."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError, LaparoscopeError
from ...files.laparoscope.landmark_mask_file import read_picture, write_picture
from ...files.laparoscope.model_files import model_files
from ...files.laparoscope.pose_file import read_pose
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_doubt, print_facts
from .model_input import CAMERA_HELP, MODEL_HELP, camera_for, read_model

if TYPE_CHECKING:
    from ...laparoscopy.overlay.drawing import Overlay
    from ...laparoscopy.overlay.parts import ModelPart

EXAMPLES = (
    "crlm scope overlay picture.png liver.vtp --camera camera.json --pose pose.tfm -o overlay.png",
    "crlm scope overlay picture.png ct-result/ --camera camera.json --pose pose.tfm --mask seen.png -o overlay.png",
)
# Numbers in the picture of --mask: what is seen through is written over what is in front of it.
MASK_NUMBERS = "0 nothing, 1 liver, 2 vessels and ducts, 3 tumors and cysts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="the laparoscope's picture, as it came from the camera")
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--camera", required=True, metavar="FILE", help=CAMERA_HELP)
    parser.add_argument("--pose", required=True, metavar="FILE",
                        help="from the model to the camera: .tfm as crlm scope register writes it; or .txt, a 4 x 4 "
                        "matrix from the coordinates of the model's files")  # fmt: skip
    parser.add_argument("--strength", type=float, default=1.0, metavar="SHARE",
                        help="how strong the model is drawn, 0 to 1 (default 1)")  # fmt: skip
    parser.add_argument("--mask", metavar="FILE", help=f"also write what each pixel shows, .png: {MASK_NUMBERS}")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the picture with the model, .png")
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    inputs = [arguments.image, arguments.camera, arguments.pose, *model_files(arguments.model).values()]
    outputs = [Output("-o", arguments.output, (".png",)), Output("--mask", arguments.mask, (".png",))]
    check_outputs(outputs, inputs, arguments.force)
    if not 0 < arguments.strength <= 1:
        raise ConfigurationError(f"--strength is {arguments.strength}; it must be greater than 0 and at most 1.")
    from ...laparoscopy.overlay.drawing import draw_overlay

    picture = read_picture(arguments.image)
    camera = camera_for(arguments.camera, (picture.shape[1], picture.shape[0]))
    pose = read_pose(arguments.pose)
    parts = list(read_model(arguments.model, as_stored=pose.as_stored).parts)
    overlay = draw_overlay(picture, parts, camera, pose.model_to_camera, arguments.strength)
    if not any(view.seen.any() for view in overlay.views):
        raise LaparoscopeError(
            f"Nothing of the model is in the picture at the pose of {arguments.pose}: is it of this model and camera?"
        )
    if arguments.mask:
        write_picture(_mask(parts, overlay), arguments.mask)
    write_picture(overlay.picture, arguments.output)
    _report(arguments.output, parts, overlay)


def _mask(parts: list[ModelPart], overlay: Overlay) -> np.ndarray:
    """(v, u) uint8, MASK_NUMBERS."""
    from ...laparoscopy.overlay.parts import CYSTS, LIVER, TUMORS

    mask = np.zeros(overlay.picture.shape[:2], dtype=np.uint8)
    for part, view in zip(parts, overlay.views):
        number = 1 if part.kind is LIVER else 3 if part.kind in (TUMORS, CYSTS) else 2
        mask[view.seen] = np.maximum(mask[view.seen], number)
    return mask


def _report(output: str, parts: list[ModelPart], overlay: Overlay) -> None:
    shown: dict[str, dict[str, Any]] = {}
    for part, view in zip(parts, overlay.views):
        depth = view.depth_mm[view.seen]
        shown[part.kind.name] = {
            "share_of_picture": float(view.seen.mean()),
            "nearest_mm": float(depth.min()) if len(depth) else None,
            "farthest_mm": float(depth.max()) if len(depth) else None,
        }
    print_facts({"overlay": output, "parts": shown})
    print(f"{output}: the model over the picture")
    for name, figures in shown.items():
        if figures["nearest_mm"] is None:
            print_doubt(f"doubt: {name}: not in this picture")
        else:
            print(f"  {name}: {figures['share_of_picture']:.1%} of the picture, {figures['nearest_mm']:.0f} to "
                  f"{figures['farthest_mm']:.0f} mm from the camera")  # fmt: skip

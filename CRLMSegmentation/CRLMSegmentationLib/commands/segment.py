"""`crlm segment`: the tumor in a box of a volume."""

from __future__ import annotations

from ..files import read_volume, write_surface, write_volume
from .box_options import add_box_options, box_from
from .progress import progress_bar


def add_arguments(parser):
    parser.add_argument("volume", help="reconstructed volume (.nrrd, .nii.gz, .mha)")
    parser.add_argument("-o", "--output", required=True, metavar="MASK", help="mask to write, on the volume's own grid")
    add_box_options(parser, required=True)
    add_model_options(parser)
    parser.add_argument("--surface", metavar="FILE", help="also write the surface (.stl, .vtp, .ply)")
    parser.add_argument("--probability", metavar="FILE", help="also write the probability in the box")


def add_model_options(parser):
    parser.add_argument("--model", metavar="NAME|FOLDER", help="shipped model or model folder")
    parser.add_argument("--threshold", type=float, help="probability from which a voxel is tumor (default the model's)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def run(arguments):
    box, tight = box_from(arguments)
    volume = read_volume(arguments.volume)
    from ..segmentation.models import DEFAULT_MODEL, load_model
    from ..segmentation.predictor import Segmenter
    from ..segmentation.segment import segment

    segmenter = Segmenter(load_model(arguments.model or DEFAULT_MODEL), arguments.device)
    with progress_bar("Segment") as progress:
        result = segment(volume, box, segmenter, arguments.threshold, tight=tight, progress=progress)
    write_volume(result.mask, arguments.output)
    if arguments.probability:
        write_volume(result.probability, arguments.probability)
    if not result.found:
        print(f"{arguments.output}: nothing found in the box")
    else:
        print(f"{arguments.output}: {result.volume_ml:.2f} mL, largest diameter {result.largest_diameter_mm:.1f} mm")
        if arguments.surface:
            write_surface(result.surface, arguments.surface)
    if arguments.surface and not result.found:
        print(f"{arguments.surface}: not written, there is no surface")
    for doubt in result.doubts:
        print(f"doubt: {doubt}")

"""`crlm segment`: the tumor in a box of a volume."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..files import SURFACE_ENDINGS, VOLUME_ENDINGS, read_volume, write_surface, write_volume
from .options.box_options import add_box_options, box_files, box_from
from .options.checks import at_least_one
from .options.outputs import Output, add_force_option, check_outputs
from .options.printing import print_doubt, print_facts
from .options.progress import progress_bar
from .options.several_values import values

if TYPE_CHECKING:
    from ..inference.predictor import LocalPredictor
    from ..segmentation.segment import SegmentationResult
    from ..segmentation.segmenter import TumorSegmenter

EXAMPLES = (
    "crlm segment volume.nrrd -o mask.nrrd --box 10 -20 30 50 50 50",
    "crlm segment volume.nrrd -o mask.nrrd --box roi.mrk.json --surface tumor.stl",
)
JSON = "print one JSON object: volume, diameter, threshold, models and doubts"
# After the sentence that says what a model was trained on, where that was no patient.
UNPROVEN = "What it marks, or does not mark, in a patient is unproven."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("volume", help="reconstructed volume (.nrrd, .nii.gz, .mha)")
    parser.add_argument("-o", "--output", required=True, metavar="MASK", help="mask to write, on the volume's own grid")
    add_box_options(parser, required=True)
    add_model_options(parser)
    add_network_options(parser)
    parser.add_argument("--surface", metavar="FILE", help="also write the surface (.stl, .vtp, .ply)")
    parser.add_argument("--probability", metavar="FILE", help="also write the probability in the box")
    add_force_option(parser)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME|FOLDER", help="model to use (default the shipped one)")
    parser.add_argument("--threshold", type=float, help="probability from which a voxel is tumor (default the model's)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto",
                        help="where the network runs (default auto: an NVIDIA GPU where there is one)")  # fmt: skip


def add_network_options(parser: argparse.ArgumentParser) -> None:
    from ..inference.runtimes.runtime_choice import RUNTIMES

    parser.add_argument(
        "--average-with",
        action="append",
        default=[],
        metavar="NAME|FOLDER",
        help="a further model whose probability is averaged in (can be given again); margin and "
        "threshold are those of --model",
    )
    parser.add_argument(
        "--folds",
        type=values,
        metavar="N",
        help="which folds of --model to average (default all); its threshold was chosen for all",
    )
    parser.add_argument(
        "--mirroring", action="store_true", help="average over mirrored passes: up to eight times the work"
    )
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="auto",
        help="what runs the network on a processor (default the fastest that agrees with torch)",
    )
    parser.add_argument("--threads", type=at_least_one, metavar="N", help="processor threads at most")


def run(arguments: argparse.Namespace) -> None:
    check_outputs(
        [
            Output("-o", arguments.output, VOLUME_ENDINGS),
            Output("--probability", arguments.probability, VOLUME_ENDINGS),
            Output("--surface", arguments.surface, SURFACE_ENDINGS),
        ],
        [arguments.volume, *box_files(arguments)], arguments.force,
    )  # fmt: skip
    check_threshold(arguments.threshold)
    given = box_from(arguments)
    assert given is not None  # the parser asks for one
    box, tight = given
    volume = read_volume(arguments.volume)
    from ..segmentation.postprocess import with_guessed_seen
    from ..segmentation.segment import segment
    from ..session.box_warnings import box_warnings

    volume = with_guessed_seen(volume)
    segmenter = _segmenter(arguments)
    with progress_bar("Segment") as progress:
        result = segment(volume, box, segmenter, arguments.threshold, tight=tight, progress=progress)
    _write(result, arguments)
    # Nothing in a volume's file says whether it is of a patient, so that this is said of every one.
    doubts = [*box_warnings(box, volume, segmenter.model.card.margin_mm, tight), *result.doubts,
              *(f"{one.card.trained_on} {UNPROVEN}" for one in segmenter.predictor.models
                if one.card.trained_on_simulated_only)]  # fmt: skip
    is_guessed = volume.seen_is_guessed and volume.seen is not None and not bool(volume.seen.all())
    print_facts({
        "mask": arguments.output, "found": result.found, "volume_ml": result.volume_ml,
        "largest_diameter_mm": result.largest_diameter_mm, "threshold": result.threshold,
        "models": [one.card.name for one in segmenter.predictor.models], "doubts": doubts,
        "seen_is_guessed": is_guessed,
    })  # fmt: skip
    if not result.found:
        print_doubt(f"{arguments.output}: nothing found in the box; that is no proof that there is no tumor")
        if arguments.surface:
            print(f"{arguments.surface}: not written, there is no surface")
    else:
        print(f"{arguments.output}: {result.volume_ml:.2f} mL, largest diameter {result.largest_diameter_mm:.1f} mm")
    if is_guessed:
        print(
            f"note: {arguments.volume} does not say what was seen; black voxels that hang together with its edge are "
            "taken for not swept (a guess)"
        )
    for doubt in doubts:
        print_doubt(f"doubt: {doubt}")


def _segmenter(arguments: argparse.Namespace) -> TumorSegmenter[LocalPredictor]:
    """The models of the options, on the device and runtime of the options."""
    from ..inference.models.trained_model import DEFAULT_MODEL, load_model
    from ..inference.predictor import LocalPredictor
    from ..segmentation.segmenter import TumorSegmenter

    model = load_model(arguments.model or DEFAULT_MODEL)
    if arguments.folds:
        model = model.with_folds(arguments.folds)
    return TumorSegmenter(
        LocalPredictor(
            [model, *map(load_model, arguments.average_with)],
            arguments.device,
            arguments.mirroring,
            arguments.threads,
            arguments.runtime,
        )
    )


def _write(result: SegmentationResult, arguments: argparse.Namespace) -> None:
    """The mask, and what else was asked for."""
    write_volume(result.mask, arguments.output)
    if arguments.probability:
        write_volume(result.probability, arguments.probability)
    if arguments.surface and result.found:
        write_surface(result.surface, arguments.surface)
    elif arguments.surface:
        # An older one, which --force gave up, must not pass for one of this mask.
        Path(arguments.surface).unlink(missing_ok=True)


def check_threshold(threshold: float | None) -> None:
    """Raise ConfigurationError for a --threshold that is no probability."""
    if threshold is not None and not 0 < threshold < 1:
        raise ConfigurationError(f"--threshold is {threshold:g}; it must lie between 0 and 1.")

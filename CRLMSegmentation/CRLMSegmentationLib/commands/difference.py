"""`crlm difference`: two reconstructions of one sweep, voxel by voxel."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import NotASequenceError
from ..files import VOLUME_ENDINGS, read_volume, write_volume
from ..geometry import LPS_TO_RAS
from ..values import Volume
from .options.outputs import PICTURE_ENDINGS, Output, add_force_option, check_outputs
from .options.printing import print_facts
from .options.progress import progress_bar
from .options.sweep_options import add_sweep_options, configuration_from, read_given_sweep
from .reconstruct import add_reconstruction_options, settings_from

if TYPE_CHECKING:
    from ..reconstruction import ReconstructionSettings
    from ..sweep import Sweep

EXAMPLES = (
    "crlm difference volume.nrrd theirs.mha",
    "crlm difference sweep.igs.mha theirs.mha --plus-config plus.xml --definition igsio -o difference.nrrd",
)
JSON = "print one JSON object: how many voxels are the same, and by how much the others differ"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", help="volume, or recording: it is then reconstructed on the grid of the second")
    parser.add_argument("second", help="volume to compare with, such as one of IGSIO, PLUS or SlicerIGSIO")
    parser.add_argument("-o", "--output", metavar="VOLUME", help="write the difference, first minus second")
    parser.add_argument("--picture", metavar="PNG", help="draw the slice that differs most")
    add_force_option(parser)
    add_sweep_options(parser)
    add_reconstruction_options(parser)


def run(arguments: argparse.Namespace) -> None:
    check_outputs(
        [Output("-o", arguments.output, VOLUME_ENDINGS), Output("--picture", arguments.picture, PICTURE_ENDINGS)],
        [arguments.first, arguments.second, arguments.plus_config], arguments.force,
    )  # fmt: skip
    from ..reconstruction.quality.second_opinion import difference, lie_on_the_same_grid

    second = read_volume(arguments.second)
    first = _first_volume(arguments, second)
    if not lie_on_the_same_grid(first, second):
        # IGSIO writes coordinates of Reference as they are into files whose axes everyone else takes for LPS
        second = replace(second, ijk_to_ras=LPS_TO_RAS @ second.ijk_to_ras)
    found = difference(first, second)
    if arguments.output:
        write_volume(found.volume, arguments.output)
    if arguments.picture:
        from ..pictures.difference_picture import difference_picture

        difference_picture(arguments.picture, first, second, found)
    print_facts(found.figures())
    print(f"{found.voxels} voxels compared, {found.same_share:.4%} the same")
    print(f"difference, grey levels: mean {found.mean:.3f}, mean of absolute {found.mean_absolute:.3f}, "
          f"largest {found.largest:g}")  # fmt: skip
    print(f"only in the first: {found.only_first} voxels; only in the second: {found.only_second}")


def _first_volume(arguments: argparse.Namespace, second: Volume) -> Volume:
    """The first volume as it is, or the recording made into one on the grid of the second."""
    from ..reconstruction import reconstruct

    configuration = configuration_from(arguments)
    try:
        sweep = read_given_sweep(arguments.first, arguments, configuration)
    except NotASequenceError:
        return read_volume(arguments.first)
    settings = settings_from(arguments, configuration).with_changes(spacing_mm=tuple(second.spacing_mm))
    settings = _on_the_grid_of(sweep, settings, second)
    with progress_bar("Reconstruct") as progress:
        volume: Volume = reconstruct(sweep, settings, progress=progress).volume
    return volume


def _on_the_grid_of(sweep: Sweep, settings: ReconstructionSettings, second: Volume) -> ReconstructionSettings:
    """The settings with the sweep's own region when it is the second volume's, whose file has its origin rounded; else
    with the second's.
    """
    from ..reconstruction.frame_selection import select_frames
    from ..reconstruction.region import region_of_sweep

    selection = select_frames(sweep, settings.skip_interval, settings.reject_jumps)
    frames = [sweep.frames[number] for number in selection.within_extent]
    poses = [frame.image_to_reference for frame in frames if frame.image_to_reference is not None]
    if region_of_sweep(poses, sweep.image_size, settings).dimensions == second.dimensions:
        return settings
    return settings.with_changes(origin_mm=tuple(second.origin_ras.tolist()), dimensions=second.dimensions)

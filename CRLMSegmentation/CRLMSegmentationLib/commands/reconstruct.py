"""`crlm reconstruct`: a volume from a recorded sweep."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..files import VOLUME_ENDINGS, write_volume
from .outputs import Output, add_force_option, check_outputs
from .progress import progress_bar
from .sweep_options import add_sweep_options, configuration_from, read_given_sweep


def add_arguments(parser):
    parser.add_argument("sweep", help="recording (.igs.mha, .igs.nrrd, .mha, .mhd, .nrrd)")
    parser.add_argument("-o", "--output", required=True, metavar="VOLUME", help="volume to write (.nrrd, .nii.gz, .mha)")
    add_sweep_options(parser)
    add_reconstruction_options(parser)
    parser.add_argument("--seen", metavar="VOLUME", help="also write the mask of voxels that a frame really saw")
    add_force_option(parser)


def add_reconstruction_options(parser):
    parser.add_argument("--spacing", type=float, nargs="+", metavar="MM", help="output spacing, one number or three")
    parser.add_argument("--interpolation", choices=["nearest", "linear"])
    parser.add_argument("--compounding", choices=["latest", "maximum", "mean"])
    parser.add_argument("--fill", choices=["none", "stick", "distance"], help="how holes between frames are filled")
    parser.add_argument("--definition", choices=["igsio", "exact"],
                        help="igsio: the same bytes as IGSIO; exact: true nearest neighbour and mean (default)")  # fmt: skip
    parser.add_argument("--optimization", choices=["full", "partial", "none"], help="IGSIO's optimization (igsio only)")
    parser.add_argument("--threads", type=int, help="number of threads; the volume does not depend on it")


def settings_from(arguments, configuration):
    """ReconstructionSettings: the PLUS configuration's, overridden by what was given as options."""
    from ..reconstruction import ReconstructionSettings, settings_from_plus

    element = configuration.volume_reconstruction
    settings = settings_from_plus(element) if element is not None else ReconstructionSettings(fill="stick")
    changes = {
        name: getattr(arguments, name)
        for name in ("interpolation", "compounding", "fill", "definition", "optimization", "threads")
        if getattr(arguments, name) is not None
    }
    if arguments.spacing is not None:
        if len(arguments.spacing) not in (1, 3):
            raise ConfigurationError(f"--spacing has {len(arguments.spacing)} numbers; give one or three.")
        changes["spacing_mm"] = tuple(arguments.spacing * (3 if len(arguments.spacing) == 1 else 1))
    return settings.with_changes(**changes)


def run(arguments):
    check_outputs(
        [Output("-o", arguments.output, VOLUME_ENDINGS), Output("--seen", arguments.seen, VOLUME_ENDINGS)],
        [arguments.sweep, arguments.plus_config], arguments.force,
    )  # fmt: skip
    from ..reconstruction import reconstruct

    configuration = configuration_from(arguments)
    settings = settings_from(arguments, configuration)
    with progress_bar("Read") as progress:
        sweep = read_given_sweep(arguments.sweep, arguments, configuration, progress)
    with progress_bar("Reconstruct") as progress:
        reconstruction = reconstruct(sweep, settings, progress=progress)
    write_volume(reconstruction.volume, arguments.output)
    if arguments.seen:
        write_volume(reconstruction.seen, arguments.seen)
    i, j, k = reconstruction.volume.dimensions
    spacing = " x ".join(f"{value:g}" for value in reconstruction.volume.spacing_mm)
    print(f"{arguments.output}: {i} x {j} x {k} voxels of {spacing} mm")
    for line in report_lines(reconstruction.report):
        print(line)


def report_lines(report) -> list[str]:
    """What was used, what was left out and why, and how many holes there are."""
    total = len(report.frames_used) + len(report.frames_skipped)
    lines = [f"{len(report.frames_used)} of {total} frames used"]
    reasons: dict[str, list[int]] = {}
    for skipped in report.frames_skipped:
        reasons.setdefault(skipped.reason, []).append(skipped.number)
    lines += [f"left out ({reason}): frames {', '.join(map(str, numbers))}" for reason, numbers in reasons.items()]
    if report.hole_share_before_fill == report.hole_share_before_fill:
        lines.append(
            f"holes in the swept region: {report.hole_share_before_fill:.1%} before filling, "
            f"{report.hole_share_after_fill:.1%} after"
        )
    return lines

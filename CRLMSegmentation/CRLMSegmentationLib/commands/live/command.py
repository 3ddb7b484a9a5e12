"""What `crlm live` is asked, and what it does."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, SegmentationError
from ...values.defaults import DEFAULT_BOX_MARGIN_MM, DEFAULT_PORT
from ..options.engine_options import add_engine_options
from ..options.outputs import add_force_option, check_outputs
from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar
from ..options.several_values import values
from ..options.sweep_options import add_sweep_options, configuration_from, read_given_sweep
from .findings import Findings, box_facts, median, outputs_in, write_findings

if TYPE_CHECKING:
    from ...inference.engine import WorkerPredictor
    from ...live.box_proposal import BoxProposal
    from ...live.live_tumor import LiveTumor
    from ...reconstruction import ReconstructionSettings
    from ...sweep import Sweep
    from ...values import Volume

EXAMPLES = (
    "crlm live sweep.igs.mha -o found --model FOLDER",
    "crlm live sweep.igs.mha -o found --realtime --tumor tumor.stl",
    "crlm live --host scanner -o found --seconds 60",
)
JSON = "print one JSON object: frames, outlined and dropped ones, p95_ms, frames_per_s, the proposed box, notes"
HINT = "Outlines of single frames are a hint: check them, and let the 3D network find the tumor in the box."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", nargs="?", help="recording (.igs.mha, .igs.nrrd, .mha, .mhd, .nrrd); or give --host")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FOLDER",
        help="folder for outlines.json, evidence.nrrd and box.mrk.json",
    )  # fmt: skip
    parser.add_argument("--host", help="outline what an OpenIGTLink server on this computer sends, instead of a file")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"its TCP port (default {DEFAULT_PORT})")
    parser.add_argument("--image-name", metavar="NAME",
                        help="image stream to take, such as Image or Image_Reference (default: the first)")  # fmt: skip
    parser.add_argument("--seconds", type=float, help="with --host: stop so long after the first frame")
    parser.add_argument("--until-closed", action="store_true", help="with --host: stop when the server closes")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS",
                        help="seconds to wait for the server or an image (default 10)")  # fmt: skip
    parser.add_argument("--realtime", action="store_true",
                        help="frames of the file come at their own times, and late ones are dropped (default: each is "
                        "outlined, in order)")  # fmt: skip
    parser.add_argument("--tumor", metavar="SURFACE", help="known tumor (.stl, .vtp, .ply ...): its cut beside each "
                        "outline, how well they agree, and whether it has moved")  # fmt: skip
    parser.add_argument("--model", metavar="NAME|FOLDER",
                        help="2D model for the task 'frames' (default the shipped one)")  # fmt: skip
    parser.add_argument("--threshold", type=float, help="probability from which a pixel is tumor (default the model's)")
    parser.add_argument("--margin", type=float, default=DEFAULT_BOX_MARGIN_MM, metavar="MM",
                        help=f"between finding and box (default {DEFAULT_BOX_MARGIN_MM:g})")  # fmt: skip
    parser.add_argument("--fan", type=values, metavar="FAN",
                        help="sector of the image that is used, six numbers (origin U V, edges in degrees, radii in "
                        "pixels), or none (default: PLUS's, else none)")  # fmt: skip
    add_engine_options(parser)
    add_sweep_options(parser)
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    _check(arguments)
    folder = Path(arguments.output)
    check_outputs(outputs_in(folder), [arguments.sweep, arguments.plus_config, arguments.tumor], arguments.force)
    from ...files import read_surface
    from ...inference.engine import WorkerPredictor
    from ...live.frame_model import default_frame_model, load_frame_model
    from ...live.live_tumor import LiveTumor

    model = load_frame_model(arguments.model or default_frame_model())
    surface = read_surface(arguments.tumor) if arguments.tumor else None
    sweep = _sweep(arguments)
    settings = _settings(arguments)
    with WorkerPredictor(model, arguments.device, False, arguments.threads, arguments.runtime) as predictor:
        _wait_for(predictor)
        with LiveTumor(predictor, settings, arguments.threshold) as live:
            live.set_tumor(surface)
            findings, notes, seconds = _outline(arguments, sweep, live)
        status, evidence = live.status, live.evidence.volume()
        if not status.outlined:
            raise SegmentationError(status.problem or "No frame came that could be outlined.")
        proposal = live.propose_box(arguments.margin)
        notes += _notes(live, findings, evidence)
        runtime = predictor.status.runtime
    write_findings(folder, findings, evidence, proposal)
    facts: dict[str, Any] = {
        "frames": status.frames, "outlined": status.outlined, "dropped": status.dropped, "failed": status.failed,
        "with_tumor": findings.with_tumor, "p95_ms": status.p95_ms, "frames_per_s": status.outlined / seconds,
        "box": box_facts(proposal), "dice": median(findings.dice), "distance_mm": median(findings.distances_mm),
        "moved": live.moved_warning, "model": model.name, "runtime": runtime, "notes": notes,
    }  # fmt: skip
    print_facts(facts)
    _print_lines(folder, facts, proposal)


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.sweep is None) == (arguments.host is None):
        raise ConfigurationError("Give either a recording or the --host of a server: frames come from one of them.")
    for name in ("seconds", "timeout"):
        value = getattr(arguments, name)
        if value is not None and not value > 0:
            raise ConfigurationError(f"--{name} is {value}; it must be greater than 0.")
    if not 0 <= arguments.margin <= 100:
        raise ConfigurationError(f"--margin is {arguments.margin:g}; it must be from 0 to 100 mm.")
    if arguments.threshold is not None and not 0 < arguments.threshold < 1:
        raise ConfigurationError(f"--threshold is {arguments.threshold:g}; it must lie between 0 and 1.")


def _sweep(arguments: argparse.Namespace) -> Sweep | None:
    if arguments.sweep is None:
        return None
    with progress_bar("Read") as progress:
        return read_given_sweep(arguments.sweep, arguments, configuration_from(arguments), progress)


def _settings(arguments: argparse.Namespace) -> ReconstructionSettings:
    """Which part of the image the evidence is of: PLUS's, or that of --fan."""
    from ...reconstruction import ReconstructionSettings, read_plus_settings
    from ..reconstruct import fan_from

    element = configuration_from(arguments).volume_reconstruction
    settings = ReconstructionSettings()
    if element is not None:
        plus = read_plus_settings(element).settings
        settings = settings.with_changes(fan=plus.fan, clip_rectangle=plus.clip_rectangle)
    return settings if arguments.fan is None else settings.with_changes(fan=fan_from(arguments.fan))


def _wait_for(predictor: WorkerPredictor) -> None:
    """Until the network is loaded and warm, so that no frame pays for it."""
    with progress_bar("Start") as progress:
        progress(0.0, "loading the model")
        predictor.wait_until_ready()


def _outline(arguments: argparse.Namespace, sweep: Sweep | None, live: LiveTumor) -> tuple[Findings, list[str], float]:
    """What was found, sentences about the frames, and the seconds that it took."""
    from .frames import outline_in_its_time, outline_in_order, outline_stream

    findings = Findings()
    with_cut = arguments.tumor is not None

    def collect() -> None:
        findings.add(live.take(), with_cut)

    notes: list[str] = []
    began_s = time.monotonic()
    with progress_bar("Outline") as progress:
        if sweep is None:
            notes = outline_stream(arguments, live, collect, progress)
        else:
            notes = list(sweep.notes)
            go = partial(outline_in_its_time if arguments.realtime else outline_in_order, sweep.frames, live)
            go(collect, progress)
        live.outliner.wait()
    seconds = time.monotonic() - began_s
    live.evidence.wait()
    collect()
    return findings, notes, seconds


def _notes(live: LiveTumor, findings: Findings, evidence: Volume | None) -> list[str]:
    """What did not go as it should, in sentences."""
    status, problem = live.status, live.evidence.problem
    notes = []
    if status.failed:
        notes.append(f"{status.failed} of {status.frames} frames could not be outlined. {live.outliner.last_problem}")
    if problem:
        notes.append(f"The evidence could not be gathered: {problem}")
    elif evidence is None:
        notes.append("No frame has a valid pose: the outlines are there, and no volume or box can be made of them.")
    elif live.evidence.frames_left_out:
        notes.append(
            f"{live.evidence.frames_left_out} frames are not in the evidence: they have no valid pose, or came quicker "
            "than they could be inserted."
        )
    sizes = {tuple(entry["image_size"]) for entry in findings.entries}
    if len(sizes) > 1:
        notes.append("The size of the frames has changed: the evidence is of those of one size.")
    return notes


def _print_lines(folder: Path, facts: dict[str, Any], proposal: BoxProposal | None) -> None:
    speed = f"{facts['frames_per_s']:.1f} frames/s, 19 of 20 within {facts['p95_ms']:.0f} ms"
    print(
        f"{folder}: {facts['outlined']} of {facts['frames']} frames outlined, {facts['with_tumor']} with tumor, "
        f"{facts['dropped']} dropped; {speed}"
    )
    if proposal is None:
        print("no box is proposed: too little was found")
    else:
        size = " x ".join(f"{edge:.0f}" for edge in proposal.box.size_mm)
        print(f"box: {size} mm around {proposal.volume_ml:.1f} mL, confidence {proposal.confidence:.0%}")
    if facts["dice"] is not None:
        print(f"with the known tumor: Dice {facts['dice']:.2f} (median of the frames that cut it)")
    for note in (*facts["notes"], facts["moved"]):
        if note:
            print_doubt(note)
    print(HINT)

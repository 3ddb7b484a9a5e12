"""`crlm demo`: the whole chain through every real component, from a stream of frames to tool distances."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError, CRLMError, SegmentationError
from ..files import read_volume, write_box, write_surface, write_volume
from ..session.state import Step, StepStatus
from ..sweep import Pose, write_sweep
from ..sweep.sequence_files.sequence_formats import read_sequence_header
from ..values import Box
from ..values.defaults import DEFAULT_BOX_EDGE_MM
from .demo_approach import approach_sweep
from .options.box_options import add_box_options, box_files, box_from
from .options.outputs import Output, add_force_option, check_not_inside, check_outputs
from .options.printing import print_doubt
from .options.progress import progress_bar
from .options.sweep_options import add_sweep_options, calibration_from, configuration_from, read_given_sweep
from .reconstruct import add_reconstruction_options, settings_from
from .segment import UNPROVEN, add_model_options, check_threshold

DEFAULT_SEED = 7
CASE, APPROACH, SUMMARY = "finished", "approach.igs.mha", "demo.json"
SIMULATED = "case"
_OWN_FILES = (
    "recorded.igs.mha", APPROACH, "volume.nrrd", "box.mrk.json", "mask.nrrd", "probability.nrrd", "tumor.stl",
    "slices.png", "scene.png", "scene.mrb", SUMMARY,
)  # fmt: skip
_TICK_S = 0.02

EXAMPLES = (
    "crlm demo",
    "crlm demo --sweep sweep.igs.mha --plus-config plus.xml --box 10 -20 30 50 50 50 --output demo-of-sweep",
)


def add_arguments(parser):
    parser.add_argument("--sweep", metavar="FILE", help="recorded sweep; without it one is simulated, with known truth")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help=f"which simulated case (default {DEFAULT_SEED})")
    parser.add_argument("--output", default="demo-output", metavar="DIR",
                        help="folder for everything that comes out (default demo-output)")  # fmt: skip
    parser.add_argument("--speed", type=float, help="multiple of the recorded rate; default as fast as can be")
    add_force_option(parser)
    add_sweep_options(parser)
    add_reconstruction_options(parser)
    add_box_options(parser, required=False)
    add_model_options(parser)


def run(arguments):
    from ..session.session import Session

    output = Path(arguments.output)
    _check(arguments, output)
    configuration = configuration_from(arguments)
    settings = settings_from(arguments, configuration)
    if arguments.sweep is not None:
        # Read once here so that a missing calibration is told before a server is started.
        read_given_sweep(arguments.sweep, arguments, configuration)
    output.mkdir(parents=True, exist_ok=True)
    # The next demo knows by this file that the folder is a demo's own, also when this one is stopped on its way.
    (output / SUMMARY).write_text(json.dumps({"finished": False}) + "\n", encoding="utf-8")
    truth_path = None
    if arguments.sweep is None:
        source, truth_path = _simulate(arguments.seed, output / SIMULATED)
    else:
        source = Path(arguments.sweep)
    session = Session()
    try:
        case = _run(session, source, truth_path, settings, arguments, output)
    finally:
        session.close()
    _show_on_page(case, output, "Simulated, not clinical" if truth_path else source.name)


def _check(arguments, output: Path) -> None:
    """Before any work begins: what an earlier demo made is replaced, anything else only with --force."""
    from ..inference.models.trained_model import load_model
    from ..simulation.ultrasound.case import CASE_FILES

    if arguments.speed is not None and not 0 < arguments.speed < math.inf:
        raise ConfigurationError(f"--speed is {arguments.speed:g}; it must be greater than 0.")
    if arguments.seed < 0:
        raise ConfigurationError(f"The seed is {arguments.seed}; it must be 0 or more.")
    check_threshold(arguments.threshold)
    if arguments.model:
        load_model(arguments.model)
    box_from(arguments)
    inputs = [arguments.sweep, arguments.plus_config, arguments.model, *box_files(arguments)]
    for folder in (CASE, SIMULATED):
        check_not_inside(output / folder, "--output", inputs)
    own = [*_OWN_FILES, *(f"{SIMULATED}/{name}" for name in CASE_FILES if arguments.sweep is None)]
    is_ours = (output / SUMMARY).is_file()
    check_outputs([Output("--output", output / name) for name in own], inputs, arguments.force or is_ours)


def _run(session, source: Path, truth_path: Path | None, settings, arguments, output: Path) -> Path:
    """Every step; the folder of the saved case."""
    from ..mrml.bundle import save_scene
    from ..pictures import slices_picture
    from ..reconstruction import sweep_quality

    caption = (
        "simulated data, not clinical"
        if truth_path
        else f"{source.name}; the model has only seen simulated livers: not a real tumor"
    )
    # The worker process loads the model while the sweep is received, as in the operating room.
    if arguments.model:
        session.engine.set_model(arguments.model)
    session.engine.set_device(arguments.device)
    session.engine.start()
    timings = session.state.timings_s
    started = time.perf_counter()

    recorded = output / "recorded.igs.mha"
    recorded.unlink(missing_ok=True)
    # One of an earlier run must not pass for one of this.
    (output / APPROACH).unlink(missing_ok=True)
    summary = _receive(source, arguments, recorded)
    timings["receive"], timings["record"] = summary.receive_s, summary.finish_s
    print(f"received   {summary.frames} frames over OpenIGTLink, {summary.invalid} without a valid pose, "
          f"{summary.dropped} lost -> {recorded}")  # fmt: skip

    session.recording.open(recorded, origin="simulated" if truth_path else "replayed")
    for sentence in sweep_quality(session.recording.sweep, settings).sentences() or ["even and without gaps"]:
        print(f"sweep      {sentence}")
    with progress_bar("Reconstruct") as progress:
        reconstruction = session.volume.reconstruct(settings, progress=progress)
    volume = reconstruction.volume
    write_volume(volume, output / "volume.nrrd")
    seen_ml = np.count_nonzero(reconstruction.seen.voxels) * volume.voxel_volume_mm3 / 1000
    print(f"volume     {' x '.join(map(str, volume.dimensions))} voxels of {volume.spacing_mm[0]:g} mm, "
          f"{seen_ml:.0f} mL reached by a frame")  # fmt: skip

    truth = read_volume(truth_path) if truth_path else None
    box, tight, why = _choose_box(arguments, volume, truth)
    session.box.set(box, tight)
    write_box(box, output / "box.mrk.json")
    print(f"box        {' x '.join(f'{edge:.0f}' for edge in box.size_mm)} mm, {why}")

    result = _segment(session, arguments.threshold)
    timings["total"] = time.perf_counter() - started
    write_volume(result.mask, output / "mask.nrrd")
    write_volume(result.probability, output / "probability.nrrd")
    figures = {}
    if result.found:
        write_surface(result.surface, output / "tumor.stl")
        print(f"tumor      {result.volume_ml:.2f} mL, largest diameter {result.largest_diameter_mm:.1f} mm")
    else:
        # One of an earlier run must not pass for one of this.
        (output / "tumor.stl").unlink(missing_ok=True)
        print_doubt("tumor      nothing found in the box")
    for doubt in result.doubts:
        print_doubt(f"doubt      {doubt}")
    if truth is not None:
        from ..study.metrics import compare

        figures = compare(result.mask, truth)
        print(f"truth      Dice {figures['dice']:.3f}, HD95 {figures['hd95_mm']:.1f} mm, "
              f"true volume {figures['truth_volume_ml']:.2f} mL (simulated)")  # fmt: skip

    if truth is None and result.card is not None and result.card.trained_on_simulated_only:
        print_doubt(f"doubt      {result.card.trained_on} {UNPROVEN}")
    distances = _approach(session, output) if result.found else []
    pictures = ["slices.png", *_picture_in_3d(session, caption, output)]
    slices_picture(output / "slices.png", volume, box, result.mask, truth, caption)
    save_scene(session, output / "scene.mrb")
    case = session.case.save(output / CASE)
    _print_timings(timings, session.engine.status)
    (output / SUMMARY).write_text(
        json.dumps(
            {
                "finished": True,
                "source": str(source),
                "simulated": truth is not None,
                "frames": summary.frames,
                "volume_ml": result.volume_ml,
                "found": result.found,
                "figures": {name: value if np.isfinite(value) else None for name, value in figures.items()},
                "distances_mm": distances,
                "timings_s": timings,
            },
            indent=2,
        )
        + "\n",
        encoding="utf-8",
    )
    print(
        f"\nEverything is in {output}/: {CASE}/ is the case, which opens again, with scene.mrb for 3D Slicer; "
        f"{' and '.join(pictures)} to look at."
    )
    return case


def _show_on_page(case: Path, output: Path, shown_as: str) -> None:
    """At a terminal, serve the finished case on the web page; in a script the demo ends without."""
    if os.environ.get("CI") or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    from ..web.serve import serve_case

    approach = output / APPROACH
    try:
        serve_case(case, live=approach if approach.exists() else None, shown_as=shown_as)
    except ConfigurationError as error:
        print(f"page       {error}")


def _simulate(seed: int, folder: Path) -> tuple[Path, Path]:
    from ..simulation import simulate_case, write_case

    with progress_bar("Simulate") as progress:
        write_case(simulate_case(seed, progress=progress), folder)
    print(f"simulated  case {seed}: a liver with one metastasis, not clinical data -> {folder}/")
    return folder / "sweep.igs.mha", folder / "tumor.nrrd"


def _segment(session, threshold: float | None):
    """Ask the session's worker process, as the window does; returns the SegmentationResult."""
    with progress_bar("Segment") as progress:
        session.tumor.start(threshold)
        while session.jobs.running is not None:
            session.process()
            progress(session.state.progress, session.state[Step.SEGMENT].message)
            time.sleep(_TICK_S)
    state = session.state[Step.SEGMENT]
    if state.status is not StepStatus.DONE:
        raise SegmentationError(state.message)
    return session.tumor.result


def _receive(source: Path, arguments, recorded: Path):
    from ..session.recordings.replay_process import ReplayProcess
    from ..tracking import record

    calibration = calibration_from(arguments, configuration_from(arguments))
    server = ReplayProcess(source, calibration=calibration, reference=arguments.reference, speed=arguments.speed)
    total, taken = read_sequence_header(source).frame_count, count(1)
    with progress_bar("Receive") as progress, server as port:

        def came(_frame) -> None:
            number = next(taken)
            progress(number / total, f"frame {number} of {total}")

        # How fast they come says how fast they were served, and nothing of the recording.
        reference = arguments.reference or "Reference"
        return record(recorded, port=port, until_closed=True, reference=reference, on_frame=came)


def _choose_box(arguments, volume, truth) -> tuple[Box, bool, str]:
    """The box, whether the model's margin is still to be added, and why it is where it is."""
    given = box_from(arguments)
    if given is not None:
        return *given, "as given"
    if truth is not None:
        why = "around the true tumor, as a surgeon would drop it; the model's margin is added"
        return Box.around_mask(truth), True, why
    size = np.minimum(DEFAULT_BOX_EDGE_MM, np.array(volume.dimensions) * volume.spacing_mm)
    return Box(volume.center_ras, size), False, "in the middle of the volume (choose another with BOX=)"


def _approach(session, output: Path) -> list[float | None]:
    """Move a simulated stylus towards the tumor over OpenIGTLink; the distances shown, None where it was lost."""
    from ..session.recordings.replay_process import ReplayProcess
    from ..tracking import Receiver

    path = output / APPROACH
    write_sweep(approach_sweep(session.recording.sweep, session.tumor.surface), path)
    distances = []
    print("\nA simulated stylus moves towards the tumor (tip to surface, negative inside):")
    with ReplayProcess(path) as port, Receiver(port=port) as receiver:
        for number, frame in enumerate(receiver.frames(until_closed=True)):
            session.stream.show_frame(frame)
            # PLUS is silent about a tool that it does not see.
            if "StylusToReference" not in frame.transforms:
                session.tools.update("StylusToReference", Pose(np.eye(4), False))
            distance = session.tools.distance_mm("Stylus")
            distances.append(None if distance is None else round(distance, 3))
            if number % 4 == 0 or distance is None:
                print("           stylus lost" if distance is None else f"           {distance:6.1f} mm")
    return distances


def _picture_in_3d(session, caption: str, output: Path) -> list[str]:
    """The scene as it is now, to be called while the tool is still live; the name of the picture that was made."""
    from ..pictures import scene_picture

    try:
        scene_picture(output / "scene.png", session, caption, now_s=time.monotonic())
    except CRLMError as error:
        # A picture of an earlier run must not pass for one of this.
        (output / "scene.png").unlink(missing_ok=True)
        print(f"picture    {error}")
        return []
    return ["scene.png"]


def _print_timings(timings: dict, engine) -> None:
    print("\nstep          seconds")
    for name in ("receive", "record", "reconstruct", "crop", "segment", "surface", "total"):
        if name in timings:
            print(f"{name:<12} {timings[name]:8.2f}")
    print(
        f"(segmented with {engine.runtime} on {engine.device} in a process of its own, which started while the sweep "
        "came in; total runs from the first frame to the surface)"
    )

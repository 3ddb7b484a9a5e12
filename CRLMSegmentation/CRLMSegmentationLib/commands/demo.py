"""`crlm demo`: the whole chain through every real component, from a stream of frames to tool distances."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import ConfigurationError, CRLMError, StreamError
from ..files import read_volume, write_box, write_surface, write_volume
from ..geometry import Box
from ..sweep import Pose, Sweep, read_sweep, write_sweep
from .box_options import add_box_options, box_from
from .progress import progress_bar
from .reconstruct import add_reconstruction_options, settings_from
from .segment import add_model_options
from .sweep_options import add_sweep_options, calibration_from, configuration_from

DEFAULT_SEED = 7
_DEFAULT_BOX_MM = 50.0
_APPROACH_FRAMES = 25
_APPROACH_START_MM, _APPROACH_END_MM = 60.0, 4.0
_LOST_FRAME = 12


def add_arguments(parser):
    parser.add_argument("--sweep", metavar="FILE", help="recorded sweep; without it one is simulated, with known truth")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help=f"number of the simulated case (default {DEFAULT_SEED})")
    parser.add_argument("--output", default="demo-output", metavar="DIR", help="folder for everything that comes out")
    parser.add_argument("--speed", type=float, help="replay at this multiple of the recorded rate; default as fast as can be")
    add_sweep_options(parser)
    add_reconstruction_options(parser)
    add_box_options(parser, required=False)
    add_model_options(parser)


def run(arguments):
    from ..scene.bundle import save_scene
    from ..scene.pictures import slices_picture
    from ..scene.session import NavigationSession

    output = Path(arguments.output)
    output.mkdir(parents=True, exist_ok=True)
    configuration = configuration_from(arguments)
    settings = settings_from(arguments, configuration)
    truth_path = None
    if arguments.sweep is None:
        source, truth_path = _simulate(arguments.seed, output / "case")
    else:
        source = Path(arguments.sweep)
        # Read once here so that a missing calibration is told before a server is started.
        read_sweep(source, calibration_from(arguments, configuration), arguments.reference)
    caption = (
        "simulated data, not clinical"
        if truth_path
        else f"{source.name}; the model has only seen simulated livers: not a real tumor"
    )
    segmenter = _Warm(arguments.model, arguments.device)
    session = NavigationSession()
    timings = session.state.timings_s
    started = time.perf_counter()

    recorded = output / "recorded.igs.mha"
    recorded.unlink(missing_ok=True)
    summary = _receive(source, arguments, recorded)
    timings["receive"], timings["record"] = summary.receive_s, summary.finish_s
    print(f"received   {summary.frames} frames over OpenIGTLink, {summary.invalid} without a valid pose, "
          f"{summary.dropped} lost -> {recorded}")  # fmt: skip

    session.set_sweep(read_sweep(recorded))
    with progress_bar("Reconstruct") as progress:
        reconstruction = session.reconstruct(settings, progress=progress)
    volume = reconstruction.volume
    write_volume(volume, output / "volume.nrrd")
    print(f"volume     {' x '.join(map(str, volume.dimensions))} voxels of {volume.spacing_mm[0]:g} mm, "
          f"{np.count_nonzero(reconstruction.seen.voxels) * volume.voxel_volume_mm3 / 1000:.0f} mL reached by a frame")  # fmt: skip

    truth = read_volume(truth_path) if truth_path else None
    box, tight, why = _choose_box(arguments, volume, truth)
    session.set_box(box, tight)
    write_box(box, output / "box.mrk.json")
    print(f"box        {' x '.join(f'{edge:.0f}' for edge in box.size_mm)} mm, {why}")

    with progress_bar("Segment") as progress:
        result = session.segment(segmenter.get(), arguments.threshold, progress=progress)
    timings["total"] = time.perf_counter() - started
    write_volume(result.mask, output / "mask.nrrd")
    write_volume(result.probability, output / "probability.nrrd")
    figures = {}
    if result.found:
        write_surface(result.surface, output / "tumor.stl")
        print(f"tumor      {result.volume_ml:.2f} mL, largest diameter {result.largest_diameter_mm:.1f} mm")
    else:
        print("tumor      nothing found in the box")
    for doubt in result.doubts:
        print(f"doubt      {doubt}")
    if truth is not None:
        from ..study.metrics import compare

        figures = compare(result.mask, truth)
        print(f"truth      Dice {figures['dice']:.3f}, HD95 {figures['hd95_mm']:.1f} mm, "
              f"true volume {figures['truth_volume_ml']:.2f} mL (simulated)")  # fmt: skip

    if truth is None:
        print("note       the shipped model has only seen simulated livers: what it marks in other tissue means nothing")
    distances = _approach(session, result, output) if result.found else []
    pictures = ["slices.png", *_picture_in_3d(session, caption, output)]
    slices_picture(output / "slices.png", volume, box, result.mask, truth, caption)
    save_scene(session, output / "scene.mrb")
    _print_timings(timings, segmenter.seconds)
    (output / "demo.json").write_text(
        json.dumps(
            {
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
        + "\n"
    )
    session.close()
    print(f"\nEverything is in {output}/: scene.mrb is the scene for 3D Slicer; {' and '.join(pictures)} to look at.")


def _simulate(seed: int, folder: Path) -> tuple[Path, Path]:
    from ..simulation import simulate_case, write_case

    if seed < 0:
        raise ConfigurationError(f"The seed is {seed}; it must be 0 or more.")
    with progress_bar("Simulate") as progress:
        write_case(simulate_case(seed, progress=progress), folder)
    print(f"simulated  case {seed}: a liver with one metastasis, not clinical data -> {folder}/")
    return folder / "sweep.igs.mha", folder / "tumor.nrrd"


class _Warm:
    """Loads the model while the sweep is received, as in the operating room; errors come out in get()."""

    def __init__(self, model: str | None, device: str):
        self.seconds = 0.0
        self._model, self._device = model, device
        self._segmenter, self._error = None, None
        self._thread = threading.Thread(target=self._load, daemon=True)
        self._thread.start()

    def get(self):
        with progress_bar("Load model"):
            self._thread.join()
        if self._error is not None:
            raise self._error
        return self._segmenter

    def _load(self) -> None:
        from ..segmentation.models import DEFAULT_MODEL, load_model
        from ..segmentation.predictor import Segmenter

        started = time.perf_counter()
        try:
            self._segmenter = Segmenter(load_model(self._model or DEFAULT_MODEL), self._device)
        except Exception as error:
            self._error = error
        self.seconds = time.perf_counter() - started


@contextmanager
def _server(sweep: Path, *options: str):
    """The port of a `crlm replay` in a process of its own."""
    package_parent = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package_parent, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "CRLMSegmentationLib.cli", "replay", str(sweep), "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        answer = re.search(r":(\d+);", process.stdout.readline())
        if answer is None:
            raise StreamError(f"The replay server did not start: {process.stderr.read().strip()}")
        yield int(answer.group(1))
    finally:
        process.terminate()
        process.communicate()


def _receive(source: Path, arguments, recorded: Path):
    from ..openigtlink import record

    options = ["--speed", str(arguments.speed)] if arguments.speed else ["--fast"]
    options += ["--reference", arguments.reference]
    if arguments.plus_config:
        options += ["--plus-config", arguments.plus_config]
    if arguments.image_to_probe:
        options += ["--image-to-probe", *arguments.image_to_probe]
    with progress_bar("Receive") as progress, _server(source, *options) as port:
        return record(recorded, port=port, until_closed=True, reference=arguments.reference, progress=progress)


def _choose_box(arguments, volume, truth) -> tuple[Box, bool, str]:
    """The box, whether the model's margin is still to be added, and why it is where it is."""
    given = box_from(arguments)
    if given is not None:
        return *given, "as given"
    if truth is not None:
        return Box.around_mask(truth), True, "around the true tumor, as a surgeon would drop it; the model's margin is added"
    size = np.minimum(_DEFAULT_BOX_MM, np.array(volume.dimensions) * volume.spacing_mm)
    return Box(volume.center_ras, size), False, "in the middle of the volume (choose another with BOX=)"


def _approach(session, result, output: Path) -> list[float | None]:
    """Move a simulated stylus towards the tumor over OpenIGTLink; the distances shown, None where it was lost."""
    from ..openigtlink import Receiver

    path = output / "approach.igs.mha"
    write_sweep(_approach_sweep(session.sweep, result), path)
    distances = []
    print("\nA simulated stylus moves towards the tumor (tip to surface, negative inside):")
    with _server(path, "--speed", "1") as port, Receiver(port=port) as receiver:
        for number, frame in enumerate(receiver.frames(until_closed=True)):
            session.show_frame(frame)
            # PLUS is silent about a tool that it does not see.
            if "StylusToReference" not in frame.transforms:
                session.update_tool("StylusToReference", Pose(np.eye(4), False))
            distance = session.tool_distance_mm("Stylus")
            distances.append(None if distance is None else round(distance, 3))
            if number % 4 == 0 or distance is None:
                print("           stylus lost" if distance is None else f"           {distance:6.1f} mm")
    return distances


def _approach_sweep(sweep: Sweep, result) -> Sweep:
    """The image plane nearest the tumor, held still, while a stylus comes in from the probe's side."""
    from ..navigation.distance import TumorDistance

    center = np.array(result.surface.GetCenter())
    frames = sweep.valid_frames
    middles = [frame.image_to_reference @ [frame.image_size[0] / 2, frame.image_size[1] / 2, 0, 1] for frame in frames]
    frame = frames[int(np.argmin([np.linalg.norm(middle[:3] - center) for middle in middles]))]
    top = (frame.image_to_reference @ [frame.image_size[0] * 0.8, 0, 0, 1])[:3]
    outward = (top - center) / np.linalg.norm(top - center)
    entry = TumorDistance(result.surface).closest_point(center + outward * 200).point_ras
    side = np.cross(outward, [0.0, 0.0, 1.0] if abs(outward[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    # A stylus points along its own -z: its shaft lies outward of the tip.
    rotation = np.column_stack([side, np.cross(outward, side), outward])
    steps = np.linspace(_APPROACH_START_MM, _APPROACH_END_MM, _APPROACH_FRAMES)
    poses = []
    for number, distance in enumerate(steps):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, entry + outward * distance
        poses.append(Pose(matrix, number != _LOST_FRAME))
    tip = Pose(np.eye(4))
    return Sweep(
        [
            frame.with_changes(timestamp=number / 10, transforms={"StylusToReference": pose, "StylusTipToStylus": tip})
            for number, pose in enumerate(poses)
        ],
        "approach",
    )


def _picture_in_3d(session, caption: str, output: Path) -> list[str]:
    """The scene as it is now, to be called while the tool is still live; the name of the picture that was made."""
    from ..scene.pictures import scene_picture

    try:
        scene_picture(output / "scene.png", session, caption, now_s=time.monotonic())
    except CRLMError as error:
        # A picture of an earlier run must not pass for one of this.
        (output / "scene.png").unlink(missing_ok=True)
        print(f"picture    {error}")
        return []
    return ["scene.png"]


def _print_timings(timings: dict, load_s: float) -> None:
    print("\nstep          seconds")
    for name in ("receive", "record", "reconstruct", "crop", "segment", "surface", "total"):
        if name in timings:
            print(f"{name:<12} {timings[name]:8.2f}")
    print(f"(the model was loaded in {load_s:.1f} s while the sweep came in; total runs from the first frame to the surface)")

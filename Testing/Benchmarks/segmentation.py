"""Time the engine beside the ways in which nnU-Net is used today: same model, same crop, same machine, same run.

    python Testing/Benchmarks/segmentation.py [--networks default shipped] [--repeats 3] [--trained FOLDER]
        [--runtime auto] [--json FILE]

`default` is nnU-Net's own 3d_fullres plan for 48 x 56 x 56 mm boxes at 0.5 mm (one window of 96 x 112 x 112, 16.5
million parameters, untrained: for timing; --trained names one of train_default_network.py, which may have layers in 8
bits), `shipped` the model that comes with the project. Prints tables in Markdown.
With --json, what was measured is added to FILE if it is there: networks and peers (--peers) may be measured one after
the other, with ours beside each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"), str(Path(__file__).resolve().parent)]

from CRLMSegmentationLib.errors import Cancelled  # noqa: E402
from CRLMSegmentationLib.inference.engine import WorkerPredictor  # noqa: E402
from CRLMSegmentationLib.inference.models.trained_model import DEFAULT_MODEL, load_model  # noqa: E402
from CRLMSegmentationLib.inference.runtimes.runtime_choice import RUNTIMES  # noqa: E402
from CRLMSegmentationLib.segmentation.crop import crop_volume  # noqa: E402
from CRLMSegmentationLib.segmentation.segment import segment  # noqa: E402
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter  # noqa: E402
from CRLMSegmentationLib.values import Box, Volume  # noqa: E402
from default_network import BOX_MM, make_default_model  # noqa: E402
from made_up import made_up_volume  # noqa: E402

PEERS = ["warm_predictor", "cold_cli", "slicernnunet", "slicernnunet_unmirrored"]
TITLES = {
    "ours": "ours, warm, box to mask",
    "warm_predictor": "nnUNetPredictor, warm in its process",
    "cold_cli": "`nnUNetv2_predict`, mirroring off",
    "slicernnunet": "SlicerNNUnet's way, mirroring on",
    "slicernnunet_unmirrored": "SlicerNNUnet's way, mirroring off",
}


def dice(mask, other) -> float:
    together = int(mask.sum()) + int(other.sum())
    return 2 * int((mask & other).sum()) / together if together else 1.0


def measure_network(
    model_folder: Path,
    volume: Volume,
    box: Box,
    repeats: int,
    threads: int,
    work: Path,
    peers: list[str],
    before: dict,
    runtime: str = "auto",
) -> dict:
    """`before` is what was measured of the same network earlier: its times count too."""
    from nnunet_peers import Predict, WarmPredictor, for_nnunet

    crop = crop_volume(volume, box)
    plain_folder, plain_crop = for_nnunet(model_folder, crop, work.with_name("plain"))
    times, masks = {}, {}
    with WorkerPredictor(load_model(model_folder), "cpu", threads=threads, runtime=runtime) as engine:
        started = time.perf_counter()
        runtime = engine.wait_until_ready(300).runtime
        start_s = time.perf_counter() - started
        masks["ours"] = TumorSegmenter(engine).probability(plain_crop).voxels >= 0.5
        cancels = cancel_times(engine, crop)
        memory = memory_growth_mb(engine, crop)
        segment(volume, box, TumorSegmenter(engine), 0.5, keep="all")
        results = []
        program = Predict(plain_folder, work)
        commands = {
            "cold_cli": program.cold,
            "slicernnunet": program.as_slicernnunet,
            "slicernnunet_unmirrored": lambda crop: program.as_slicernnunet(crop, mirroring=False),
        }
        if "warm_predictor" in peers:
            with redirect_stdout(sys.stderr):
                commands["warm_predictor"] = WarmPredictor(plain_folder, plain_crop, threads)
        # By turns: a machine that others use too slows some minutes down and not others.
        for _ in range(repeats):
            for name in peers:
                results += [segment(volume, box, TumorSegmenter(engine), 0.5, keep="all") for _ in range(2)]
                with redirect_stdout(sys.stderr):
                    seconds, mask = commands[name](plain_crop)
                times.setdefault(name, []).append(seconds)
                masks[name] = mask > 0
        results = results or [segment(volume, box, TumorSegmenter(engine), 0.5, keep="all") for _ in range(5)]
        times["ours"] = [sum(result.timings_s[part] for part in ("crop", "network", "mask")) for result in results]
        to_surface = [sum(result.timings_s.values()) for result in results]
    for name, earlier in before.get("seconds", {}).items():
        times[name] = earlier + times.get(name, [])
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {
        "runtime": runtime,
        "start_s": start_s,
        "seconds": times,
        "medians_s": medians,
        "box_to_surface_s": statistics.median(to_surface),
        "cancel_to_ready_s": cancels,
        "gui_memory": memory,
        "ratios": {name: medians[name] / medians["ours"] for name in medians if name != "ours"},
        "dice_with_ours": {
            **before.get("dice_with_ours", {}),
            **{name: dice(masks["ours"], mask) for name, mask in masks.items() if name != "ours"},
        },
    }


def cancel_times(engine, crop: Volume, count: int = 20) -> dict:
    """Seconds from the cancel to the engine being ready for the next box."""
    seconds = []
    for number in range(count):
        stop = threading.Event()
        timer = threading.Timer(0.01 + 0.02 * number, stop.set)
        timer.start()
        try:
            TumorSegmenter(engine).probability(crop, None, stop.is_set)
        except Cancelled:
            started = time.perf_counter()
            while engine.status.state != "ready":
                time.sleep(0.001)
            seconds.append(time.perf_counter() - started)
        timer.cancel()
    return {"cancelled": len(seconds), "median": statistics.median(seconds), "worst": max(seconds)} if seconds else {}


def memory_growth_mb(engine, crop: Volume) -> dict | None:
    """How far this process's memory rises at its highest while a crop is segmented; None where that cannot be asked."""
    status = Path("/proc/self/status")
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        before = _status_kb(status, "VmRSS")
        TumorSegmenter(engine).probability(crop)
        growth = (_status_kb(status, "VmHWM") - before) / 1024
    except (OSError, StopIteration):
        return None
    return {"growth_mb": growth, "crop_float32_mb": crop.voxels.size * 4 / 2**20}


def _status_kb(status: Path, name: str) -> int:
    return int(
        next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith(name)).split()[1]
    )


def measure_surface(repeats: int) -> dict:
    """From a moved slider to the new mask, surface, figures and doubts, 120^3 voxels."""
    from CRLMSegmentationLib.segmentation.crop import Crop
    from CRLMSegmentationLib.segmentation.segment import finish
    from scipy import ndimage

    volume = made_up_volume(120)
    smooth = ndimage.gaussian_filter(volume.voxels.astype(np.float32), 3)
    probability = 1 / (1 + np.exp((smooth - 62) / 6))
    result = finish(
        Crop(volume, (0, 0, 0)), volume.with_voxels(probability.astype(np.float32)), volume, 0.5, "largest", {}
    )
    seconds = []
    for number in range(max(15, repeats)):
        started = time.perf_counter()
        result.with_threshold(0.4 + 0.01 * number)
        seconds.append(time.perf_counter() - started)
    return {"rethreshold_s": statistics.median(seconds), "volume_ml": result.volume_ml}


def measure_two_cores(volume: Volume, box: Box) -> dict | None:
    """Box to surface with the shipped model on two cores."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(everywhere)[:2])
    try:
        with WorkerPredictor(load_model(DEFAULT_MODEL), "cpu") as engine:
            engine.wait_until_ready(300)
            results = [segment(volume, box, TumorSegmenter(engine)) for _ in range(6)][1:]
    finally:
        os.sched_setaffinity(0, everywhere)
    return {"box_to_surface_s": statistics.median(sum(result.timings_s.values()) for result in results)}


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(measured: dict) -> str:
    lines = [f"{measured['device']}, {measured['threads']} threads", ""]
    for name, figures in measured["networks"].items():
        lines += [
            f"Network: {name}, box {figures['box_mm']} mm, {figures['runtime']}",
            "",
            "| | seconds (median) | times ours | mask Dice with ours |",
            "| --- | ---: | ---: | ---: |",
        ]
        for key, title in TITLES.items():
            if key not in figures["medians_s"]:
                continue
            rest = f"{figures['ratios'][key]:.1f} | {figures['dice_with_ours'][key]:.4f}" if key != "ours" else "1 | "
            lines.append(f"| {title} | {figures['medians_s'][key]:.2f} | {rest} |")
        cancel, memory = figures["cancel_to_ready_s"], figures["gui_memory"]
        lines += [
            "",
            f"box to surface {figures['box_to_surface_s']:.2f} s; ready {figures['start_s']:.1f} s after its start",
        ]
        if cancel:
            lines.append(
                f"cancel to ready: median {cancel['median']:.3f} s, worst of {cancel['cancelled']} "
                f"{cancel['worst']:.3f} s"
            )
        if memory:
            lines.append(
                f"memory of the calling process: + {memory['growth_mb']:.1f} MB at most "
                f"(the crop as float32 is {memory['crop_float32_mb']:.1f} MB)"
            )
        lines.append("")
    if measured.get("surface"):
        lines.append(f"re-threshold to new surface, 120^3: {1000 * measured['surface']['rethreshold_s']:.0f} ms")
    if measured.get("two_cores"):
        lines.append(f"box to surface, shipped model, 2 cores: {measured['two_cores']['box_to_surface_s']:.2f} s")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", choices=["default", "shipped"], default=["default", "shipped"])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--trained", type=Path, metavar="FOLDER")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    threads = min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    measured = {"networks": {}}
    if arguments.json and arguments.json.is_file():
        measured = json.loads(arguments.json.read_text(encoding="utf-8"))
    measured |= {"device": f"{processor()}, {os.cpu_count()} cores", "threads": threads}
    volume = made_up_volume()
    box = Box(volume.center_ras, BOX_MM[::-1])
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.networks:
            work = Path(folder) / name
            work.mkdir()
            with redirect_stdout(sys.stderr):
                if name == "shipped":
                    model = load_model(DEFAULT_MODEL).folder
                else:
                    model = arguments.trained or make_default_model(work, work / "model")
            figures = measure_network(
                model,
                volume,
                box,
                arguments.repeats,
                threads,
                work / "peer",
                arguments.peers,
                measured["networks"].get(name, {}),
                arguments.runtime,
            )
            measured["networks"][name] = {"box_mm": " x ".join(f"{edge:g}" for edge in BOX_MM), **figures}
    if "shipped" in arguments.networks or not arguments.networks:
        measured["surface"] = measure_surface(arguments.repeats)
        measured["two_cores"] = measure_two_cores(volume, box)
    # The harder case is the large network, whose passes take most of everybody's time.
    for name in ("shipped", "default"):
        if name in measured["networks"]:
            measured["ratios"] = measured["networks"][name]["ratios"]
    print(table(measured))
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()

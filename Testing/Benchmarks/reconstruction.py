"""Time the reconstruction, and IGSIO's beside it when its binary is given.

    python Testing/Benchmarks/reconstruction.py [--igsio-peer PATH] [--threads 1 2 4] [--repeats 5] [--growth PNG]
                                                [--only insertion limit filling sweep live memory]

PATH is the program that igsio_peer/CMakeLists.txt builds around IGSIO's VolumeReconstruction. Both read the same frames
and settings, and every volume of ours is compared with IGSIO's byte by byte before its time is believed. Prints tables
in Markdown, under a line that names processor, flags and versions.

Rates are of the median by the clock, and on one thread also of the least processor time, which other programs on the
machine change little. `limit` inserts the same frames with nothing but the memory traffic: each pixel is read and its
voxel added to, at places that were worked out before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

from CRLMSegmentationLib.reconstruction import LiveReconstruction, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from machine import processor

MODES = [(i, c) for i in ("nearest", "linear") for c in ("latest", "maximum", "mean")]
PARTS = ("insertion", "limit", "filling", "sweep", "live", "memory")
VTK_UNSIGNED_CHAR = 3


def made_up_sweep(frames=95, size=(640, 480), pixel_mm=0.12, length_mm=65.0, seed=0) -> Sweep:
    """Speckle under a probe that is moved freehand over `length_mm`: 95 frames give 345 mL."""
    random = np.random.default_rng(seed)
    width, height = size
    tilt = 0.08 * np.sin(np.linspace(0, 5, frames)) + 0.3
    made = []
    for number in range(frames):
        c, s = np.cos(tilt[number]), np.sin(tilt[number])
        pose = np.eye(4)
        pose[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) * pixel_mm
        pose[:3, 3] = (random.normal(scale=0.1), random.normal(scale=0.1), length_mm * number / max(1, frames - 1))
        pixels = random.integers(0, 256, (height, width), dtype=np.uint8)
        made.append(TrackedFrame(pixels, pose, number / 20))
    return Sweep(made, name="benchmark")


def run_igsio(binary: Path, sweep: Sweep, settings: ReconstructionSettings, threads: int, repeats: int):
    """IGSIO's volume (k, j, i), and its seconds 'insert', 'insert_cpu' and 'fill', one of each for a repeat."""
    width, height = sweep.image_size
    lines = [
        f"size {width} {height}",
        f"frames {len(sweep)}",
        f"type {VTK_UNSIGNED_CHAR}",
        "spacing " + " ".join(map(repr, settings.spacing_mm)),
        "clip 0 0 0 0",
        f"linear {int(settings.interpolation == 'linear')}",
        f"optimization {('full', 'partial', 'none').index(settings.optimization)}",
        f"compounding {('latest', 'maximum', 'mean').index(settings.compounding)}",
        f"threads {threads}",
        f"repeats {repeats}",
    ]
    if settings.fill == "stick":
        lines.append(f"stick {settings.stick_length_voxels} {settings.sticks_used}")
    with tempfile.TemporaryDirectory() as folder:
        job, output = Path(folder) / "job", Path(folder) / "output"
        with job.open("wb") as file:
            file.write(("\n".join(lines) + "\ndata\n").encode())
            for frame in sweep.frames:
                file.write(np.ascontiguousarray(frame.image_to_reference, dtype="<f8").tobytes())
            for frame in sweep.frames:
                file.write(np.ascontiguousarray(frame.pixels).tobytes())
        ran = subprocess.run([str(binary), str(job), str(output)], check=True, capture_output=True, encoding="utf-8")
        result = json.loads(ran.stdout.splitlines()[-1])
        i, j, k = result["dimensions"]
        voxels = np.fromfile(output, dtype=np.uint8, count=i * j * k).reshape(k, j, i)
    return voxels, result


def median_seconds(task, repeats: int) -> float:
    task()  # compiles
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        task()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def table(title: str, columns: list[str], rows: list[list]) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("| " + " | ".join("---" for _ in columns) + " |")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


def inserted(sweep: Sweep, settings: ReconstructionSettings, repeats: int) -> tuple[float, float]:
    """Frames per second by the clock (median) and by the processor (best)."""
    reconstruct(sweep, settings)  # compiles
    seconds, processor_seconds = [], []
    for _ in range(repeats):
        started = time.process_time()
        seconds.append(reconstruct(sweep, settings).report.seconds["insert"])
        processor_seconds.append(time.process_time() - started)
    return len(sweep) / float(np.median(seconds)), len(sweep) / min(processor_seconds)


def insertion(sweep: Sweep, threads: list[int], repeats: int, peer: Path | None) -> None:
    """Frames inserted per second, without holes and filling."""
    rows = []
    for interpolation, compounding in MODES:
        for count in threads:
            settings = ReconstructionSettings(
                0.5, interpolation, compounding, "igsio", "full", threads=count, measure_holes=False, reject_jumps=False
            )
            igsio = inserted(sweep, settings, repeats)
            exact = inserted(sweep, settings.with_changes(definition="exact"), repeats)
            row = [f"{interpolation} {compounding}", count]
            if peer:
                voxels, _ = run_igsio(peer, sweep, settings, 1, 1)
                same = 100 * np.mean(voxels == reconstruct(sweep, settings).volume.voxels)
                _, theirs = run_igsio(peer, sweep, settings, count, repeats)
                rate = len(sweep) / np.median(theirs["insert"])
                row += [f"{rate:.0f}", f"{igsio[0]:.0f}", f"{igsio[0] / rate:.1f}"]
                row += [f"{exact[0]:.0f}", f"{exact[0] / rate:.1f}"]
                by_processor = len(sweep) / min(theirs["insert_cpu"])
                row += [f"{ours[1] / by_processor:.1f}" if count == 1 else "" for ours in (igsio, exact)]
                rows.append([*row, f"{same:g} %"])
            else:
                rows.append([*row, f"{igsio[0]:.0f}", f"{exact[0]:.0f}"])
    columns = ["insertion, frames/s", "threads"]
    if peer:
        columns += ["IGSIO", "igsio", "ratio", "exact", "ratio", "ratio igsio, processor time", "ratio exact, same"]
        columns += ["voxels the same"]
    else:
        columns += ["igsio", "exact"]
    table("Insertion of 640 x 480 frames at 0.5 mm", columns, rows)


def limit(sweep: Sweep, repeats: int) -> None:
    """What the memory of a frame's voxels takes: the same reads and writes at places known before, processor time."""
    import numba

    @numba.njit(nogil=True)
    def touch(pixels, places, sums):
        for n in range(places.size):
            sums[places[n]] += np.uint64(pixels[n])

    settings = ReconstructionSettings(0.5, threads=1, measure_holes=False, reject_jumps=False)
    ijk_to_ras = reconstruct(sweep, settings).volume.ijk_to_ras
    shape = reconstruct(sweep, settings).volume.voxels.shape
    v, u = np.mgrid[: sweep.image_size[1], : sweep.image_size[0]]
    points = np.stack([u, v, 0 * u, 0 * u + 1], axis=-1).reshape(-1, 4).astype(float)
    frames = []
    for frame in sweep.frames:
        i, j, k = np.rint(points @ (np.linalg.inv(ijk_to_ras) @ frame.image_to_reference).T)[:, :3].astype(int).T
        inside = np.all([(0 <= n) & (n < size) for n, size in zip((k, j, i), shape)], axis=0)
        index = ((k * shape[1] + j) * shape[2] + i)[inside].astype(np.uint32)
        values = frame.pixels.reshape(-1)[inside]
        changes = np.flatnonzero(np.diff(index, prepend=index[0] + 1))  # as a kernel meets them: each voxel once a row
        frames.append((values[changes], index[changes]))
    rows = []
    for name, dtype in (("packed sums, 8 bytes", np.uint64), ("grey levels, 1 byte", np.uint8)):
        seconds = []
        for number in range(repeats + 1):
            sums = np.zeros(int(np.prod(shape)), dtype=dtype)
            started = time.process_time()
            for values, index in frames:
                touch(values, index, sums)
            seconds.append(time.process_time() - started if number else np.inf)  # the first compiles
        rows.append([name, f"{len(sweep) / min(seconds):.0f}"])
    table("Limit: the same voxels read and written, one thread", ["volume", "frames/s of processor time"], rows)


def filling(sweep: Sweep, threads: list[int], repeats: int, peer: Path | None) -> None:
    rows = []
    for spacing in (0.5, 0.3):
        for count in threads:
            settings = ReconstructionSettings(
                spacing,
                "nearest",
                "mean",
                "igsio",
                "full",
                "stick",
                threads=count,
                measure_holes=False,
                reject_jumps=False,
            )
            made = reconstruct(sweep, settings)
            seconds = np.median([reconstruct(sweep, settings).report.seconds["fill"] for _ in range(repeats)])
            row = [f"stick, {spacing} mm", count, f"{1e3 * seconds:.0f}"]
            if peer:
                voxels, _ = run_igsio(peer, sweep, settings, 1, 1)
                same = 100 * np.mean(voxels == made.volume.voxels)
                theirs = run_igsio(peer, sweep, settings, count, repeats)[1]["fill"]
                row += [f"{1e3 * np.median(theirs):.0f}", f"{np.median(theirs) / seconds:.1f}", f"{same:g} %"]
            rows.append(row)
    columns = ["hole filling, ms", "threads", "ours"] + (["IGSIO", "ratio", "voxels the same"] if peer else [])
    table("Stick filling", columns, rows)


def whole_sweep(sweep: Sweep, threads: list[int], repeats: int) -> None:
    rows = []
    for count in threads:
        for fill in ("none", "stick", "distance"):
            settings = ReconstructionSettings(0.5, fill=fill, threads=count)
            seconds = median_seconds(lambda: reconstruct(sweep, settings), repeats)
            report = reconstruct(sweep, settings).report
            holes = f"{100 * report.hole_share_before_fill:.1f} -> {100 * report.hole_share_after_fill:.1f} %"
            rows.append([f"fill {fill}", count, f"{seconds:.3f}", holes])
    voxels = reconstruct(sweep, settings).volume
    title = (
        f"Whole sweep: {len(sweep)} frames into {voxels.voxels.size * voxels.voxel_volume_mm3 / 1000:.0f} mL at 0.5 mm"
    )
    table(title, ["exact mean", "threads", "s", "holes"], rows)


def live(sweep: Sweep, threads: list[int], frames_per_s=30.0) -> None:
    """Time from a frame's arrival until it is in the volume, at the rate of a scanner."""
    rows = []
    for count in threads:
        for interpolation in ("nearest", "linear"):
            settings = ReconstructionSettings(0.3, interpolation, threads=count)
            for _ in range(2):  # the first compiles
                milliseconds = []
                with LiveReconstruction(settings) as growing:
                    for frame in sweep.frames:
                        started = time.perf_counter()
                        growing.add(frame)
                        growing.wait()
                        taken = time.perf_counter() - started
                        milliseconds.append(1e3 * taken)
                        time.sleep(max(0.0, 1 / frames_per_s - taken))
                    started = time.perf_counter()
                    growing.snapshot()
                    snapshot = 1e3 * (time.perf_counter() - started)
            median, worst = np.percentile(milliseconds, [50, 99])
            rows.append([f"{interpolation} mean", count, f"{median:.1f}", f"{worst:.1f}", f"{snapshot:.0f}"])
    title = f"Live: one frame of {sweep.image_size[0]} x {sweep.image_size[1]} at 0.3 mm, {frames_per_s:.0f} frames/s"
    table(title, ["exact", "threads", "median ms", "99 % ms", "first snapshot ms"], rows)


def memory(sweep: Sweep) -> None:
    """Peak of what is allocated, against the volume, its mask and one accumulator."""
    rows = []
    for compounding, accumulator in (("mean", 8), ("maximum", 0)):
        settings = ReconstructionSettings(0.25, compounding=compounding, threads=2, measure_holes=False)
        reconstruct(sweep, settings.with_changes(spacing_mm=2.0))  # compiles
        tracemalloc.start()
        voxels = reconstruct(sweep, settings).volume.voxels.size
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        needed = voxels * (2 + accumulator)
        rows.append(
            [compounding, f"{voxels / 1e6:.0f} M", f"{peak / voxels:.2f}", f"{100 * (peak / needed - 1):.1f} %"]
        )
    table(
        "Memory, exact definition, 0.25 mm", ["", "voxels", "bytes per voxel", "above volume, mask, accumulator"], rows
    )


def growth(path: Path, threads: int) -> None:
    """Seconds against frames and against voxels, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    few = made_up_sweep(95, size=(320, 240), pixel_mm=0.26)
    settings = ReconstructionSettings(0.5, threads=threads, measure_holes=False)
    frames, by_frames = [125, 250, 500, 1000, 2000], []
    for count in frames:
        long = Sweep([few.frames[n * len(few) // count] for n in range(count)])
        by_frames.append(median_seconds(lambda: reconstruct(long, settings), 3))
    voxels, by_voxels = [], []
    for spacing in (0.6, 0.45, 0.3, 0.22, 0.159):
        finer = settings.with_changes(spacing_mm=spacing)
        voxels.append(reconstruct(few, finer).volume.voxels.size / 1e6)
        by_voxels.append(median_seconds(lambda: reconstruct(few, finer), 3))
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5))
    axes[0].plot(frames, by_frames, "o-")
    axes[0].set(xlabel="frames (320 x 240, 0.5 mm)", ylabel="s", xlim=0, ylim=0)
    axes[1].plot(voxels, by_voxels, "o-")
    axes[1].set(xlabel="million voxels (95 frames)", ylabel="s", xlim=0, ylim=0)
    figure.suptitle(f"Reconstruction, exact mean, {threads} threads")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    rows = [[f, f"{a:.2f}", f"{v:.1f}", f"{b:.2f}"] for f, a, v, b in zip(frames, by_frames, voxels, by_voxels)]
    table("Growth", ["frames", "s", "million voxels", "s"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--igsio-peer", type=Path, help="a program around IGSIO's engine; see run_igsio")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--growth", type=Path, metavar="PNG", help="also measure growth, and draw it")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="parts to time; all when not given")
    options = parser.parse_args()
    sweep = made_up_sweep()
    print(processor())
    if "insertion" in options.only:
        insertion(sweep, options.threads, options.repeats, options.igsio_peer)
    if "limit" in options.only:
        limit(sweep, options.repeats)
    if "filling" in options.only:
        filling(sweep, options.threads, options.repeats, options.igsio_peer)
    if "sweep" in options.only:
        whole_sweep(sweep, options.threads, options.repeats)
    if "live" in options.only:
        live(sweep, options.threads)
    if "memory" in options.only:
        memory(sweep)
    if options.growth:
        growth(options.growth, max(options.threads))


if __name__ == "__main__":
    main()

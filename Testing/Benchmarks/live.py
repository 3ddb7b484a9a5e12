"""Outlines of live frames, as the session makes them and in the way of TorchLiveUs, in one run.

    python Testing/Benchmarks/live.py --json live.json [--model FOLDER] [--seconds 20]

A simulated sweep (640 x 480, 30 frames/s) is replayed over OpenIGTLink on this computer. Passes of the same length,
each with a timer that ticks 30 times a second as the window's does:

  quiet   the session alone: receiving, recording, the growing volume
  live    the same, with frames outlined by the network in its own process; the newest frame wins
  peer    as aigt's TorchLiveUs: an observer of the image runs the same network in the thread of the GUI, and the last
          outline is drawn on whatever image is shown; no rule for late frames
  alone   the network with nothing beside it, frame by frame: what the peer's thread is blocked for at least

p95_ms is from a frame's arrival in the outliner to its outline; tick_added_ms the difference of the median ticks of
live and quiet. Figures depend on this machine: its cores, and how many processes wanted them, stand beside them. On a
busy one torch with several threads collapses: --threads 1 is then fairer to the peer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.predictor import LocalPredictor, available_processors
from CRLMSegmentationLib.live.frame_model import default_frame_model, frame_label, load_frame_model
from CRLMSegmentationLib.live.outline import outline_polygons
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.simulation import SweepSettings, simulate_case
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep

SEED, FRAMES, RATE_HZ, TICK_S = 7500, 90, 30.0, 1 / 30
LONGEST_START_S = 120.0


def recording(folder: Path, seed: int) -> tuple[Path, list[TrackedFrame]]:
    """A sweep at 30 frames/s in a file, and its frames."""
    case = simulate_case(seed, sweep=SweepSettings(frames=FRAMES, lost_poses=0))
    frames = [one.with_changes(timestamp=number / RATE_HZ) for number, one in enumerate(case.sweep.frames)]
    path = folder / "sweep.igs.mha"
    write_sweep(Sweep(frames, "Benchmark", dict(case.sweep.fields)), path)
    return path, frames


def ticking(seconds: float, tick: Callable[[], None]) -> list[float]:
    """Milliseconds of each call of `tick`, thirty a second where that can be kept up."""
    took_ms = []
    ends = time.monotonic() + seconds
    while (started := time.monotonic()) < ends:
        tick()
        passed = time.monotonic() - started
        took_ms.append(1000 * passed)
        time.sleep(max(0.0, TICK_S - passed))
    return took_ms


def of_session(path: Path, model: str, seconds: float, outlined: bool, folder: Path) -> dict[str, Any]:
    """One pass of a session that records, with a growing volume; `outlined`: with the network."""
    session = Session()
    session.recording.folder = folder
    try:
        session.stream.replay(path)
        if outlined:
            session.live.choose_model(model)
            session.live.start()
        _until(session, lambda: session.stream.is_live and (not outlined or session.live.status.state == "on"))
        session.recording.start()
        ticking(2.0, session.process)
        before, drawn, elsewhere = session.live.status.frames, 0, 0

        def tick() -> None:
            nonlocal drawn, elsewhere
            session.process()
            shown, outline = session.stream.image.frame, session.live.outline
            if outline is not None:
                drawn += 1
                elsewhere += outline.outline.frame is not shown

        took_ms = ticking(seconds, tick)
        frames = session.live.status.frames
        found: dict[str, Any] = {"tick_ms": _spread(took_ms)}
        if outlined:
            found |= {
                "frames": frames.frames - before.frames, "outlined": frames.outlined - before.outlined,
                "dropped": frames.dropped - before.dropped, "p95_ms": round(frames.p95_ms, 1),
                "frames_per_s": round((frames.outlined - before.outlined) / seconds, 1),
                "ticks_with_outline": drawn, "on_another_frame": elsewhere,
            }  # fmt: skip
        session.recording.stop()
        return found
    finally:
        session.close()


def _until(session: Session, condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONGEST_START_S
    while not condition():
        if time.monotonic() > ends:
            raise SystemExit(f"Not ready after {LONGEST_START_S:.0f} s: {session.live.status.message}")
        session.process()
        time.sleep(TICK_S)


def of_peer(frames: list[TrackedFrame], predictor: LocalPredictor, seconds: float) -> dict[str, Any]:
    """Image node, observer and drawing in one thread: an image is shown as it comes, the network runs on it there and
    then, and until it has answered, and the next image has been shown, the outline that is there is the last one.
    """
    label = frame_label(predictor.model)
    began = time.monotonic()
    outlined_number, drawn, elsewhere, done = -1, 0, 0, 0
    blocked_ms = []

    def tick() -> None:
        nonlocal outlined_number, drawn, elsewhere, done
        number = int((time.monotonic() - began) * RATE_HZ)
        # The view draws the image that has come, with the outline that there is.
        if outlined_number >= 0:
            drawn += 1
            elsewhere += outlined_number != number
        started = time.monotonic()
        outline(predictor, label, frames[number % len(frames)])
        blocked_ms.append(1000 * (time.monotonic() - started))
        outlined_number, done = number, done + 1

    took_ms = ticking(seconds, tick)
    return {
        "tick_ms": _spread(took_ms), "p95_ms": round(float(np.percentile(blocked_ms, 95)), 1),
        "frames_per_s": round(done / seconds, 1), "images_drawn": drawn, "on_another_frame": elsewhere,
    }  # fmt: skip


def outline(predictor: LocalPredictor, label: str, frame: TrackedFrame) -> None:
    """One frame through the network to its outline."""
    plane = frame.plane
    assert plane is not None
    image = Image.of_frame(frame.pixels, plane.pixel_mm[::-1])
    outline_polygons(predictor.predict(image, [label]).of(label)[0], predictor.model.card.threshold)


def of_network(frames: list[TrackedFrame], predictor: LocalPredictor, count: int = 60) -> dict[str, Any]:
    """Milliseconds from frame to outline, one after the other."""
    label = frame_label(predictor.model)
    took_ms = []
    for number in range(count):
        started = time.monotonic()
        outline(predictor, label, frames[number % len(frames)])
        took_ms.append(1000 * (time.monotonic() - started))
    return _spread(took_ms)


def _spread(values: list[float]) -> dict[str, Any]:
    median, p95 = np.percentile(values, (50, 95))
    return {"median": round(float(median), 2), "p95": round(float(p95), 2), "count": len(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder or name of a model for the task frames; the first one by default")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each pass")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=available_processors(), help="of the peer's network")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    model = options.model or default_frame_model()
    with tempfile.TemporaryDirectory() as folder:
        path, frames = recording(Path(folder), options.seed)
        quiet = of_session(path, model, options.seconds, False, Path(folder) / "quiet")
        live = of_session(path, model, options.seconds, True, Path(folder) / "live")
        predictor = LocalPredictor(load_frame_model(model), "cpu", threads=options.threads, runtime="torch")
        predictor.warm_up()
        peer, alone = of_peer(frames, predictor, options.seconds), of_network(frames, predictor)
    found = {
        "model": load_frame_model(model).name, "processor": platform.processor() or platform.machine(),
        "cores": available_processors(), "load": [round(one, 1) for one in os.getloadavg()],
        "p95_ms": live["p95_ms"], "frames_per_s": live["frames_per_s"],
        "tick_added_ms": round(live["tick_ms"]["median"] - quiet["tick_ms"]["median"], 2),
        "ratios": {
            "tick_p95_peer_to_live": round(peer["tick_ms"]["p95"] / live["tick_ms"]["p95"], 1),
            "frames_per_s_live_to_peer": round(live["frames_per_s"] / peer["frames_per_s"], 2),
            "on_another_frame_live": _share(live["on_another_frame"], live["ticks_with_outline"]),
            "on_another_frame_peer": _share(peer["on_another_frame"], peer["images_drawn"]),
        },
        "quiet": quiet, "live": live, "peer": peer, "alone_ms": alone,
    }  # fmt: skip
    text = json.dumps(found, indent=2)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    print(text)


def _share(part: int, whole: int) -> float:
    return round(part / max(1, whole), 3)


if __name__ == "__main__":
    main()

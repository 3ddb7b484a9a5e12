"""The stream for hours: 640 x 480 at 60 frames/s with four transforms each, from a server to a receiver over loopback.

    python Testing/Benchmarks/stream_soak.py --minutes 30 --log soak.jsonl [--pumped] [--record FOLDER]

Server and receiver are processes of their own. Each image holds its own number, so that every lost frame is known; the
latency is from just before the packing to the tracked frame in the consumer's hands. One line of JSON a minute: frames,
lost, latency, memory and threads of both processes, load of the machine. The last line is the summary.

When both programs are stopped and continued (SIGSTOP, SIGCONT), no frame may be lost either; the frames that were on
their way meanwhile do not count for the latency, and the stops are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

import numpy as np
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.tracking import Receiver
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.server import Server
from openigtlink import TOOLS, pixels_of_size, served

RATE = 60
# Two programs that have just started load libraries and compile: what is said of memory and latency begins after that.
WARM_UP_S = 5.0
# Frames around a stop of both programs have waited for it.
AROUND_A_STOP_S = 1.0
RECORDING_S = 20.0


class Stops:
    """Counts how often this process was stopped and continued, and knows when that was last."""

    def __init__(self):
        self.count, self.last = 0, -float("inf")
        if hasattr(signal, "SIGCONT"):
            signal.signal(signal.SIGCONT, self._continued)

    def _continued(self, *_):
        self.count, self.last = self.count + 1, time.monotonic()


def serve_numbered(port, size, stop):
    """Send RATE images a second; the first eight bytes of each are its number."""
    server = Server(port=0)
    port.put((server.port, os.getpid()))
    server.start()
    server.wait_for_client(60)
    pixels = pixels_of_size(size)
    number, next_at, stops = 0, time.monotonic(), Stops()
    while not stop.is_set():
        time.sleep(max(0.0, next_at - time.monotonic()))
        if time.monotonic() - stops.last < 0.1:
            # What was not sent while all stood still is not sent afterwards in one go.
            next_at = time.monotonic()
        next_at += 1 / RATE
        pixels.ravel()[:8] = np.frombuffer(number.to_bytes(8, "big"), np.uint8)
        now = time.time()
        messages = [image_message(pixels.copy(), np.eye(4), "Image_Image", now)]
        server.send(messages + [transform_message(np.eye(4), name, now) for name in TOOLS])
        number += 1
    server.stop()


def process_figures(pid: int) -> dict:
    """Resident memory, threads and processor time of a process, from Linux's /proc."""
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        if ":" in line
    )
    times = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return {
        "memory_mb": int(status["VmRSS"].split()[0]) / 1024,
        "threads": int(status["Threads"]),
        "cpu_s": (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
    }


class Latencies:
    """A histogram of ever the same size, so that the test's own memory does not grow: 0.02 ms a bin, up to 4 s."""

    STEP_MS, BINS = 0.02, 200_000

    def __init__(self):
        self.counts, self.maximum = np.ones(self.BINS, np.int64), 0.0
        self.counts -= 1

    def add(self, latency_ms: float) -> None:
        self.counts[min(max(int(latency_ms / self.STEP_MS), 0), self.BINS - 1)] += 1
        self.maximum = max(self.maximum, latency_ms)

    def spread(self) -> dict:
        shares = np.cumsum(self.counts) / max(self.counts.sum(), 1)
        marks = {"median": 0.5, "p99": 0.99, "p999": 0.999}
        return {
            **{
                name: round((int(np.searchsorted(shares, share)) + 1) * self.STEP_MS, 3)
                for name, share in marks.items()
            },
            "maximum": round(self.maximum, 3),
        }


class Recording:
    """Records the stream in pieces, each deleted once it is complete, so that no disk is filled.

    As in the navigation session, another thread completes the file while the next one grows.
    """

    def __init__(self, folder: Path):
        self.folder, self.pieces, self.recorder, self.began = folder, 0, None, 0.0
        self.frames = self.dropped = 0
        self.longest_add_ms = self.longest_stop_s = 0.0
        self._stopping: threading.Thread | None = None

    def add(self, frame, now: float) -> None:
        if self.recorder is None or now - self.began > RECORDING_S:
            self.end(wait=False)
            self.recorder, self.began = Recorder(self.folder / f"soak-{self.pieces}.igs.mha"), now
            self.pieces += 1
        before = time.perf_counter()
        self.recorder.add(frame)
        self.longest_add_ms = max(self.longest_add_ms, 1e3 * (time.perf_counter() - before))

    def end(self, wait: bool = True) -> None:
        if self._stopping is not None:
            self._stopping.join()
        if self.recorder is not None:
            self._stopping = threading.Thread(target=self._complete, args=(self.recorder,))
            self._stopping.start()
            self.recorder = None
        if wait and self._stopping is not None:
            self._stopping.join()

    def _complete(self, recorder: Recorder) -> None:
        before = time.monotonic()
        for path in recorder.stop():
            path.unlink()
        self.longest_stop_s = max(self.longest_stop_s, time.monotonic() - before)
        self.frames += recorder.frames
        self.dropped += recorder.dropped


def soak(minutes: float, size, log: Path, pumped: bool, record: Path | None, every_s: float = 60.0) -> dict:
    """Run and return the summary; `log` grows by a line every `every_s`."""
    latencies, minute, rows = Latencies(), Latencies(), []
    lost = invalid = frames = 0
    last = None
    stops = Stops()
    recording = Recording(record) if record else None
    with served(serve_numbered, size) as (port, server_pid):
        receiver = Receiver(port=port).start(own_thread=not pumped)
        try:
            receiver.wait_until_connected(30)
            begun = reported = time.monotonic()
            # By frames, not by the clock: the time that both programs stood still does not count.
            while frames < 60 * minutes * RATE:
                now = time.monotonic()
                frame = receiver.get(1.0)
                if frame is None:
                    continue
                number = int.from_bytes(frame.pixels.ravel()[:8].tobytes(), "big")
                lost += 0 if last is None else number - last - 1
                last, frames, invalid = number, frames + 1, invalid + (not frame.valid)
                if recording:
                    recording.add(frame, now)
                if now - begun > WARM_UP_S and time.monotonic() - stops.last > AROUND_A_STOP_S:
                    latency_ms = 1e3 * (time.time() - frame.timestamp)
                    latencies.add(latency_ms)
                    minute.add(latency_ms)
                if now - reported >= every_s:
                    reported = now
                    row = {
                        "seconds": round(now - begun, 1), "frames": frames, "lost": lost, "invalid": invalid,
                        "latency_ms": minute.spread(), "receiver": process_figures(os.getpid()),
                        "server": process_figures(server_pid), "load": os.getloadavg()[0],
                        "dropped": receiver.status.dropped, "stops": stops.count,
                    }  # fmt: skip
                    rows.append(row)
                    minute = Latencies()
                    with open(log, "a", encoding="utf-8") as stream:
                        stream.write(json.dumps(row) + "\n")
            if recording:
                recording.end()
            status = receiver.status
        finally:
            receiver.stop()
    first, end = rows[0], rows[-1]
    summary = {
        "minutes": round(frames / RATE / 60, 2), "nice": os.nice(0),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "pumped": pumped, "frames": frames, "lost": lost, "invalid": invalid, "dropped": status.dropped,
        "damaged": status.damaged, "closures": status.closures, "stops": stops.count,
        "latency_ms": latencies.spread(),
        "worst_minute_p99_ms": max(row["latency_ms"]["p99"] for row in rows),
        "minutes_with_p99_above_20_ms": sum(row["latency_ms"]["p99"] > 20 for row in rows),
        "memory_mb_first_and_last": {who: [first[who]["memory_mb"], end[who]["memory_mb"]]
                                     for who in ("receiver", "server")},
        "threads_first_and_last": {who: [first[who]["threads"], end[who]["threads"]] for who in ("receiver", "server")},
        "cpu_share_of_a_core": {
            who: round((end[who]["cpu_s"] - first[who]["cpu_s"]) / max(end["seconds"] - first["seconds"], 1e-9), 3)
            for who in ("receiver", "server")
        },
        "load_mean_and_highest": [float(np.mean([row["load"] for row in rows])), max(row["load"] for row in rows)],
    }  # fmt: skip
    if recording:
        summary["recording"] = {
            "pieces": recording.pieces, "frames": recording.frames, "dropped": recording.dropped,
            "longest_add_ms": round(recording.longest_add_ms, 3),
            "longest_stop_s": round(recording.longest_stop_s, 3),
        }  # fmt: skip
    with open(log, "a", encoding="utf-8") as stream:
        stream.write(json.dumps({"summary": summary}) + "\n")
    return summary


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--log", type=Path, default=Path("stream-soak.jsonl"))
    parser.add_argument("--every", type=float, default=60.0, metavar="SECONDS", help="between two lines of the log")
    parser.add_argument("--pumped", action="store_true", help="a receiver without a thread of its own")
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="record all the while, in pieces, into this folder"
    )
    options = parser.parse_args()
    every = min(options.every, 60 * options.minutes / 3)
    print(json.dumps(soak(options.minutes, options.size, options.log, options.pumped, options.record, every), indent=2))


if __name__ == "__main__":
    main()

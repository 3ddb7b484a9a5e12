"""Frames per second and latency over loopback, against pyigtl's own client and server in the same run.

    python Testing/Benchmarks/openigtlink.py [--seconds 5] [--size 640 480] [--json FILE]

Server and client are processes of their own, as in use. Throughput: images as fast as they go. Latency: 60 images a
second, each with four transforms, from just before packing to the tracked frame in the consumer's hands.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

import numpy as np
from CRLMSegmentationLib.tracking import Receiver
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.server import Server

TOOLS = ("ImageToReference", "ProbeToReference", "StylusToReference", "NeedleToReference")


def pixels_of_size(size):
    return np.random.default_rng(0).integers(0, 256, (size[1], size[0]), dtype=np.uint8)


def serve_ours(port, size, stop, rate):
    server = Server(port=0)
    port.put(server.port)
    server.start()
    server.wait_for_client(30)
    pixels, number, started = pixels_of_size(size), 0, time.monotonic()
    while not stop.is_set():
        if rate:
            time.sleep(max(0.0, started + number / rate - time.monotonic()))
        else:
            server.wait_for_room(10)
        now = time.time()
        messages = [image_message(pixels, np.eye(4), "Image_Image", now)]
        if rate:
            messages += [transform_message(np.eye(4), name, now) for name in TOOLS]
        server.send(messages)
        number += 1
    server.stop()
    port.put(number)


def serve_pyigtl(port, size, stop):
    import pyigtl

    server = pyigtl.OpenIGTLinkServer(port=0)
    port.put(server.server_address[1])
    while not server.is_connected():
        time.sleep(0.01)
    pixels = pixels_of_size(size)[np.newaxis]
    while not stop.is_set():
        if len(server.outgoing_messages) < 50:
            server.send_message(pyigtl.ImageMessage(pixels, device_name="Image_Image"), wait=False)
        else:
            time.sleep(0.0005)
    os._exit(0)


def rates(count, elapsed, used):
    return {"frames_per_second": count / elapsed, "client_cpu_ms_per_frame": 1e3 * used / count}


def throughput_of_ours(size, seconds):
    with served(serve_ours, size, None) as port, Receiver(port=port, ask_for_metadata=False) as receiver:
        frames = receiver.frames()
        next(frames)
        count, started, used = 0, time.monotonic(), time.process_time()
        # One at least, however slow the machine is.
        while count == 0 or time.monotonic() - started < seconds:
            next(frames)
            count += 1
        elapsed = time.monotonic() - started
        status = receiver.status
        assert status.damaged == status.out_of_step == status.dropped == 0
        return rates(count, elapsed, time.process_time() - used)


def throughput_of_pyigtl(size, seconds):
    import pyigtl

    class Counting(dict):
        count = 0

        def __setitem__(self, key, value):
            self.count += 1
            super().__setitem__(key, value)

    with served(serve_pyigtl, size) as port:
        client = pyigtl.OpenIGTLinkClient(port=port, start_now=False)
        client.incoming_messages = counted = Counting()
        client.start()
        while not counted.count:
            time.sleep(0.01)
        before, started, used = counted.count, time.monotonic(), time.process_time()
        time.sleep(seconds)
        while counted.count == before:
            time.sleep(0.01)
        elapsed = time.monotonic() - started
        count = counted.count - before
        return rates(count, elapsed, time.process_time() - used)


def latency_of_ours(size, seconds, rate=60):
    latencies = []
    with served(serve_ours, size, rate) as port, Receiver(port=port) as receiver:
        started = None
        for frame in receiver.frames():
            started = started or time.monotonic()
            latencies.append(time.time() - frame.timestamp)
            if time.monotonic() - started > 1 + seconds and len(latencies) > rate:
                break
        status = receiver.status
    # The first second is that of two programs still loading.
    latencies = 1e3 * np.array(latencies[rate:])
    return {
        "frames": status.frames,
        "invalid": status.invalid,
        "lost": status.dropped,
        "latency_ms_median": float(np.median(latencies)),
        "latency_ms_p99": float(np.percentile(latencies, 99)),
        "latency_ms_maximum": float(latencies.max()),
    }


class served:
    """A server in a process of its own; gives its port."""

    def __init__(self, target, *arguments):
        context = multiprocessing.get_context("spawn")
        self.port, self.stop = context.Queue(), context.Event()
        size, *rest = arguments
        self.process = context.Process(target=target, args=(self.port, size, self.stop, *rest), daemon=True)

    def __enter__(self):
        self.process.start()
        return self.port.get(timeout=60)

    def __exit__(self, *_):
        self.stop.set()
        self.process.join(5)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measurement")
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    result = {
        "image_size": list(options.size),
        "processors": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "ours": throughput_of_ours(options.size, options.seconds),
        "pyigtl": throughput_of_pyigtl(options.size, options.seconds),
        "ours_at_60_per_second_with_4_transforms": latency_of_ours(options.size, options.seconds),
    }
    result["ratio"] = result["ours"]["frames_per_second"] / result["pyigtl"]["frames_per_second"]
    text = json.dumps(result, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()

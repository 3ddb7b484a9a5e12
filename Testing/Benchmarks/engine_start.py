"""Time the engine from its start to 'ready' and to its first answer, for the first time and again.

    python Testing/Benchmarks/engine_start.py [--models default shipped FOLDER] [--threads 2] [--repeats 3]

`default` is nnU-Net's own 3d_fullres plan (default_network.py), `shipped` the model that comes with the project; a
folder holds a model. For the first time: nothing is kept on disk of the model, so that it is converted and compared
with torch. Again: what the first start has left is there. Prints a table in Markdown, under a line that names
processor, flags and versions.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"), str(Path(__file__).resolve().parent)]

from CRLMSegmentationLib.inference.engine import WorkerPredictor  # noqa: E402
from CRLMSegmentationLib.inference.image import Image  # noqa: E402
from CRLMSegmentationLib.inference.models.trained_model import DEFAULT_MODEL, Model, load_model  # noqa: E402
from CRLMSegmentationLib.inference.runtimes.runtime_cache import FOLDER_VARIABLE  # noqa: E402
from default_network import make_default_model  # noqa: E402
from machine import processor  # noqa: E402
from made_up import made_up_volume  # noqa: E402


def start(model: Model, threads: int, image: Image) -> tuple[float, float, float, str]:
    """Seconds until the engine is ready, until its first answer, and of the second one; what runs the network."""
    started = time.perf_counter()
    with WorkerPredictor(model, "cpu", threads=threads, runtime="auto") as engine:
        runtime = engine.wait_until_ready(600).runtime
        ready = time.perf_counter() - started
        engine.predict(image)
        answered = time.perf_counter() - started
        engine.predict(image)
        return ready, answered, time.perf_counter() - started - answered, runtime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["default", "shipped"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    volume = made_up_volume(110)
    image = Image(volume.voxels[None, :96], [0.5] * 3)
    print(processor())
    print(
        "\n| network | | ready, s | first answer, s | an answer later, s | by |\n| --- | --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(options.models):
            work = Path(folder) / str(number)
            work.mkdir()
            with redirect_stdout(sys.stderr):
                made = make_default_model(work, work / "model") if name == "default" else name
                model = load_model(DEFAULT_MODEL if name == "shipped" else made)
            measured: dict[str, list[tuple[float, float, float, str]]] = {"for the first time": [], "again": []}
            for repeat in range(options.repeats):
                os.environ[FOLDER_VARIABLE] = str(work / f"kept {repeat}")
                for taken in measured.values():
                    taken.append(start(model, options.threads, image))
            for when, times in measured.items():
                medians = [f"{statistics.median(one[column] for one in times):.1f}" for column in range(3)]
                print(f"| {name} | {when} | {' | '.join(medians)} | {times[0][3]} |", flush=True)


if __name__ == "__main__":
    main()

"""What the page's program keeps in memory: case after case recorded, found, saved and begun anew, its views rendered.

    python Testing/Benchmarks/page_memory.py [--cases 50] [--json]

Five seconds a case, without a browser. Prints after each fifth case the memory of the process (MB; also after what was
given back went to the system), and how many nodes the scene and objects Python has: these two must not grow at all.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import sys
import tempfile
from pathlib import Path

import psutil
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.simulation import LesionSettings, SweepSettings, simulate_case
from CRLMSegmentationLib.sweep import write_sweep
from CRLMSegmentationLib.values import Box
from CRLMSegmentationLib.web.server.build import build
from CRLMSegmentationLib.web.views.views import VIEWS

_SPEED, _FRAMES, _EVERY = 3.0, 60, 5
_PATIENCE_S = 120.0


async def until(is_so, what: str) -> None:
    """Raises TimeoutError."""
    for _ in range(int(_PATIENCE_S / 0.05)):
        if is_so():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{what} did not happen")


async def one_case(session, box: Box, folder: Path) -> None:
    """From the recording to the saved case, and a new one."""
    session.recording.start()
    await until(lambda: session.recording.state.frames >= _FRAMES, "recording")
    session.recording.stop()
    await until(lambda: session.state.status(Step.RECONSTRUCT) is StepStatus.DONE, "a volume")
    session.box.set(box, True)
    actions.FIND.run(session)
    await until(lambda: session.state.status(Step.SEGMENT) is StepStatus.DONE, "a tumor")
    await asyncio.sleep(0.5)
    session.case.save(folder)
    await asyncio.sleep(0.2)
    actions.NEW_CASE.run(session)


def memory(scene) -> dict[str, float]:
    """Of this process now."""
    gc.collect()
    process = psutil.Process()
    found = {"resident_mb": process.memory_info().rss / 1e6}
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
        found["in_use_mb"] = process.memory_info().rss / 1e6
    return {**found, "nodes": scene.GetNumberOfNodes(), "objects": len(gc.get_objects())}


async def measure(folder: Path, cases: int, as_json: bool) -> list[dict[str, float]]:
    """One row for every fifth case."""
    simulated = simulate_case(7, lesion=LesionSettings(equivalent_diameter_mm=20.0), sweep=SweepSettings(frames=93))
    recording = write_sweep(simulated.sweep, folder / "sweep.igs.mha")
    box = Box.around_mask(simulated.tumor)
    del simulated
    command = [
        "-m",
        "CRLMSegmentationLib.cli",
        "replay",
        str(recording),
        "--port",
        "0",
        "--loop",
        "--speed",
        str(_SPEED),
    ]
    server = await asyncio.create_subprocess_exec(sys.executable, *command, "--json", stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    port = int(json.loads(await server.stdout.readline())["port"])
    _, controller, _, _ = build(folder, [], True, 12.0)
    running = asyncio.ensure_future(controller.run())
    session, rows = controller.session, []
    try:
        for view in VIEWS:
            controller.views.set_seen(view, True)
        session.stream.connect("127.0.0.1", port)
        await until(lambda: session.stream.is_live, "a stream")
        for number in range(1, cases + 1):
            await one_case(session, box, folder / "cases" / str(number))
            controller.display.forget()
            await asyncio.sleep(0.3)
            if number % _EVERY == 0:
                rows.append({"cases": number, **memory(controller.view.scene)})
                if not as_json:
                    print(*(f"{name} {value:.0f}" for name, value in rows[-1].items()), flush=True)
    finally:
        running.cancel()
        await controller.close()
        server.terminate()
        await server.wait()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    # trame reads the command line by itself.
    sys.argv[1:] = ["--no-ws-endpoint"]
    with tempfile.TemporaryDirectory(prefix="crlm-memory-") as folder:
        rows = asyncio.run(measure(Path(folder), arguments.cases, arguments.json))
    if arguments.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()

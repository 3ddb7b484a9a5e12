"""How quick the page is, and what it costs: from the start to a usable page, how often distances and pictures come
while somebody navigates, and how much of a processor program and browser take then and while nothing moves.

    python Testing/Benchmarks/page_rates.py [--size 1280x720] [--seconds 20] [--start] [--beside FOLDER] [--turns 3]

--start          the start alone, seconds a turn; --json for programs
--beside FOLDER  another checkout of this repository, measured by turns in the same run
Two minutes a turn. Needs Chromium and the extra `web`; see Testing/Python/web/conftest.py. On a machine that does
something else beside, only ratios of one run mean anything.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from CRLMSegmentationLib.sweep import read_sweep
from CRLMSegmentationLib.tracking import Replayer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python" / "web"))

from conftest import Visitor
from machine import processor
from served_page import REPOSITORY, ServedPage, chromium_program

# In the tab itself: when a distance came that is another one, and a picture of each view.
_COUNT = """
window.crlmTimes = [];
window.crlmPictures = {};
let shown = "";
window.trame.state.addListener(({ type, keys }) => {
  if (type !== "dirty-state" || !keys.includes("tools")) return;
  const now = JSON.stringify(window.trame.state.get("tools").map((one) => one.distance));
  if (now !== shown) window.crlmTimes.push(performance.now());
  shown = now;
});
window.trame.client.getConnection().getSession().subscribe("trame.rca.topic.stream", ([{ name }]) => {
  window.crlmPictures[name] = (window.crlmPictures[name] || 0) + 1;
});
"""
_SETTLED_S = 3.0
# Poses and images a second of the stream that is navigated in: the simulator's own sends some ten.
_STREAM_HZ = 30.0


def navigate_to_the_tumor(tab: Visitor) -> None:
    """The five steps on a simulated sweep, as quickly as they go."""
    page = tab.page
    page.click("#connect-simulated")
    tab.until_line("connect", "(?i)receiving")
    page.wait_for_selector("#record:not([disabled])")
    page.click("#record")
    page.wait_for_timeout(12_000)
    page.click("#stop")
    tab.until_line("record", "voxels")
    page.click("#place-truth")
    tab.until_line("box", "mm")
    page.click("#find")
    tab.until_line("segment", r"[\d.]+ mL")
    page.click("#go-navigate")
    tab.until(lambda: tab.label("navigate") == "Live", "a live distance")


@contextmanager
def quick_stream(tab: Visitor, folder: Path) -> Iterator[None]:
    """The recording that the page has made comes again, from a server, at 30 frames a second."""
    (recording,) = (folder / "recordings").glob("*.mha")
    sweep = read_sweep(recording)
    times_s = [frame.timestamp for frame in sweep.frames]
    speed = _STREAM_HZ * (times_s[-1] - times_s[0]) / (len(times_s) - 1)
    page = tab.page
    tab.open("connect")
    page.click("#disconnect")
    with Replayer(sweep, 0, speed=speed, loop=True) as server:
        page.click("#source-plus")
        page.fill("#plus-port", str(server.port))
        page.click("#connect-plus")
        page.click("#keep-case")
        tab.open("navigate")
        tab.until(lambda: tab.label("navigate") == "Live", "a live distance")
        yield


class Shares:
    """Processor time a second of the program (without the process that segments) and of the browser."""

    def __init__(self, program: int) -> None:
        self._program = psutil.Process(program)

    def over(self, page, seconds: float) -> dict[str, float]:
        """Within the next `seconds`."""
        before, began_s = self._now(), time.perf_counter()
        page.wait_for_timeout(1000 * seconds)
        after, took_s = self._now(), time.perf_counter() - began_s
        return {name: round((after[name] - before[name]) / took_s, 3) for name in after}

    def _now(self) -> dict[str, float]:
        workers = {one.pid for one in self._program.children(recursive=True)} | {self._program.pid}
        browser = [one for one in psutil.Process().children(recursive=True) if one.pid not in workers]
        return {"program": _seconds(self._program), "browser": sum(map(_seconds, browser))}


def _seconds(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:2])
    except psutil.Error:  # it ended meanwhile
        return 0.0


def measure(
    size: tuple[int, int], seconds: float, library: Path, is_start_alone: bool = False
) -> dict[str, float | None]:
    """All of it, in seconds where nothing else is said."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="crlm-page-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
        began_s = time.perf_counter()
        served = ServedPage(Path(folder), frame_rate=None, library=library)
        try:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            tab = Visitor(page, served.address)
            page.wait_for_selector("#connect-simulated:not([disabled])")
            usable_s = time.perf_counter() - began_s
            if is_start_alone:
                return {"start_to_usable_page": usable_s}
            shares = Shares(served.process.pid)
            page.wait_for_timeout(1000 * _SETTLED_S)
            empty = shares.over(page, seconds / 2)
            navigate_to_the_tumor(tab)
            with quick_stream(tab, Path(folder)):
                page.wait_for_timeout(1000 * _SETTLED_S)
                page.evaluate(_COUNT)
                moving = shares.over(page, seconds)
                times = page.evaluate("window.crlmTimes")
                pictures = page.evaluate("window.crlmPictures")
                tab.open("connect")
                page.click("#disconnect")
            page.wait_for_timeout(1000 * _SETTLED_S)
            still = shares.over(page, seconds / 2)
        finally:
            served.close()
            browser.close()
    gaps_s = [(after - before) / 1000 for before, after in itertools.pairwise(times)]
    views = {f"pictures_per_second_{name.rsplit('_', 1)[-1]}": n / seconds for name, n in sorted(pictures.items())}
    return {
        "start_to_usable_page": usable_s,
        "distances_per_second": len(times) / seconds,
        "longest_gap": max(gaps_s) if gaps_s else None,
        **views,
        **{f"{name}_while_navigating": share for name, share in moving.items()},
        **{f"{name}_at_rest": share for name, share in still.items()},
        **{f"{name}_empty_page": share for name, share in empty.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x720", help="of the browser's window")
    parser.add_argument("--seconds", type=float, default=20.0, help="that distances are counted for")
    parser.add_argument("--beside", type=Path, help="another checkout, measured by turns")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--start", action="store_true", help="measure the start alone")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    checkouts = {"this": REPOSITORY} | ({"beside": arguments.beside.resolve()} if arguments.beside else {})
    found: dict[str, list[dict[str, float | None]]] = {name: [] for name in checkouts}
    for _ in range(arguments.turns):
        for name, checkout in checkouts.items():
            found[name].append(
                measure((width, height), arguments.seconds, checkout / "CRLMSegmentation", arguments.start)
            )
            print(name, found[name][-1], file=sys.stderr, flush=True)
    medians = {name: _medians(turns) for name, turns in found.items()}
    if arguments.json:
        print(json.dumps({"window": [width, height], "cores": os.cpu_count(), **medians}))
        return
    print(f"{processor()}; {width} x {height}; load {os.getloadavg()[0]:.1f}; medians of {arguments.turns}")
    print(f"{'':<40}" + "".join(f"{name:>10}" for name in medians))
    for key in dict.fromkeys(itertools.chain(*medians.values())):
        values = "".join(f"{one[key]:>10.2f}" if one.get(key) is not None else f"{'-':>10}" for one in medians.values())
        print(f"{key.replace('_', ' '):<40}{values}")


def _medians(turns: list[dict[str, float | None]]) -> dict[str, float | None]:
    keys = dict.fromkeys(itertools.chain(*turns))
    values = {key: [one[key] for one in turns if one.get(key) is not None] for key in keys}
    return {key: statistics.median(those) if those else None for key, those in values.items()}


if __name__ == "__main__":
    main()

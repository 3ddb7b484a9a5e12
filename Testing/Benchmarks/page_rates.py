"""How quick the page is: from the start to a usable page, and how often a distance comes while somebody navigates.

    python Testing/Benchmarks/page_rates.py [--size 1280x720] [--seconds 20] [--json]

Takes a minute or two. Needs Chromium and the extra `web`; see Testing/Python/web/conftest.py. On a machine that does
something else beside, only ratios of one run mean anything.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python" / "web"))

from conftest import Visitor
from served_page import ServedPage, chromium_program

# In the tab itself: when a distance came that is another one, and when the program said that it goes on.
_COUNT = """
window.crlmTimes = [];
let shown = "";
window.trame.state.addListener(({ type, keys }) => {
  if (type !== "dirty-state" || !keys.includes("tools")) return;
  const now = JSON.stringify(window.trame.state.get("tools").map((one) => one.distance));
  if (now !== shown) window.crlmTimes.push(performance.now());
  shown = now;
});
"""


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


def measure(size: tuple[int, int], seconds: float) -> dict[str, object]:
    """All of it, in seconds where nothing else is said."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="crlm-page-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
        began_s = time.perf_counter()
        served = ServedPage(Path(folder))
        try:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            tab = Visitor(page, served.address)
            page.wait_for_selector("#connect-simulated:not([disabled])")
            usable_s = time.perf_counter() - began_s
            navigate_to_the_tumor(tab)
            page.evaluate(_COUNT)
            page.wait_for_timeout(1000 * seconds)
            times = page.evaluate("window.crlmTimes")
        finally:
            served.close()
            browser.close()
    gaps_s = [(after - before) / 1000 for before, after in itertools.pairwise(times)]
    return {
        "window": list(size),
        "cores": os.cpu_count(),
        "start_to_usable_page": round(usable_s, 1),
        "distances_per_second": round(len(times) / seconds, 1),
        "longest_gap": round(max(gaps_s), 2) if gaps_s else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x720", help="of the browser's window")
    parser.add_argument("--seconds", type=float, default=20.0, help="that distances are counted for")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    found = measure((width, height), arguments.seconds)
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):<24}{value}")


if __name__ == "__main__":
    main()

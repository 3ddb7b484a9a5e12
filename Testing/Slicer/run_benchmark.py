"""How quick the window is in a real Slicer: ticks while navigating, from 'Find' to the tumor, what a save blocks, how
soon each button answers, from the end of a recording to its volume, and the memory of many cases.

    SLICER_BACKGROUND_THREAD_PRIORITY=0 Slicer --testing --no-splash --ignore-slicerrc \
      --additional-module-paths "$PWD/CRLMSegmentation" --python-script Testing/Slicer/run_benchmark.py

The results are printed as one line of JSON after 'CRLMSegmentation benchmark:'. CRLM_WINDOW (such as 1920x1080) sets
the size of the main window, 1280x720 without it; CRLM_CASES how often the case is opened again (10); CRLM_PROFILE names
a file for cProfile's statistics of the ticks. On a machine that does something else beside, only ratios of one run mean
anything.
"""

import cProfile
import itertools
import json
import os
import pstats
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from CRLMSegmentationWindow import remembered
from CRLMSegmentationWindow.self_testing import self_test_steps
from CRLMSegmentationWindow.self_testing.self_test_steps import SWEEP_S, Steps
from CRLMSegmentationWindow.self_testing.self_test_tools import counted_drawings, pause, wait_until

NAVIGATED_S = 12.0


class Benchmark(Steps):
    """The way through the steps that the self test goes, with a clock."""

    def measure(self) -> dict[str, object]:
        """All of it, as plain values: seconds where nothing else is said."""
        settings = remembered.stored()
        self._answers: dict[str, float] = {}
        self_test_steps.click = self._press
        width, height = map(int, os.environ.get("CRLM_WINDOW", "1280x720").split("x"))
        slicer.util.mainWindow().resize(width, height)
        slicer.util.selectModule("CRLMSegmentation")
        self.window.parameters.recordFolder = self._own / "recordings"
        self.window.parameters.caseFolder = self._own / "cases"
        try:
            self.connect()
            self.record()
            self.box()
            wait_until(lambda: self.session.engine.status.state == "ready", 240)
            found_s = [self._find() for _ in range(3)]
            return {
                "window": [width, height],
                "cores": os.cpu_count(),
                "priority": os.nice(0),
                "find_to_tumor_first": round(found_s[0], 2),
                "find_to_tumor_warm": round(min(found_s[1:]), 2),
                "network_and_preparation": {
                    name: round(seconds, 3) for name, seconds in self.session.state.timings_s.items()
                },
                **self._navigate(),
                **self._save(),
                "stop_to_volume": round(self._stop_to_volume(), 2),
                "memory_mb": self._memory_of_cases(int(os.environ.get("CRLM_CASES", "10"))),
                "press_to_answer": dict(sorted(self._answers.items(), key=lambda one: -one[1])[:8]),
            }  # fmt: skip
        finally:
            remembered.store(settings)

    def _find(self) -> float:
        """From the press of the button until the tumor has been drawn."""
        before, drawn_s = self.session.tumor.surface, [0.0]
        self.window.open_step(self.window.segment)
        slicer.app.processEvents()
        with counted_drawings() as drawn:
            began_s = time.perf_counter()
            self._press(self.window.ui.segmentButton)

            def is_seen() -> bool:
                if self.session.tumor.surface is before or self.session.tumor.surface is None:
                    drawn.clear()
                    return False
                drawn_s[0] = time.perf_counter()
                return "TumorScene" in drawn

            wait_until(is_seen, 240)
        return drawn_s[0] - began_s

    def _navigate(self) -> dict[str, object]:
        """Ticks, drawings and where the time of a tick goes, while the sample is replayed."""
        self.window.open_step(self.window.navigate)
        self._press(self.window.ui.navigateButton)
        pause(3.0)
        window, session, profile = self.window, self.session, cProfile.Profile()
        ticks: list[float] = []
        spent = {"tick": 0.0, "session": 0.0}
        tick, process = window.tick, session.process

        def timed_process(*arguments: object) -> None:
            began_s = time.perf_counter()
            process(*arguments)
            spent["session"] += time.perf_counter() - began_s

        def timed_tick() -> None:
            ticks.append(time.perf_counter())
            if profiling:
                profile.enable()
            tick()
            profile.disable()
            spent["tick"] += time.perf_counter() - ticks[-1]

        profiling = False
        session.process, window.timer._process = timed_process, timed_tick
        try:
            with counted_drawings() as drawn:
                frames = session.stream.status.frames
                pause(NAVIGATED_S)
                frames = session.stream.status.frames - frames
            counted = list(ticks)
            spent_s = dict(spent)
            if os.environ.get("CRLM_PROFILE"):
                profiling = True
                pause(NAVIGATED_S)
                profile.dump_stats(os.environ["CRLM_PROFILE"])
                pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(45)
        finally:
            session.process, window.timer._process = process, tick
        gaps = [after - before for before, after in itertools.pairwise(counted)]
        took = counted[-1] - counted[0]
        return {
            "ticks_per_second": round(len(gaps) / took, 1),
            "longest_gap": round(max(gaps), 3),
            "median_gap": round(statistics.median(gaps), 3),
            "frames_per_second": round(frames / took, 1),
            "share_in_ticks": round(spent_s["tick"] / took, 2),
            "share_in_session": round(spent_s["session"] / took, 2),
            "drawings_per_tick": {
                name: round(drawn.count(name) / len(counted), 2) for name in sorted(set(drawn))
            },
        }  # fmt: skip

    def _press(self, button: object) -> float:
        """Press a button; seconds until what it changed at once has been painted."""
        slicer.app.processEvents()
        if not button.enabled:
            raise AssertionError(f"The button '{button.text}' cannot be pressed.")
        began_s = time.perf_counter()
        button.click()
        # Layout and painting are events that were posted by now; the turns of timers, with the next tick, come after.
        qt.QCoreApplication.sendPostedEvents()
        took_s = time.perf_counter() - began_s
        slicer.app.processEvents()
        name = str(button.objectName)
        self._answers[name] = round(max(took_s, self._answers.get(name, 0.0)), 3)
        return took_s

    def _save(self) -> dict[str, object]:
        """How long the press takes, and the longest pause of the window until the case is written, beside the longest
        one in as much time of the same navigation without it.
        """
        began_s = time.perf_counter()
        blocked_s = self._press(self.window.ui.saveCaseButton)
        longest_s = _longest_pause_s(lambda: self.session.case.is_saving)
        took_s = time.perf_counter() - began_s
        pause(1.0)
        until_s = time.perf_counter() + took_s
        return {
            "gui_blocked_while_saving": round(blocked_s, 3),
            "longest_pause_while_saving": round(longest_s, 3),
            "longest_pause_without_saving": round(_longest_pause_s(lambda: time.perf_counter() < until_s), 3),
            "saved_after": round(took_s, 2),
        }  # fmt: skip

    def _stop_to_volume(self) -> float:
        """From the press that ends another recording until its volume is whole and has been drawn."""
        recording = self.session.recording
        self.window.open_step(self.window.record)
        self._press(self.window.ui.recordButton)
        wait_until(lambda: recording.state is not None and recording.state.seconds > SWEEP_S, 30)
        path = recording.state.path
        with counted_drawings() as drawn:
            began_s = time.perf_counter()
            self._press(self.window.ui.recordButton)

            def is_seen() -> bool:
                if recording.path != path or self.status("RECONSTRUCT") != "DONE":
                    drawn.clear()
                    return False
                return "Red" in drawn

            wait_until(is_seen, 30)
            return time.perf_counter() - began_s

    def _memory_of_cases(self, count: int) -> list[int]:
        """Resident memory, before and after the saved case was opened `count` times; none where the system hides it."""
        [folder, *_others] = (self._own / "cases").iterdir()
        found = [_resident_mb()]
        for _ in range(count):
            self.window.case.open_case(folder)
            pause(0.5)
        return [*found, _resident_mb()] if found[0] else []


def _longest_pause_s(goes_on: Callable[[], bool]) -> float:
    """The longest time that events wait in while goes_on()."""
    longest_s, last_s = 0.0, time.perf_counter()
    while goes_on():
        slicer.app.processEvents()
        now_s = time.perf_counter()
        longest_s, last_s = max(longest_s, now_s - last_s), now_s
    return longest_s


def _resident_mb() -> int:
    """Of this process; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000 if statm.is_file() else 0


def run() -> int:
    """0 when everything could be measured."""
    try:
        from CRLMSegmentation import CRLMSegmentationTest

        case = CRLMSegmentationTest()
        case.setUp()
        print("CRLMSegmentation benchmark:", json.dumps(Benchmark(case).measure()), flush=True)
    except BaseException:
        traceback.print_exc()
        print("CRLMSegmentation benchmark: FAILED", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    # Scripts are run by Slicer without their folder in the path.
    sys.path.insert(0, str(Path(__file__).parent))
    slicer.util.exit(run())

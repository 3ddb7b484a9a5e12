"""Fixtures shared by all rooms."""

import gc
import os
import re
from functools import cache
from pathlib import Path

import pytest

# OpenMP's waiting threads otherwise spin, and take the time of those that compute where other programs are busy. The
# threads of NumPy's and SciPy's linear algebra always do, and gain nothing on matrices as small as ours: eight
# calibrations of a probe took 3 s of processor time with one thread, 19 s with two, and 80 s with two beside other
# programs. Read when torch and numpy are imported, so that it stands before any test.
for name, value in {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "OPENBLAS_NUM_THREADS": "1"}.items():
    os.environ.setdefault(name, value)

# The page is tested in English, whatever the language of this computer; German where a test says so.
os.environ["LANGUAGE"] = "en"

# What takes longest begins first, so that no process is left with it at the end.
SLOW = ("web", "simulation", "study", "test_wheel.py", "test_whole_chain.py", "test_nothing_is_sent.py", "inference")
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and reference volumes, which lies beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not (folder / "SpinePhantomFreehand.igs.mha").is_file():
        pytest.skip(f"the real recordings are not there ({folder})")
    return folder


@pytest.fixture(autouse=True)
def ages_of_a_slow_machine(request, monkeypatch):
    """What a test has just shown stays live while the test goes on, however busy the machine is.

    A test of the ages themselves is marked with `real_ages`, and says what time it is.
    """
    if request.node.get_closest_marker("real_ages") is None:
        from CRLMSegmentationLib.tracking import age

        monkeypatch.setattr(age, "LIVE_UP_TO_S", 600.0)
        monkeypatch.setattr(age, "LOST_AFTER_S", 2400.0)
        monkeypatch.setattr(age, "OUTLINED_UP_TO_S", 600.0)


def pytest_collection_modifyitems(items):
    """Put the slow rooms in front; the order within a file stays."""
    folder = Path(__file__).parent

    def place(item) -> int:
        room = item.path.relative_to(folder).parts[0]
        return SLOW.index(room) if room in SLOW else len(SLOW)

    items.sort(key=place)


def pytest_collection_finish():
    """What has been imported and collected, millions of objects, stays to the end: what is collected as garbage from
    here on is what the tests leave, and less often than Python does it (5 % of the processor's time).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 100)


# For pytest-xdist, where it is there and tests are given out by the file.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Several processes take the files in turn, but one of them alone those with a browser (pages go on drawing while a
    test waits, and two at a time take more than twice the time of one), and one alone those of the simulation, which
    draw a patient for all of them.
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByWhatIsShared(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            if _has_browser(REPOSITORY / file):
                return "browser"
            return "simulation" if "/simulation/" in file else file

    return ByWhatIsShared(config, log)


@cache
def _has_browser(file: Path) -> bool:
    return file.is_file() and re.search(r"\bvisit\b", file.read_text(encoding="utf-8")) is not None

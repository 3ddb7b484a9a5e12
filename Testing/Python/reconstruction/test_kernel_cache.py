"""Machine code that is kept on disk: used again, and never older than any of the sources that it is made of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[3] / "CRLMSegmentation"
HELPER = (
    "from CRLMSegmentationLib.reconstruction.kernels.jit import inlined\n"
    "@inlined\ndef helper(number):\n    return number + {}\n"
)
KERNEL = """
from CRLMSegmentationLib.reconstruction.kernels.jit import compiled
from helping import helper
@compiled
def kernel(number):
    return helper(number)
print(kernel(1), sum(kernel.stats.cache_hits.values()))
"""


@pytest.fixture
def printed(tmp_path):
    """What a new process prints whose kernel adds `number` in a helper of another file."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "kernel.py").write_text(KERNEL)
    environment = {
        **os.environ,
        "PYTHONPATH": str(LIBRARY),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(number: int) -> str:
        (source / "helping.py").write_text(HELPER.format(number))
        command = [sys.executable, str(source / "kernel.py")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    return run


def test_machine_code_is_kept_until_a_helper_of_another_file_changes(printed):
    assert printed(10) == "11 0"
    assert printed(10) == "11 1"  # from the disk
    assert printed(20) == "21 0"


def test_without_numbas_cache_a_kernel_is_compiled_all_the_same(monkeypatch):
    from CRLMSegmentationLib.reconstruction.kernels import jit

    def other_numba():
        raise ImportError("cannot import name 'FunctionCache'")

    monkeypatch.setattr(jit, "_cache_class", other_numba)
    assert jit.compiled(lambda number: number + 1)(1) == 2

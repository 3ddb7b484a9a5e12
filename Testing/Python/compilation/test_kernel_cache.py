"""Machine code that is kept on disk: used again, and never older than anything that it is made of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from CRLMSegmentationLib.compilation import jit

LIBRARY = Path(__file__).resolve().parents[3] / "CRLMSegmentation"
KERNEL = """
from CRLMSegmentationLib.compilation.jit import compiled
from near import near
from room import far
@compiled
def kernel(number):
    return near(number) + far.far(number)
print(kernel(1), sum(kernel.stats.cache_hits.values()))
"""
# The same function made twice, of the same two in another order, as kernels are of the parts that a definition needs.
MADE_OF_PARTS = """
from CRLMSegmentationLib.compilation.jit import compiled, inlined
@inlined
def one(number):
    return number + 1
@inlined
def tenfold(number):
    return number * 10
def made_of(first, second):
    @compiled
    def then(number):
        return second(first(number))
    return then
def twice(part):
    @compiled
    def kernel(number):
        return part(number) + part(number)
    return kernel
kernels = twice(made_of(one, tenfold)), twice(made_of(tenfold, one))
print(*(kernel(1) for kernel in kernels), sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels))
"""
SOURCES = {
    "kernel.py": KERNEL,
    "made_of_parts.py": MADE_OF_PARTS,
    # A helper beside the kernel, one in another folder by its module, and what that one takes from a third.
    "near.py": (
        "from CRLMSegmentationLib.compilation.jit import inlined\n"
        "@inlined\ndef near(number):\n    return number + {near}\n"
    ),
    "room/far.py": (
        "from CRLMSegmentationLib.compilation.jit import inlined\n"
        "from values.numbers import CONSTANT\n"
        "@inlined\ndef far(number):\n    return number * {far} + CONSTANT\n"
    ),
    "values/numbers.py": "CONSTANT = {constant}\n",
}


@pytest.fixture
def printed(tmp_path):
    """What a new process prints whose kernel is compiled of sources that hold the given numbers."""
    source = tmp_path / "source"
    environment = {
        **os.environ,
        "PYTHONPATH": str(LIBRARY),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(program: str, **numbers: int) -> str:
        for name, text in SOURCES.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            if numbers or not (source / name).exists():
                (source / name).write_text(text.format(**numbers) if "{" in text else text)
        command = [sys.executable, str(source / program)]
        return subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=True
        ).stdout.strip()

    return run


def test_machine_code_is_kept_until_something_changes_that_is_compiled_in(printed):
    assert printed("kernel.py", near=10, far=1, constant=0) == "12 0"
    assert printed("kernel.py", near=10, far=1, constant=0) == "12 1"  # from the disk
    assert printed("kernel.py", near=20, far=3, constant=0) == "24 0"
    assert printed("kernel.py", near=20, far=3, constant=100) == "124 0"


def test_machine_code_that_is_put_together_of_parts_is_found_in_another_process(printed):
    numbers = {"near": 0, "far": 0, "constant": 0}
    assert printed("made_of_parts.py", **numbers) == "40 22 0"
    assert printed("made_of_parts.py") == "40 22 2"


def test_without_numbas_cache_a_kernel_is_compiled_all_the_same(monkeypatch):
    def other_numba():
        raise ImportError("cannot import name 'FunctionCache'")

    monkeypatch.setattr(jit, "_cache_class", other_numba)
    assert jit.compiled(lambda number: number + 1)(1) == 2

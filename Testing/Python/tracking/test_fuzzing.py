"""A coverage-guided fuzzer goes through the parser and everything behind it, and finds nothing."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Ten minutes and more on demand: CRLM_FUZZ_RUNS=1000000
RUNS = int(os.environ.get("CRLM_FUZZ_RUNS", "1000"))


def test_the_fuzzer_finds_nothing():
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris, the coverage-guided fuzzer, is not installed")
    command = [sys.executable, Path(__file__).with_name("fuzz_parser.py"), f"-runs={RUNS}", "-seed=1"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(rf"Done {RUNS} runs", done.stderr), done.stderr[-1000:]

"""Numbers of threads in the environment, as clusters and people set them, never end in a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from CRLMSegmentationLib.thread_variables import correct_thread_variables

LIBRARY = Path(__file__).resolve().parents[2] / "CRLMSegmentation"


@pytest.mark.parametrize(
    "name, given, kept",
    [
        ("OMP_NUM_THREADS", "4,2", "4"),
        ("OMP_NUM_THREADS", " 3 , 2", "3"),
        ("OMP_NUM_THREADS", "2", "2"),
        ("OMP_NUM_THREADS", "0", None),
        ("OMP_NUM_THREADS", "-1", None),
        ("OMP_NUM_THREADS", "", None),
        ("NUMBA_NUM_THREADS", "0", None),
        ("NUMEXPR_MAX_THREADS", "many", None),
        ("nnUNet_def_n_proc", "abc", None),
        ("nnUNet_n_proc_DA", "0", "0"),
        ("PATH", "a,b", "a,b"),
    ],
)
def test_what_is_meant_is_kept_and_the_rest_left_out(name, given, kept):
    environment = {name: given, "HOME": "/root"}
    correct_thread_variables(environment)
    assert environment == {**({name: kept} if kept else {}), "HOME": "/root"}


def test_numba_and_nnunets_expressions_start_with_a_cluster_s_settings():
    odd = {"OMP_NUM_THREADS": "4,2", "NUMBA_NUM_THREADS": "0", "nnUNet_def_n_proc": "abc", "NUMEXPR_MAX_THREADS": "x"}
    code = (
        "import CRLMSegmentationLib.compilation.jit, numexpr\n"
        "from nnunetv2.configuration import default_num_processes\n"
    )
    environment = {**os.environ, **odd, "PYTHONPATH": str(LIBRARY)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr

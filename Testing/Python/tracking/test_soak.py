"""The soak test at a length that fits here: nothing is lost, nothing grows, also while it is recorded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).resolve().parents[2] / "Benchmarks" / "stream_soak.py"
# Half an hour and more on demand: CRLM_SOAK_MINUTES=30
MINUTES = os.environ.get("CRLM_SOAK_MINUTES", "0.06")


@pytest.mark.skipif(sys.platform != "linux", reason="the soak test reads memory and threads from Linux's /proc")
@pytest.mark.timeout(float(MINUTES) * 120 + 120)
def test_a_stream_of_images_with_four_transforms_each(tmp_path):
    command = [sys.executable, SOAK, "--minutes", MINUTES, "--size", "160", "120", "--log", tmp_path / "soak.jsonl"]
    done = subprocess.run([*command, "--record", tmp_path], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["frames"] == round(float(MINUTES) * 60 * 60)
    assert summary["lost"] == summary["dropped"] == summary["damaged"] == summary["invalid"] == summary["closures"] == 0
    assert summary["recording"]["frames"] == summary["frames"] and summary["recording"]["dropped"] == 0
    before, after = summary["threads_first_and_last"]["server"]
    assert before == after
    before, after = summary["memory_mb_first_and_last"]["receiver"]
    assert after - before < 64
    assert not list(tmp_path.glob("*.journal"))


def test_the_speed_beside_pyigtl_can_be_measured(tmp_path):
    result = tmp_path / "speed.json"
    benchmark = SOAK.with_name("openigtlink.py")
    command = [sys.executable, benchmark, "--seconds", "0.3", "--size", "160", "120", "--json", result]
    # It fails when a message is damaged or a frame is lost.
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    speed = json.loads(result.read_text(encoding="utf-8"))
    assert speed["ours"]["frames_per_second"] > 0 and speed["pyigtl"]["frames_per_second"] > 0
    assert speed["ours_at_60_per_second_with_4_transforms"]["lost"] == 0

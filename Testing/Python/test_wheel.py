"""Installed as a wheel into an environment of its own, with no source tree on any path: what users of `pip install`
have. Nothing that they start reaches out of this computer or leaves files in the user's home.
"""

import json
import os
import re
import shutil
import site
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.files import read_volume, write_volume
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Volume
from network_watch import NetworkWatch

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("CRLMSegmentation", "Resources", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """run(program, *words) in the new environment; what the wheel needs is found after what is installed in it.
    run.watch has noted whom its programs reached for.
    """
    work = tmp_path_factory.mktemp("wheel")
    source, environment = work / "source", work / "environment"
    source.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (REPOSITORY / part).is_dir() else shutil.copyfile
        copy(REPOSITORY / part, source / part)
    watch = NetworkWatch(work / "watched")
    others = ("PYTHON", "VIRTUAL_ENV", "XDG_", "CRLM_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(others)} | watch.environment

    def checked(command, **options):
        done = subprocess.run(list(map(str, command)), capture_output=True, encoding="utf-8", env=clean, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    wheel = checked([sys.executable, "-c", BUILD, work], cwd=source).split()[-1]
    shutil.rmtree(source)
    checked([sys.executable, "-m", "venv", "--without-pip", environment])
    folder = "Scripts" if os.name == "nt" else "bin"
    python = environment / folder / "python"
    checked(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", work / wheel]
    )
    packages = checked([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    # unittest2 brings such a copy of a standard module, which Python's own must not be hidden by.
    (Path(packages) / "argparse.py").write_text("raise ImportError('an old copy took the place of argparse')\n")
    shutil.copy(watch.code / "sitecustomize.py", packages)
    # As lines of a .pth file they come last, and .pth files in them (of the source tree) are not read.
    (Path(packages) / "what_is_needed.pth").write_text("\n".join(site.getsitepackages()) + "\n")

    def run(program, *words, **options):
        return checked([environment / folder / program, *words], cwd=work, **options)

    run.start = lambda program, *words, **options: subprocess.Popen(
        [environment / folder / program, *map(str, words)], cwd=work, env=clean, encoding="utf-8", **options
    )
    run.watch = watch
    found = run(
        "python", "-c", "import CRLMSegmentationLib as m, sys; print(m.__file__, *sys.path, sep='\\n')"
    ).splitlines()
    # The packages that are needed may lie in the checkout's own .venv; its library must not be found.
    assert found[0].startswith(str(environment)) and str(REPOSITORY / "CRLMSegmentation") not in found
    return run


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A dark ball in speckle, 40 frames of 30 x 30 mm at steps of 0.75 mm."""
    voxels, frames = volume_with_a_ball().voxels, []
    for number, pixels in enumerate(voxels[::2]):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        pose[2, 3] = number * 1.0
        frames.append(TrackedFrame(pixels, pose, 10.0 + number / 20))
    return write_sweep(Sweep(frames), tmp_path_factory.mktemp("sweep") / "ball.igs.mha")


def volume_with_a_ball() -> Volume:
    random = np.random.default_rng(5)
    k, j, i = np.indices((80, 80, 80))
    inside = (k - 40) ** 2 + (j - 40) ** 2 + (i - 40) ** 2 < 18**2
    voxels = np.clip(random.rayleigh(1.0, inside.shape) * np.where(inside, 25, 80), 1, 255).astype(np.uint8)
    return Volume(voxels, np.diag([0.5, 0.5, 0.5, 1.0]))


def test_the_demo_runs_with_its_replay_and_its_worker(installed, sweep, tmp_path):
    installed("crlm", "demo", "--sweep", sweep, "--output", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "demo.json").read_text(encoding="utf-8"))
    assert not result["simulated"] and (tmp_path / "out" / "mask.nrrd").is_file()
    assert any(host == "127.0.0.1" for _, host, _ in installed.watch.seen()), "nothing was watched"
    assert installed.watch.outside() == []


def test_a_volume_is_segmented(installed, tmp_path):
    write_volume(volume_with_a_ball(), tmp_path / "volume.nrrd")
    installed(
        "crlm", "segment", tmp_path / "volume.nrrd", "-o", tmp_path / "mask.nrrd", "--box", 20, 20, 20, 20, 20, 20
    )
    assert read_volume(tmp_path / "mask.nrrd").voxels.shape == (80, 80, 80)


def test_the_page_answers_and_its_replay_serves(installed, sweep, tmp_path):
    web = installed.start(
        "crlm",
        "web",
        "--no-browser",
        "--port",
        0,
        "--folder",
        tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        address = next(
            (found.group(1) for line in web.stdout if (found := re.search(r"The page is at (\S+)", line))), ""
        )
        assert address, "the page was not served"
        with urllib.request.urlopen(address, timeout=600) as answer:
            assert answer.status == 200 and b"<html" in answer.read().lower()
    finally:
        web.kill()
        web.communicate()
    assert installed.watch.outside() == []
    program = (
        "import json, subprocess, sys\n"
        "from CRLMSegmentationLib.python_process import end_process, start_python\n"
        "server = 'CRLMSegmentationLib.session.recordings.replay_server'\n"
        "p = start_python(server, [sys.argv[1]], stdin=-1, stdout=-1, encoding='utf-8')\n"
        "print(p.stdout.readline())\n"
        "end_process(p)\n"
    )
    assert json.loads(installed("python", "-c", program, sweep))["port"]

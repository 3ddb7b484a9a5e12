"""The interpreter for child processes, inside Slicer and outside of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.python_process import OVERRIDE, end_process, how_it_ended, python_executable, start_python


@pytest.fixture(autouse=True)
def no_override(monkeypatch):
    monkeypatch.delenv(OVERRIDE, raising=False)
    monkeypatch.delenv("SLICER_HOME", raising=False)


def program_named(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name + (".exe" if os.name == "nt" else ""))
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_outside_slicer_it_is_this_interpreter():
    assert python_executable() == Path(sys.executable)


def test_inside_slicer_it_is_pythonslicer_and_never_slicer_itself(monkeypatch, tmp_path):
    wanted = program_named(tmp_path / "bin", "PythonSlicer")
    monkeypatch.setenv("SLICER_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(program_named(tmp_path / "bin", "SlicerApp-real")))
    assert python_executable() == wanted


def test_a_slicer_without_pythonslicer_uses_the_python_that_it_was_built_around(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/opt/Slicer/bin/SlicerApp-real")
    monkeypatch.setenv("PATH", "")
    found = python_executable()
    program = "import sys; print(sys.version_info[:2])"
    version = subprocess.run([str(found), "-c", program], capture_output=True, encoding="utf-8")
    assert version.stdout.strip() == str(sys.version_info[:2])


def test_another_interpreter_can_be_named(monkeypatch, tmp_path):
    other = program_named(tmp_path, "python-with-cuda")
    monkeypatch.setenv(OVERRIDE, str(other))
    assert python_executable() == other
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match=OVERRIDE):
        python_executable()


def said_by(module: str, *arguments: str, **options) -> str:
    child = start_python(module, arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", **options)
    said, problem = child.communicate()
    assert child.returncode == 0, problem
    return said.strip()


def test_a_child_has_pythons_own_modules_whatever_lies_beside_the_library(tmp_path, monkeypatch):
    """As in a folder of packages into which an old `argparse` was installed, and with any folder as the current one."""
    (tmp_path / "argparse.py").write_text("raise RuntimeError('the old one')\n")
    (tmp_path / "report_it.py").write_text("import argparse, sys\nprint(argparse.__name__, *sys.argv[1:])\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert said_by("report_it", "one", "two words") == "argparse one two words"


def test_a_child_has_this_library_and_no_other_and_none_of_its_modules_at_the_top(tmp_path, monkeypatch):
    other = tmp_path / "CRLMSegmentationLib"
    other.mkdir()
    (other / "__init__.py").write_text("raise RuntimeError('another version')\n")
    (tmp_path / "report_it.py").write_text(
        "import sys, importlib.util, CRLMSegmentationLib.errors as errors\n"
        "print(errors.__file__, importlib.util.find_spec('python_process'), __name__, sys.argv[0])\n"
    )
    for paths in ("", str(tmp_path)):
        monkeypatch.setenv("PYTHONPATH", paths)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [str(tmp_path), *sys.path])
            said = said_by("report_it")
        library = Path(sys.modules["CRLMSegmentationLib"].__file__).parent
        assert said == f"{library / 'errors.py'} None __main__ {tmp_path / 'report_it.py'}"


@pytest.mark.skipif(os.name == "nt", reason="checks POSIX process groups")
def test_a_process_ends_with_its_children():
    child = start_python(
        "timeit",
        [
            "-n1",
            "-r1",
            (
                "import subprocess, sys; "
                "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
                "print(p.pid, flush=True); p.wait()"
            ),
        ],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    grandchild = int(child.stdout.readline())
    end_process(child)
    end_process(child)
    assert "killed from outside" in how_it_ended(child.returncode)
    state = Path(f"/proc/{grandchild}/stat")
    for _ in range(500):
        if not state.exists() or state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
            break
        import time

        time.sleep(0.01)
    else:
        pytest.fail("the grandchild is still running")
    child.stdout.close()


def test_how_a_process_ended_is_reported_with_titles():
    assert how_it_ended(3) == "exit code 3"
    assert how_it_ended(-11) == "ended by SIGSEGV"

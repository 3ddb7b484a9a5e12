"""Starting another Python with this library in it: the right interpreter, inside 3D Slicer and outside of it.

In Slicer the running program is Slicer itself and not a Python, so that `sys.executable` cannot be trusted to be one;
`PythonSlicer` beside it runs scripts with Slicer's own packages. The environment variable CRLM_PYTHON names another
interpreter, for instance one in which a GPU build of torch is installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import ConfigurationError
from .python_child import PATHS_VARIABLE
from .words import tr

OVERRIDE = "CRLM_PYTHON"
_WINDOWS = os.name == "nt"


def python_executable() -> Path:
    """The interpreter for child processes: CRLM_PYTHON, else PythonSlicer inside Slicer, else this interpreter.

    Raises ConfigurationError when there is none.
    """
    override = os.environ.get(OVERRIDE)
    if override:
        found = shutil.which(override)
        if not found:
            raise ConfigurationError(
                tr(
                    "{override} names '{override_2}', which is not a program: correct or unset it.",
                    override=OVERRIDE,
                    override_2=override,
                )
            )
        return Path(found)
    for candidate in _candidates():
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise ConfigurationError(
        tr("No Python interpreter was found: set the environment variable {override} to one.", override=OVERRIDE)
    )


def _candidates() -> Iterator[Path]:
    suffix = ".exe" if _WINDOWS else ""
    if sys.executable and Path(sys.executable).name.lower().startswith("python"):
        yield Path(sys.executable)
    home = os.environ.get("SLICER_HOME")
    if home:
        yield Path(home) / "bin" / f"PythonSlicer{suffix}"
    found = shutil.which("PythonSlicer")
    if found:
        yield Path(found)
    # A Slicer that was built around the system's Python has no PythonSlicer: the same Python stands beside its library.
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for prefix in dict.fromkeys((sys.exec_prefix, sys.base_exec_prefix)):
        yield Path(prefix) / (f"python{suffix}" if _WINDOWS else f"bin/python{version}")


def child_environment(**changes: str) -> dict[str, str]:
    """The environment of this process (library paths and all) in which `changes` hold, for python_child.py.

    A child of the same interpreter also finds every package that this process finds, after its own; one that
    CRLM_PYTHON names keeps to its own packages.
    """
    paths = [] if os.environ.get(OVERRIDE) else [path for path in sys.path if path and os.path.isdir(path)]
    return {**os.environ, PATHS_VARIABLE: os.pathsep.join(dict.fromkeys(paths)), "PYTHONUTF8": "1", **changes}


def start_python(module: str, arguments: Sequence[str] = (), **options: Any) -> subprocess.Popen[Any]:
    """Run `python -m module arguments...` with this very library; `options` are those of subprocess.Popen.

    The child leads a process group of its own, so that end_process() can end its children with it, and Ctrl-C in a
    terminal is left to this process. Raises ConfigurationError when it cannot be started.
    """
    options.setdefault("env", child_environment())
    if sys.platform == "win32":  # spelled out, for a type checker on another system
        options.setdefault("creationflags", subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP)
    else:
        options.setdefault("start_new_session", True)
    command = [str(python_executable()), str(Path(__file__).with_name("python_child.py")), module, *arguments]
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise ConfigurationError(
            tr("The program {command} could not be started ({strerror}).", command=command[0], strerror=error.strerror)
        ) from error


def end_process(process: subprocess.Popen[Any]) -> None:
    """End a process of start_python() and its children at once, and wait until they are gone. Can be called twice."""
    try:
        if _WINDOWS:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        elif process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass  # it ended by itself a moment ago
    if process.poll() is None:
        process.kill()
    process.wait()


def how_it_ended(returncode: int) -> str:
    """A return code in words."""
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    if name == "SIGKILL":
        return "killed from outside, which is also what the system does when memory runs out"
    return f"ended by {name}"


def end_this_process_group() -> None:
    """For a child of start_python() whose parent has gone: end, and with it every process that it started.

    A thread that waits for the end of the parent's pipe calls this. Linux could send a signal of its own when the
    parent dies (PR_SET_PDEATHSIG), but that one would end this process before it can end its children.
    """
    if not _WINDOWS and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)

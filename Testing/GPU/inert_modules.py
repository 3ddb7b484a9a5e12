"""Modules that nnU-Net imports and that nothing in the campaign needs, for a machine without them.

nnU-Net imports its readers of files with everything else, and with them libraries of 50 MB and more. A stand-in can be
imported; whatever is called in it raises an error that says so. Those of SimpleITK, blosc2, matplotlib and pandas do
what is needed of them, so that a study can be built and trained. Only what is not installed gets one.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
INERT = ("cc3d", "imagecodecs", "imageio", "nibabel", "requests", "seaborn",
         "skimage", "sklearn", "tifffile", "tqdm", "unittest2", "yacs")  # fmt: skip
# That also do what is needed of them, each with its file here.
WORKING = {
    "SimpleITK": "simpleitk_in_numpy.py",
    "blosc2": "blosc2_in_numpy.py",
    "matplotlib": "matplotlib_undrawn.py",
    "pandas": "pandas_in_numpy.py",
}
# Files of this folder that a stand-in needs beside it.
HELPER = "inert_module.py"


def write_stand_ins(folder: Path, without: Sequence[str] = ()) -> list[str]:
    """Write them into `folder`, which then comes first in a search path; returns for which modules.

    without  treat these as if they were not installed; what has no stand-in then fails to be imported, as it would
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(HERE / HELPER, folder / HELPER)
    for name in without:
        _write(folder / name, f'raise ModuleNotFoundError("No module named {name!r}", name={name!r})\n')
    missing = [name for name in (*INERT, *WORKING) if name in without or find_spec(name) is None]
    for name in missing:
        _write(folder / name, "from inert_module import fill\n\nfill(__name__)\n")
    for name in WORKING.keys() & set(missing):
        shutil.copy(HERE / WORKING[name], folder / name / "__init__.py")
    return missing


def is_of_a_stand_in(error: Exception) -> bool:
    """True when something was called that is not installed."""
    return str(error).endswith("this is a stand-in.")


def _write(package: Path, text: str) -> None:
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(text, encoding="utf-8")

"""Modules that nnU-Net imports and that nothing in the campaign needs, for a machine without them.

nnU-Net imports its readers of files with everything else, and with them libraries of 50 MB and more. A stand-in can be
imported; whatever is called in it raises an error that says so. SimpleITK's (simpleitk_in_numpy.py) also keeps images,
as NumPy's files, so that a study can be built and trained. Only what is not installed gets one.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
INERT = ("blosc2", "cc3d", "imagecodecs", "imageio", "matplotlib", "nibabel", "pandas", "requests", "seaborn",
         "skimage", "sklearn", "tifffile", "tqdm", "unittest2", "yacs")  # fmt: skip
SIMPLEITK = "SimpleITK"
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
    missing = [name for name in (*INERT, SIMPLEITK) if name in without or find_spec(name) is None]
    for name in missing:
        _write(folder / name, "from inert_module import fill\n\nfill(__name__)\n")
    if SIMPLEITK in missing:
        shutil.copy(HERE / "simpleitk_in_numpy.py", folder / SIMPLEITK / "__init__.py")
    return missing


def is_of_a_stand_in(error: Exception) -> bool:
    """True when something was called that is not installed."""
    return str(error).endswith("this is a stand-in.")


def _write(package: Path, text: str) -> None:
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(text, encoding="utf-8")

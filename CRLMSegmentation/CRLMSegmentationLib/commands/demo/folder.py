"""What the demo writes, and where: what an earlier demo made is replaced, anything else only with --force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..options.outputs import Output, check_not_inside, check_outputs
from ..options.printing import plain

# Folders: the finished case, and the simulated one that it was made of.
CASE, SIMULATED = "finished", "case"
RECORDED, APPROACH = "recorded.igs.mha", "approach.igs.mha"
VOLUME, BOX, MASK, PROBABILITY, SURFACE = "volume.nrrd", "box.mrk.json", "mask.nrrd", "probability.nrrd", "tumor.stl"
SLICES_PICTURE, SCENE_PICTURE, SCENE, SUMMARY = "slices.png", "scene.png", "scene.mrb", "demo.json"
_FILES = (
    RECORDED, APPROACH, VOLUME, BOX, MASK, PROBABILITY, SURFACE, SLICES_PICTURE, SCENE_PICTURE, SCENE, SUMMARY,
)  # fmt: skip


def check_demo_folder(
    folder: Path, inputs: Iterable[str | Path | None], simulated_files: Iterable[str], force: bool
) -> None:
    """Raise ConfigurationError or FileFormatError unless a demo can be written into `folder` without harm.

    simulated_files  names of what is written into its folder SIMULATED; none when a recording was given
    """
    inputs = list(inputs)
    for inner in (CASE, SIMULATED):
        check_not_inside(folder / inner, "--output", inputs)
    own = [*_FILES, *(f"{SIMULATED}/{name}" for name in simulated_files)]
    is_of_a_demo = (folder / SUMMARY).is_file()
    check_outputs([Output("--output", folder / name) for name in own], inputs, force or is_of_a_demo)


def begin_demo_folder(folder: Path) -> None:
    """Make the folder, and take away of an earlier demo what must not pass for one of this."""
    folder.mkdir(parents=True, exist_ok=True)
    # The next demo knows by this file that the folder is a demo's own, also when this one is stopped on its way.
    write_summary(folder, {"finished": False})
    for name in (RECORDED, APPROACH, SURFACE, SCENE_PICTURE):
        (folder / name).unlink(missing_ok=True)


def write_summary(folder: Path, facts: Mapping[str, Any]) -> None:
    """demo.json; what is not a finite number is null."""
    (folder / SUMMARY).write_text(json.dumps(plain(facts), indent=2, allow_nan=False) + "\n", encoding="utf-8")

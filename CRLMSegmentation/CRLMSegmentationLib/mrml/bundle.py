"""Scenes as `.mrb`, the bundle that 3D Slicer opens: one zip file with the scene's XML and every node's data file."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from ..errors import FileFormatError
from ..words import tr
from .application import vtk_messages

SUFFIX = ".mrb"


class ShownScene(Protocol):
    """A scene that shows a session, such as SceneView."""

    @property
    def scene(self) -> Any:
        """The vtkMRMLScene."""
        ...

    def complete_scene(self) -> None:
        """Have the scene hold all that the session has, for who is about to save it."""
        ...

    def scene_replaced(self) -> AbstractContextManager[None]:
        """For who loads another scene into this one: the session goes on from it afterwards."""
        ...


def save_scene(view: ShownScene, path: str | Path) -> Path:
    """Write the scene of a session to `path` (.mrb); returns the path. Results that are stale are left out.

    Everything in the scene goes in, a recorded sweep as a whole. Raises FileFormatError as write_scene() does.
    """
    view.complete_scene()
    return write_scene(view.scene, path)


def write_scene(scene: Any, path: str | Path) -> Path:
    """Write a vtkMRMLScene to `path` (.mrb); returns the path. See own_nodes for what is not to be saved.

    Raises FileFormatError. An earlier file of that name stays as it is when writing fails.
    """
    # Slicer refuses a relative path.
    path = Path(path).resolve()
    if path.suffix.lower() != SUFFIX:
        raise FileFormatError(
            tr("{path} does not end in {suffix}; a scene is written as one .mrb file.", path=path, suffix=SUFFIX)
        )
    before = scene.GetURL(), scene.GetRootDirectory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside its place first, under its own name, because Slicer names the folder in the bundle after it.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".scene-") as folder:
            written = Path(folder) / path.name
            with vtk_messages() as messages:
                done = scene.WriteToMRB(str(written))
            if not done or not written.is_file() or not zipfile.is_zipfile(written):
                why = _reason(messages())
                raise FileFormatError(
                    tr("The scene cannot be written to {path}{why}; check the free space.", path=path, why=why)
                )
            os.replace(written, path)
    except OSError as error:
        raise FileFormatError(
            tr("The scene cannot be written to {path} ({strerror}).", path=path, strerror=error.strerror)
        ) from None
    finally:
        scene.SetURL(before[0] or "")
        scene.SetRootDirectory(before[1] or "")
    return path


def load_scene(view: ShownScene, path: str | Path) -> None:
    """Replace what is in the scene of a session by the scene in `path` (.mrb), and have the session go on from there.

    Raises FileFormatError, before anything is replaced, when `path` is no scene bundle.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix="crlm-scene-") as folder:
        scene_file = _unpack(path, Path(folder))
        scene = view.scene
        with vtk_messages() as messages:
            # The session must not take the emptied scene for a surgeon's request to start anew.
            with view.scene_replaced():
                scene.SetURL(str(scene_file))
                scene.SetRootDirectory(str(scene_file.parent))
                done = scene.Connect()
            # The files that it was read from are about to go.
            scene.SetURL("")
        if not done:
            raise FileFormatError(
                tr("The scene in {path} cannot be read{reason}.", path=path, reason=_reason(messages()))
            )


def _unpack(path: Path, folder: Path) -> Path:
    """Unpack a bundle into `folder`; returns its scene file."""
    try:
        with zipfile.ZipFile(path) as bundle:
            _check_room(bundle, path, folder)
            # extractall() keeps every member inside the folder, whatever its name says.
            bundle.extractall(folder)
    except OSError as error:
        raise FileFormatError(
            tr("The scene {path} cannot be read ({strerror}); check the path.", path=path, strerror=error.strerror)
        ) from None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError):
        raise FileFormatError(
            tr("{path} is not a scene bundle, or is damaged; save it again as {suffix}.", path=path, suffix=SUFFIX)
        ) from None
    scene_files = sorted(folder.rglob("*.mrml"), key=lambda file: len(file.parts))
    if not scene_files:
        raise FileFormatError(
            tr("{path} holds no scene (.mrml); save it again from Slicer as {suffix}.", path=path, suffix=SUFFIX)
        )
    return scene_files[0]


def _check_room(bundle: zipfile.ZipFile, path: Path, folder: Path) -> None:
    needed = sum(member.file_size for member in bundle.infolist())
    free = shutil.disk_usage(folder).free
    if needed > 0.9 * free:
        raise FileFormatError(
            tr(
                "{path} unpacks to {needed:.1f} GB, but only {free:.1f} GB are free in {parent}.",
                path=path,
                needed=needed / 1000000000.0,
                free=free / 1000000000.0,
                parent=folder.parent,
            )
        )


def _reason(messages: str) -> str:
    """The first error among VTK's messages, in brackets."""
    lines = [line.strip() for line in messages.splitlines() if "rror" in line or "annot" in line or "ailed" in line]
    return f" ({lines[0]})" if lines else ""

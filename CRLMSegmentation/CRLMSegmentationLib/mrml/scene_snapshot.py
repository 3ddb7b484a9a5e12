"""A case's scene as it is at one moment, taken at once and written as `.mrb` later, in any thread.

Slicer writes a scene in one call that keeps Python, and with it the window, waiting for all of its voxels. So what is
small (the scene's XML, markups, texts, transforms, segmentations, which are no larger than their tumor) is written at
once by MRML's own storage nodes; of surfaces and volumes points and voxels are kept, which nobody changes in place: who
shows others gives the node others. The rest needs no scene.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import FileFormatError
from ..files import write_volume
from ..values import Volume
from ..words import tr
from .application import vtk_messages
from .conversion import array_of_image, array_of_matrix, vtk_matrix
from .own_nodes import only_saving, own_names

_SCENE, _DATA, _VOXELS = "scene.mrml", "Data", "nrrd"
_UNFIT = re.compile(r"[^A-Za-z0-9.-]+")
_Writer = Callable[[Path], object]


class SceneSnapshot:
    """Nodes of a scene as they were when this was made, in the thread that the scene belongs to.

    scene  vtkMRMLScene;  nodes  those that go in, with what shows and stores them
    Raises FileFormatError when what is small cannot be written.
    """

    def __init__(self, scene: Any, nodes: Iterable[Any]) -> None:
        nodes = list(nodes)
        # Removed with this object, also when nothing is ever written.
        self._small = tempfile.TemporaryDirectory(prefix="crlm-scene-", ignore_cleanup_errors=True)
        self._large: dict[str, _Writer] = {}
        folder = Path(self._small.name)
        try:
            (folder / _DATA).mkdir()
            with own_names(nodes), _stored(nodes) as stored, only_saving(scene, nodes):
                for node, storage, name in stored:
                    self._take(node, storage, name)
                _write_xml(scene, folder / _SCENE)
        except OSError as error:
            raise FileFormatError(
                tr("The scene cannot be written to {folder} ({strerror}).", folder=folder, strerror=error.strerror)
            ) from None

    def write(self, path: Path) -> None:
        """Write the bundle, in one piece, from any thread. Raises FileFormatError."""
        try:
            # Written beside its place first: an earlier file of that name stays as it is when writing fails.
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".scene-") as place:
                self._write(Path(place), Path(place) / path.name, path.stem)
                os.replace(Path(place) / path.name, path)
        except OSError as error:
            raise FileFormatError(
                tr("The scene cannot be written to {path} ({strerror}).", path=path, strerror=error.strerror)
            ) from None

    def _write(self, place: Path, written: Path, stem: str) -> None:
        small = Path(self._small.name)
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as bundle:
            for file in sorted(one for one in small.rglob("*") if one.is_file()):
                # Slicer takes the scene and its files from one folder of the bundle.
                bundle.write(file, f"{stem}/{file.relative_to(small).as_posix()}")
            for name, write in self._large.items():
                file = place / Path(name).name
                write(file)
                is_packed = file.suffix == f".{_VOXELS}"
                bundle.write(file, f"{stem}/{name}", zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED)
                file.unlink()

    def _take(self, node: Any, storage: Any, name: str) -> None:
        if node.IsA("vtkMRMLScalarVolumeNode") and node.GetImageData().GetNumberOfScalarComponents() == 1:
            to_ras = vtk_matrix([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
            node.GetIJKToRASMatrix(to_ras)
            volume = Volume(array_of_image(node.GetImageData()), array_of_matrix(to_ras))
            is_compressed = bool(storage.GetUseCompression())
            self._large[name] = lambda path: write_volume(volume, path, compressed=is_compressed)
        elif node.IsA("vtkMRMLModelNode"):
            self._large[name] = _surface_writer(node, storage)
        else:
            _write_data(node, storage, Path(self._small.name) / name)


def add_a_storage_node(nodes: Iterable[Any]) -> bool:
    """Give the first of these nodes that wants one the node that stores it; False when none did.

    A node that comes into the scene keeps Slicer's widgets busy for some hundredths of a second: who adds them one by
    one has none to add, and nobody waiting, when the case is saved.
    """
    for node in nodes:
        if _is_stored(node) and node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
            # What is small stands in the XML, and needs none.
            if node.GetStorageNode() is not None:
                return True
    return False


def _surface_writer(node: Any, storage: Any) -> _Writer:
    """Writes a model's surface, as it is now, as its storage node would."""
    copy, own = node.NewInstance(), storage.NewInstance()
    surface = node.GetMesh().NewInstance()
    # Whoever shows another surface gives the node another one, so that points and faces need no copy.
    surface.ShallowCopy(node.GetMesh())
    copy.SetAndObserveMesh(surface)
    return lambda path: _write_data(copy, own, path)


def _write_data(node: Any, storage: Any, path: Path) -> None:
    before = storage.GetFileName()
    storage.SetFileName(str(path))
    try:
        with vtk_messages():
            done = storage.WriteData(node)
    finally:
        storage.SetFileName(before)
    if not done or not path.is_file():
        raise FileFormatError(tr("The scene's file {name} cannot be written; check the free space.", name=path.name))


@contextmanager
def _stored(nodes: list[Any]) -> Iterator[list[tuple[Any, Any, str]]]:
    """The nodes with data of their own, each with its storage node, which within the block names the file in the
    bundle, and that name.
    """
    stored, before = list[tuple[Any, Any, str]](), list[tuple[Any, str | None]]()
    for number, node in enumerate(nodes):
        if not _is_stored(node):
            continue
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        if storage is None:
            # What it holds stands in the XML.
            continue
        if node.IsA("vtkMRMLSegmentationNode"):
            storage.SetCropToMinimumExtent(True)
        before.append((storage, storage.GetFileName()))
        ending = _VOXELS if node.IsA("vtkMRMLVolumeNode") else storage.GetDefaultWriteFileExtension()
        name = f"{_DATA}/{_UNFIT.sub('-', node.GetName())}-{number}.{ending}"
        storage.SetFileName(name)
        stored.append((node, storage, name))
    try:
        yield stored
    finally:
        for storage, name_before in before:
            storage.SetFileName(name_before)


def _is_stored(node: Any) -> bool:
    """True for a node that has data of its own, in a file beside the XML."""
    if not node.IsA("vtkMRMLStorableNode"):
        return False
    if node.IsA("vtkMRMLVolumeNode"):
        return node.GetImageData() is not None and node.GetImageData().GetNumberOfPoints() > 0
    if node.IsA("vtkMRMLModelNode"):
        return node.GetMesh() is not None
    return True


def _write_xml(scene: Any, path: Path) -> None:
    before = scene.GetURL(), scene.GetRootDirectory()
    try:
        scene.SetRootDirectory(str(path.parent))
        with vtk_messages():
            done = scene.Commit(str(path))
    finally:
        scene.SetURL(before[0] or "")
        scene.SetRootDirectory(before[1] or "")
    if not done or not path.is_file():
        raise FileFormatError(tr("The scene cannot be written to {parent}; check the free space.", parent=path.parent))

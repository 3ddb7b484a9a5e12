"""Which files hold a liver's model: one surface, or a folder of them."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ...errors import FileFormatError
from ...words import tr
from ..surface_file import READ_SURFACE_ENDINGS

# Where `crlm preop segment` and `crlm simulate --patient` put them.
_SURFACES_FOLDER = "surfaces"


def model_files(path: str | PathLike[str]) -> dict[str, Path]:
    """The surfaces of the model at `path` by their names without ending: one file, the files in a folder, or those in
    its folder `surfaces`.

    Raises FileFormatError when there are none, or two of one name.
    """
    path = Path(path)
    if not path.exists():
        raise FileFormatError(tr("The model {path} does not exist; check the path.", path=path))
    if not path.is_dir():
        return {path.stem: path}
    for folder in (path, path / _SURFACES_FOLDER):
        if not folder.is_dir():
            continue
        found: dict[str, Path] = {}
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() not in READ_SURFACE_ENDINGS:
                continue
            if file.stem in found:
                raise FileFormatError(
                    tr(
                        "{folder} holds {name} and {name_2}: keep one of them.",
                        folder=folder,
                        name=found[file.stem].name,
                        name_2=file.name,
                    )
                )
            found[file.stem] = file
        if found:
            return found
    raise FileFormatError(
        tr(
            "There is no surface in {path} ({read_surface_endings}).",
            path=path,
            read_surface_endings=", ".join(READ_SURFACE_ENDINGS),
        )
    )

"""The CTs, results and files of landmarks that can be chosen on the page."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileFormatError
from ..preoperative.result_folder import MASKS, MEASURES
from ..preoperative.structures import LIVER
from ..words import tr
from .library import Library

_FOLDER, _EXPORTED = "ct", "exported"
_MOST_RESULTS = 200


class CtLibrary:
    """What can be chosen, of this page's folder and by its path.

    results  the folder in which every result gets one of its own
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self.results = library.folder / _FOLDER
        self.results.mkdir(parents=True, exist_ok=True)

    def kept(self) -> list[dict[str, str]]:
        """Results that were kept here as {'title', 'value'} for a select box, the newest first."""
        folders = [path for path in self.results.iterdir() if is_result(path)]
        folders.sort(key=lambda path: (path / MASKS[LIVER]).stat().st_mtime, reverse=True)
        return [{"title": path.name, "value": path.name} for path in folders[:_MOST_RESULTS]]

    def result_of(self, value: object) -> Path:
        """The folder of a result that was chosen. Raises FileFormatError when it is not there."""
        offered = {one["value"] for one in self.kept()}
        if value not in offered:
            raise FileFormatError(tr("This result is not there any more; choose another one."))
        return self.results / str(value)

    def typed(self, text: object) -> Path:
        """A file or folder that somebody typed the path of. Raises FileFormatError when it is not there, or none may be
        read by its path.
        """
        if not str(text).strip():
            raise FileFormatError(tr("Type the path first."))
        if not self._library.any_path:
            raise FileFormatError(
                tr("This page is served to others as well and reads no paths: open it on this computer.")
            )
        try:
            path = Path(str(text).strip()).expanduser()
            if path.exists():
                return path
        except (OSError, ValueError, RuntimeError):  # too long for a name, or no name at all
            pass
        raise FileFormatError(tr("There is no such file or folder on this computer; check the path."))

    def new_export_folder(self, result: Path | None) -> Path:
        """Beside a result that was kept here; of another one, such as that of a saved case, in this page's folder."""
        parent = result if result is not None and result.parent == self.results else self.results
        folder, number = parent / _EXPORTED, 1
        while folder.exists():
            number += 1
            folder = parent / f"{_EXPORTED}-{number}"
        return folder


def is_result(folder: Path) -> bool:
    """Whether a folder holds what was found in a CT."""
    return folder.is_dir() and ((folder / MEASURES).is_file() or (folder / MASKS[LIVER]).is_file())

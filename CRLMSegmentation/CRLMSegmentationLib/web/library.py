"""The recordings and calibrations that can be chosen on the page."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import FileFormatError
from .uploads import CONFIGURATION_ENDINGS, SWEEP_ENDINGS, UploadFolder

_MOST_FILES = 500
_PATH = re.compile(r"(?<![\w:/.])/(?:[^\s'\"/]+/)+(?=[^\s'\"/])|\b[A-Za-z]:\\(?:[^\s'\"\\]+\\)+(?=[^\s'\"\\])")


class Library:
    """Files in the page's own folder, and those that it was started with.

    folder      the page's own: recordings/, uploads/, simulated/ and cases/ are made in it
    given       files and folders on this computer that are offered as well
    any_path    whether a path that is typed on the page may be read too: only for a page that nobody else can reach
    """

    def __init__(self, folder, given=(), any_path: bool = True):
        self.folder = Path(folder).resolve()
        self.recordings = self._made("recordings")
        self.simulated = self._made("simulated")
        self.cases = self._made("cases")
        self.uploads = UploadFolder(self._made("uploads"))
        self._given = [Path(path).resolve() for path in given]
        self.any_path = any_path

    def sweeps(self) -> list[dict]:
        """Recorded sweeps as {'title', 'value'} for a select box, the newest first; a value names no place on disk."""
        return _items(self._sweeps())

    def configurations(self) -> list[dict]:
        """PLUS configurations for a select box."""
        return [{"title": "Not needed", "value": ""}, *_items(self._configurations())]

    def path_of(self, value: str) -> Path:
        """The file that was chosen. Raises FileFormatError when it is not there, or may not be read."""
        offered = {**self._sweeps(), **self._configurations()}
        if value in offered:
            return offered[value]
        path = _typed(value)
        if self.any_path and path is not None:
            return path
        name = Path(str(value).strip()).name[:80]
        raise FileFormatError(f"There is no recording '{name}' here; choose one from the list or upload it.")

    def value_of(self, path) -> str:
        """Of an offered file in a select box; '' when it is not offered."""
        offered = {**self._sweeps(), **self._configurations()}
        return next((value for value, one in offered.items() if one == Path(path)), "")

    def without_places(self, sentence: str) -> str:
        """A sentence for the page, which others may see: files are named without the folders that they lie in."""
        return _PATH.sub("", sentence.replace(f"{self.folder}/", ""))

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _sweeps(self) -> dict[str, Path]:
        # A plain volume ends in .mha too; what the page lists are names that PLUS gives to sequences, and uploads.
        own = _in("recordings", self.recordings, SWEEP_ENDINGS[:2])
        return {**own, **self._of_given(SWEEP_ENDINGS[:2]), **_in("uploads", self.uploads.folder, SWEEP_ENDINGS)}

    def _configurations(self) -> dict[str, Path]:
        return {**_in("uploads", self.uploads.folder, CONFIGURATION_ENDINGS), **self._of_given(CONFIGURATION_ENDINGS)}

    def _of_given(self, endings) -> dict[str, Path]:
        found = {}
        for number, given in enumerate(self._given, start=1):
            if given.is_dir():
                found.update(_in(f"given-{number}", given, endings))
            elif given.name.lower().endswith(endings):
                found[f"given-{number}/{given.name}"] = given
        return found


def _in(name: str, folder: Path, endings) -> dict[str, Path]:
    """Path of every file with one of the endings, by what a select box calls it; the newest first."""
    files = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.lower().endswith(endings) and path.name[0] != ".":
            try:
                files.append((path.stat().st_mtime, path))
            except OSError:  # it went away meanwhile, or is a link to nothing
                continue
    files.sort(reverse=True)
    return {f"{name}/{path.name}": path for _, path in files[:_MOST_FILES]}


def _items(files: dict[str, Path]) -> list[dict]:
    return [{"title": path.name, "value": value} for value, path in files.items()]


def _typed(value) -> Path | None:
    """The file that somebody typed the path of; None when there is no such file."""
    try:
        path = Path(str(value).strip()).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long for a name, no name at all, or of a user that there is not
        return None

"""The recordings and calibrations that can be chosen on the page."""

from __future__ import annotations

from pathlib import Path

from ..errors import FileFormatError
from .uploads import CONFIGURATION_ENDINGS, SWEEP_ENDINGS, UploadFolder

_MOST_FILES = 500


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
        """Recorded sweeps as {'title', 'value'} for a select box, the newest first."""
        # A plain volume ends in .mha too; what the page lists are names that PLUS gives to sequences, and uploads.
        return self._offered(SWEEP_ENDINGS[:2], self.recordings) + self._in(self.uploads.folder, SWEEP_ENDINGS)

    def configurations(self) -> list[dict]:
        """PLUS configurations for a select box."""
        none = {"title": "Not needed", "value": ""}
        return [none, *self._in(self.uploads.folder, CONFIGURATION_ENDINGS), *self._offered(CONFIGURATION_ENDINGS)]

    def path_of(self, value: str) -> Path:
        """The file that was chosen. Raises FileFormatError when it is not there, or may not be read."""
        offered = {item["value"] for item in (*self.sweeps(), *self.configurations())}
        path = Path(str(value).strip()).expanduser()
        if str(value) not in offered and not (self.any_path and path.is_file()):
            raise FileFormatError(f"There is no recording '{path.name}' here; choose one from the list or upload it.")
        return path

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _offered(self, endings, *folders: Path) -> list[dict]:
        found = [item for folder in folders for item in self._in(folder, endings)]
        for given in self._given:
            if given.is_dir():
                found += self._in(given, endings)
            elif given.name.lower().endswith(endings):
                found.append(_item(given))
        return found

    def _in(self, folder: Path, endings) -> list[dict]:
        if not folder.is_dir():
            return []
        files = [path for path in folder.iterdir() if path.name.lower().endswith(endings) and path.name[0] != "."]
        files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        return [_item(path) for path in files[:_MOST_FILES]]


def _item(path: Path) -> dict:
    return {"title": path.name, "value": str(path)}

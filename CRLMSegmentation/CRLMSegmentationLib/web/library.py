"""The recordings and calibrations that can be chosen on the page."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

from ..errors import FileFormatError
from ..session.case.case_files import INDEX as CASE_INDEX
from ..words import tr
from .actions.uploads import CONFIGURATION_ENDINGS, POINTS_ENDINGS, SWEEP_ENDINGS, UploadFolder

_MOST_FILES = 500
_PATH = re.compile(r"(?<![\w:/.])/(?:[^\s'\"/]+/)+(?=[^\s'\"/])|\b[A-Za-z]:\\(?:[^\s'\"\\]+\\)+(?=[^\s'\"\\])")


class Library:
    """Files in the page's own folder, and those that it was started with.

    folder      the page's own: recordings/, uploads/, simulated/ and cases/ are made in it
    given       files and folders on this computer that are offered as well
    any_path    whether a path that is typed on the page may be read too: only for a page that nobody else can reach
    """

    def __init__(self, folder: str | Path, given: Iterable[str | Path] = (), any_path: bool = True) -> None:
        self.folder = Path(folder).resolve()
        self.recordings = self._made("recordings")
        self.simulated = self._made("simulated")
        self.cases = self._made("cases")
        self.uploads = UploadFolder(self._made("uploads"))
        self._given = [Path(path).resolve() for path in given]
        self.any_path = any_path

    def sweeps(self) -> list[dict[str, str]]:
        """Recorded sweeps as {'title', 'value'} for a select box, the newest first; a value names no place on disk."""
        return _items(self._sweeps())

    def configurations(self) -> list[dict[str, str]]:
        """PLUS configurations for a select box."""
        return [{"title": tr("Not needed"), "value": ""}, *_items(self._configurations())]

    def target_files(self) -> list[dict[str, str]]:
        """What may hold the targets of a phantom, for a select box."""
        return _items(self._targets())

    def path_of(self, value: str) -> Path:
        """The file that was chosen. Raises FileFormatError when it is not there, or may not be read."""
        offered = {**self._sweeps(), **self._targets()}
        if value in offered:
            return offered[value]
        path = _typed(value)
        if self.any_path and path is not None:
            return path
        name = Path(str(value).strip()).name[:80]
        raise FileFormatError(
            tr("There is no recording '{name}' here; choose one from the list or upload it.", name=name)
        )

    def new_case_folder(self, name: str) -> Path:
        """A path in `cases` that is not there yet, called `name` or like it."""
        folder, number = self.cases / name, 1
        while folder.exists() or folder.with_name(f"{folder.name}.zip").exists():
            number += 1
            folder = self.cases / f"{name}-{number}"
        return folder

    def saved_cases(self) -> list[dict[str, str]]:
        """Saved cases as {'title', 'value', 'date'}, the newest first."""
        return [
            {"title": path.name, "value": value, "date": time.strftime("%Y-%m-%d %H:%M", time.localtime(saved_s))}
            for value, (saved_s, path) in self._cases().items()
        ]

    def case_of(self, value: str) -> Path:
        """The folder of a saved case that was chosen. Raises FileFormatError when it is not there."""
        cases = self._cases()
        if value not in cases:
            raise FileFormatError(tr("This case is not there any more; choose another one."))
        return cases[value][1]

    def value_of(self, path: str | Path) -> str:
        """Of an offered file in a select box; '' when it is not offered."""
        offered = {**self._sweeps(), **self._targets()}
        return next((value for value, one in offered.items() if one == Path(path)), "")

    def without_places(self, sentence: str) -> str:
        """A sentence for the page, which others may see: files are named without the folders that they lie in."""
        return _PATH.sub("", sentence.replace(f"{self.folder}/", ""))

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _cases(self) -> dict[str, tuple[float, Path]]:
        """(when it was saved, folder) by what the page calls it."""
        found = []
        for number, place in enumerate([self.cases, *self._given]):
            for index in (place / CASE_INDEX, *place.glob(f"*/{CASE_INDEX}")) if place.is_dir() else ():
                name = f"cases/{index.parent.name}" if number == 0 else f"given-{number}/{index.parent.name}"
                try:
                    found.append((index.stat().st_mtime, name, index.parent))
                except OSError:
                    continue
        found.sort(key=lambda one: one[0], reverse=True)
        by_folder = {folder: (saved_s, name) for saved_s, name, folder in reversed(found[:_MOST_FILES])}
        cases = {name: (saved_s, folder) for folder, (saved_s, name) in by_folder.items()}
        return dict(sorted(cases.items(), key=lambda one: one[1][0], reverse=True))

    def _sweeps(self) -> dict[str, Path]:
        # A plain volume ends in .mha too; what the page lists are names that PLUS gives to sequences, and uploads.
        own = _in("recordings", self.recordings, SWEEP_ENDINGS[:2])
        return {**own, **self._of_given(SWEEP_ENDINGS[:2]), **_in("uploads", self.uploads.folder, SWEEP_ENDINGS)}

    def _configurations(self) -> dict[str, Path]:
        return {**_in("uploads", self.uploads.folder, CONFIGURATION_ENDINGS), **self._of_given(CONFIGURATION_ENDINGS)}

    def _targets(self) -> dict[str, Path]:
        points = {**_in("uploads", self.uploads.folder, POINTS_ENDINGS), **self._of_given(POINTS_ENDINGS)}
        return {**points, **self._configurations()}

    def _of_given(self, endings: tuple[str, ...]) -> dict[str, Path]:
        found = {}
        for number, given in enumerate(self._given, start=1):
            if given.is_dir():
                found.update(_in(f"given-{number}", given, endings))
            elif given.name.lower().endswith(endings):
                found[f"given-{number}/{given.name}"] = given
        return found


def _in(name: str, folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
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


def _items(files: dict[str, Path]) -> list[dict[str, str]]:
    return [{"title": path.name, "value": value} for value, path in files.items()]


def _typed(value: object) -> Path | None:
    """The file that somebody typed the path of; None when there is no such file."""
    try:
        path = Path(str(value).strip()).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long for a name, no name at all, or of a user that there is not
        return None

"""Uploaded files: their names, their kinds, their size."""

import asyncio

import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.web.actions.uploads import UploadFolder, safe_name


def _send(folder: UploadFolder, name: str, data: bytes, piece: int = 1000):
    async def parts():
        for start in range(0, len(data), piece):
            yield data[start : start + piece]

    return asyncio.run(folder.take(name, parts()))


@pytest.mark.parametrize(
    "given, kept",
    [
        ("sweep.igs.mha", "sweep.igs.mha"),
        ("../../etc/sweep.mha", "sweep.mha"),
        ("C:\\Users\\me\\sweep 1.igs.nrrd", "sweep_1.igs.nrrd"),
        ("..xml.xml", "xml.xml"),
        ("/plus.xml", "plus.xml"),
        (".igs.mha", "igs.mha"),
        ("Größe.mha", "Gr_e.mha"),
        ("x" * 300 + ".igs.mha", "x" * 80 + ".igs.mha"),
    ],
)
def test_a_name_stays_in_the_folder(given, kept):
    assert safe_name(given) == kept


@pytest.mark.parametrize("name", ["", ".mha", "..", "sweep.zip", "sweep.mha.exe", "sweep", "a/b/", "sweep.mha/.."])
def test_other_kinds_are_refused(name):
    with pytest.raises(FileFormatError, match="not taken"):
        safe_name(name)


def test_a_recording_and_its_configuration_are_taken(tmp_path, shared_data):
    folder = UploadFolder(tmp_path / "uploads")
    sweep = (shared_data / "SpinePhantomFreehand.igs.mha").read_bytes()
    path = _send(folder, "../sweep.igs.mha", sweep, 1 << 20)
    assert path == tmp_path / "uploads" / "sweep.igs.mha" and path.read_bytes() == sweep
    assert _send(folder, "plus.xml", (shared_data / "SpinePhantom.xml").read_bytes()).is_file()


@pytest.mark.parametrize(
    "name, data",
    [
        ("sweep.igs.mha", b"not an image"),
        ("sweep.igs.mha", b""),
        ("plus.xml", b"<html></html>"),
        ("plus.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><PlusConfiguration>&a;</PlusConfiguration>'),
    ],
)
def test_what_is_something_else_leaves_nothing(tmp_path, name, data):
    folder = UploadFolder(tmp_path)
    with pytest.raises(FileFormatError) as refused:
        _send(folder, name, data)
    assert name in str(refused.value) and str(tmp_path) not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_too_much_is_refused_while_it_comes(tmp_path):
    (tmp_path / "earlier.mha").write_bytes(bytes(600))
    folder = UploadFolder(tmp_path, largest_bytes=1000)
    taken = []

    async def parts():
        for number in range(100):
            taken.append(number)
            yield bytes(100)

    with pytest.raises(FileFormatError, match="larger"):
        asyncio.run(folder.take("sweep.mha", parts()))
    assert len(taken) == 5 and [path.name for path in tmp_path.iterdir()] == ["earlier.mha"]


def test_several_at_once_share_the_room(tmp_path):
    folder = UploadFolder(tmp_path, largest_bytes=1000)

    async def parts():
        for _ in range(6):
            await asyncio.sleep(0)
            yield bytes(100)

    async def both():
        return await asyncio.gather(*(folder.take(f"{n}.mha", parts()) for n in range(2)), return_exceptions=True)

    outcomes = asyncio.run(both())
    assert any("larger" in str(outcome) for outcome in outcomes) and list(tmp_path.iterdir()) == []


def test_a_disk_that_is_nearly_full_is_left_to_the_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1_000_000_000})())
    with pytest.raises(FileFormatError, match="larger"):
        _send(UploadFolder(tmp_path), "sweep.mha", bytes(100))
    assert list(tmp_path.iterdir()) == []

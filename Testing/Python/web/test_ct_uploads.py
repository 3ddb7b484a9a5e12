"""A DICOM folder that a browser sends: its CT is read, and no file of it stays."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.simulation.ct.dicom import write_dicom_series
from CRLMSegmentationLib.web.actions import dicom_uploads
from CRLMSegmentationLib.web.server.ct_uploads import CtUploads
from small_ct import ct_with

_PATIENCE_S = 120


@pytest.fixture
def controller(tmp_path, monkeypatch):
    monkeypatch.setattr(dicom_uploads.tempfile, "mkdtemp", lambda prefix: str(_made(tmp_path / "sent")))
    session, errors = Session(), []
    yield SimpleNamespace(session=session, report_error=errors.append, show_steps=lambda: None, errors=errors)
    session.close()


def _made(folder):
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Slices of two series, and a note that is none."""
    folder = tmp_path_factory.mktemp("DOE^JANE")
    for phase in ("arterial", "portal"):
        write_dicom_series(ct_with(), folder / phase, 3, phase, "20260105")
    (folder / "note.txt").write_text("Doe, Jane", encoding="utf-8")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def asked(controller, talk, largest_bytes=None):
    """What talk(post) returns, with a server around it."""

    async def run():
        uploads = CtUploads(controller)
        if largest_bytes is not None:
            uploads._uploads.largest_bytes = largest_bytes
        app = web.Application()
        uploads.add_to(app)
        async with TestClient(TestServer(app)) as client:

            async def post(path="", body=b""):
                answer = await client.post(f"/ct/dicom{path}", data=body)
                return answer.status, await answer.json()

            result = await talk(post)
        uploads.close()
        return result

    return asyncio.run(run())


def process(session):
    end = time.monotonic() + _PATIENCE_S
    while session.preoperative.is_busy:
        assert time.monotonic() < end
        session.process()
        time.sleep(0.002)
    return session.preoperative


def test_its_series_are_listed_one_is_read_and_nothing_stays(controller, files, tmp_path):
    async def talk(post):
        _, begun = await post()
        batch = f"/{begun['batch']}"
        taken = [(await post(batch, path.read_bytes()))[1]["taken"] for path in files]
        assert taken.count(False) == 1 and len(list((tmp_path / "sent").iterdir())) == len(files) - 1
        assert not any("note" in path.name or "DOE" in path.name for path in (tmp_path / "sent").iterdir())
        assert await post(f"{batch}/open") == (200, {})
        part = process(controller.session)
        assert part.is_choosing and len(part.series) == 2 and (tmp_path / "sent").is_dir()
        part.choose_series(next(one.summary.number for one in part.series if "portal" in one.title))
        part = process(controller.session)
        assert part.ct.facts.date == "2026-01-05" and part.ct.volume.voxels.shape == (30, 30, 30)
        assert not (tmp_path / "sent").exists() and part.ct.dicom is None and part.series == ()

    asked(controller, talk)
    assert controller.errors == []


def test_too_much_and_a_folder_that_was_overtaken_are_refused_and_leave_nothing(controller, files, tmp_path):
    async def talk(post):
        _, begun = await post()
        status, answer = await post(f"/{begun['batch']}", b"x" * 5000)
        assert status == 400 and "larger than this page takes" in answer["error"]
        assert not (tmp_path / "sent").exists()
        first, second = [(await post())[1]["batch"] for _ in range(2)]
        status, answer = await post(f"/{first}", files[0].read_bytes()[:2000])
        assert status == 400 and "send it again" in answer["error"]
        assert (await post(f"/{second}", b"x" * 2000)) == (200, {"taken": False})

    asked(controller, talk, largest_bytes=4000)
    assert len(controller.errors) == 2 and not (tmp_path / "sent").exists()


def test_a_folder_without_a_ct_is_told_without_its_place(controller, tmp_path):
    async def talk(post):
        _, begun = await post()
        await post(f"/{begun['batch']}/open")
        part = process(controller.session)
        assert "holds no DICOM images" in part.problem and str(tmp_path) not in part.problem
        assert not (tmp_path / "sent").exists()

    asked(controller, talk)

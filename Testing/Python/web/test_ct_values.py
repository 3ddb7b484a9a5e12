"""What the page shows of a CT, without a browser: curves over time, files that may be chosen, pictures."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("trame_server", reason="no trame: the page was not tested")

from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.preoperative.ct_slices import CtSlices
from CRLMSegmentationLib.preoperative.follow_up import FollowUp, Track
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.values import Volume
from CRLMSegmentationLib.web.ct_library import CtLibrary
from CRLMSegmentationLib.web.library import Library
from CRLMSegmentationLib.web.page.ct_values import follow_up_values
from CRLMSegmentationLib.web.server.ct_pictures import CtPictures


def followed(*tracks, dates=("2026-01-01", "2026-01-31", "2026-03-02")) -> FollowUp:
    lesions = tuple(
        Track(number, tuple(1 if mm else None for mm in course), course, course, number == 1, (0.0, 0.0, 0.0))
        for number, course in enumerate(tracks, start=1)
    )
    count = len(dates)
    return FollowUp(dates, lesions, (20.0,) * count, ("",) * count, ((),) * count, ((),) * count, (1500.0,) * count)


def test_curves_stand_at_their_dates_with_gaps_where_a_lesion_was_not_found():
    shown = follow_up_values(followed((20.0, None, 25.0), (10.0, 5.0, None)))
    assert shown["ct_top"] == "30 mm" and [one["x"] for one in shown["ct_dates"]] == [24.0, 150.0, 276.0]
    gap, gone = shown["ct_tracks"]
    assert gap["lines"] == [] and gap["dots"] == [[24.0, 47.3], [276.0, 29.7]] and gap["end"] == []
    assert gone["lines"] == ["24.0,82.7 150.0,100.3"] and gone["end"] == [150.0, 100.3]
    assert (gap["text"], gone["text"]) == ("1: 20 → – → 25 mm, target", "2: 10 → 5 → – mm, vanished")


def test_dates_that_are_not_known_stand_evenly():
    shown = follow_up_values(followed((20.0, 22.0), dates=("", "2026-01-31")))
    assert [one["x"] for one in shown["ct_dates"]] == [24.0, 276.0] and shown["ct_dates"][0]["text"] == "CT 1"
    assert follow_up_values(None)["ct_tracks"] == []


def test_only_results_of_this_page_and_paths_that_are_there_are_read(tmp_path):
    files = CtLibrary(Library(tmp_path / "page"))
    kept = files.results / "ct-2026-01-05"
    kept.mkdir()
    assert files.kept() == []
    (kept / "measures.json").write_text("{}", "utf-8")
    (kept / "liver.nrrd").write_bytes(b"")
    assert files.kept() == [{"title": "ct-2026-01-05", "value": "ct-2026-01-05"}]
    assert files.result_of("ct-2026-01-05") == kept
    with pytest.raises(FileFormatError, match="not there any more"):
        files.result_of("../recordings")
    assert files.typed(f" {tmp_path} ") == tmp_path
    for text in ("", str(tmp_path / "nowhere"), "\0", "x" * 5000):
        with pytest.raises(FileFormatError):
            files.typed(text)
    with pytest.raises(FileFormatError, match="reads no paths"):
        CtLibrary(Library(tmp_path / "served", any_path=False)).typed(str(tmp_path))
    assert files.new_export_folder(kept) == kept / "exported"
    assert files.new_export_folder(tmp_path).parent == files.results


def test_pictures_are_of_the_ct_that_is_open_and_nonsense_gets_none():
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed: the CT's pictures were not asked for")
    from aiohttp.test_utils import TestClient, TestServer

    label_map = np.zeros((12, 14, 16), np.uint8)
    label_map[3:9, 3:11, 3:13] = 1
    slices = CtSlices(None, structures_of_map(Volume(label_map, np.eye(4))))
    at = {"axial": 5, "coronal": 6, "sagittal": 7}
    part = SimpleNamespace(ct=SimpleNamespace(slices=slices, surfaces={}), shown=["liver"], at=at,
                           remnant=SimpleNamespace(plane=None))  # fmt: skip
    there = ("slice?plane=axial&index=3", "slice?plane=sagittal&index=9999")
    absent = ("slice", "slice?plane=oblique&index=3", "slice?plane=axial&index=nan", "slice?plane=axial&index=1e99",
              "space?turn=0&tilt=0", "space?turn=x&tilt=0")  # fmt: skip

    async def answers():
        app = aiohttp.web.Application()
        CtPictures(part).add_to(app)
        async with TestClient(TestServer(app)) as client:
            found = [(await client.get(f"/ct/{query}")) for query in (*there, *absent)]
            first = await found[0].read()
            part.ct = None
            return [one.status for one in found], first, (await client.get(f"/ct/{there[0]}")).status

    statuses, picture, after = asyncio.run(answers())
    assert statuses == [200, 200, *[404] * len(absent)] and picture.startswith(b"\x89PNG") and after == 404

"""What the terminal of the page shows: faults, and not that somebody closed a tab."""

import logging

import pytest
from CRLMSegmentationLib.errors import CRLMError
from CRLMSegmentationLib.web.serve import _is_fault, serve


def test_a_closed_tab_is_no_fault_and_a_fault_is_told(caplog):
    logger = logging.getLogger("wslink.protocol")
    logger.addFilter(_is_fault)
    try:
        logger.error("Exception raised")
        logger.error("ClientConnectionResetError('Cannot write to closing transport')")
        assert not caplog.records
        logger.error("Exception raised")
        logger.error("KeyError('view')")
        assert [record.getMessage() for record in caplog.records] == ["KeyError('view')"]
    finally:
        logger.removeFilter(_is_fault)


@pytest.mark.parametrize(
    "options, says",
    [
        ({"given": ["nofile.igs.mha"]}, "no recording or folder 'nofile.igs.mha'"),
        ({"case": "nocase"}, "'nocase' is no saved case"),
        ({"live": "nofile.igs.mha"}, "no recording 'nofile.igs.mha' to replay"),
        ({"port": 70000}, "70000"),
        ({"port": -1}, "-1"),
        ({"token": "short"}, "token has 5 characters"),
        ({"frame_rate": 0.0}, "frame rate is 0; give 0.5 to 60"),
    ],
)
def test_what_was_named_wrongly_is_told_before_anything_is_started(tmp_path, monkeypatch, capsys, options, says):
    pytest.importorskip("trame_slicer", reason="no trame-slicer: the page's command was not tested")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CRLMError, match=says):
        serve(**options)
    assert capsys.readouterr().out == "" and list(tmp_path.iterdir()) == []

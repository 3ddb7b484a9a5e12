"""What the terminal of the page shows: faults, and not that somebody closed a tab."""

import logging

from CRLMSegmentationLib.web.serve import _is_fault


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

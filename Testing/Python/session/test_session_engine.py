"""The engine as the session sees it."""

import time

from CRLMSegmentationLib.inference.models.import_model import About, import_model
from CRLMSegmentationLib.session import engine as session_engine
from CRLMSegmentationLib.session.engine import Engine
from small_model import RESULTS, write_result


def test_a_model_that_finds_no_tumor_in_ultrasound_is_refused_before_a_process_is_started(tmp_path, monkeypatch):
    result = write_result(tmp_path / "result", **RESULTS["colour frames"])
    model = import_model(result, "landmarks", tmp_path / "model", About("landmarks"))
    started = []
    monkeypatch.setattr(session_engine, "WorkerPredictor", lambda *what: started.append(what))
    engine = Engine()
    engine.choose(model=model.folder)
    engine.start()
    until = time.monotonic() + 600
    while engine.status.state == "starting" and time.monotonic() < until:
        time.sleep(0.01)
    assert engine.status.state == "failed" and "was trained on 3 channels" in engine.status.message
    assert not started
    engine.close()

import pytest
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.models.trained_model import load_model
from dark_model import dark_model  # noqa: F401
from fake_worker import fake_workers  # noqa: F401
from small_model import exported_model  # noqa: F401

LONGEST_S = 600


@pytest.fixture
def ready_worker(dark_model, fake_workers):  # noqa: F811
    """(predictor, worker): the worker process is played by the test, and is ready."""
    with WorkerPredictor(load_model(dark_model), "cpu", connect=fake_workers) as predictor:
        worker = fake_workers.wait_for(1)
        worker.is_ready()
        predictor.wait_until_ready(LONGEST_S)
        yield predictor, worker

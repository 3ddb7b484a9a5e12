"""Many cases side by side: here, in processes, and on a Dask cluster; one that fails stops nothing."""

import os

import pytest
from CRLMSegmentationLib.errors import ConfigurationError, GeometryError
from CRLMSegmentationLib.study.workers import for_each


def square(number: int) -> int:
    if number == 3:
        raise GeometryError("three is refused")
    if number == 4:
        raise ZeroDivisionError("four")
    return number * number


def square_or_die(number: int) -> int:
    if number == 2:
        os._exit(9)
    return number * number


def outcomes(function, numbers, **how):
    return {outcome.number: outcome for outcome in for_each(function, numbers, **how)}


def check(found):
    assert [found[number].result for number in (0, 1, 2)] == [0, 1, 4]
    assert found[3].error == "three is refused" and found[4].error == "ZeroDivisionError: four"


def test_in_this_process_with_progress():
    reported = []
    check(outcomes(square, range(5), progress=lambda fraction, text: reported.append((fraction, text))))
    assert reported[-1] == (1.0, "Case 5 of 5 failed: ZeroDivisionError: four")


def test_in_processes():
    check(outcomes(square, range(5), workers=2))


def test_a_process_that_dies_takes_only_its_own_case_with_it():
    found = outcomes(square_or_die, range(4), workers=2)
    assert [found[number].result for number in (0, 1, 3)] == [0, 1, 9]
    assert "killed" in found[2].error


def test_on_a_dask_cluster():
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False),
    ):
        check(outcomes(square, range(5), scheduler=cluster.scheduler_address))


def test_a_scheduler_that_is_not_there_is_reported(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")

    class Refused(distributed.Client):
        def __init__(self, address, timeout, **options):
            super().__init__(address, timeout="1s", **options)

    monkeypatch.setattr(distributed, "Client", Refused)
    with pytest.raises(ConfigurationError, match=r"no Dask scheduler at tcp://127.0.0.1:9"):
        list(for_each(square, range(2), scheduler="tcp://127.0.0.1:9"))

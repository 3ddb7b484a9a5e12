"""The whole chain with known truth: one source at a time, and all of them."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.error_model import SOURCES
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.simulation.accuracy.chain import simulate_distances
from CRLMSegmentationLib.simulation.accuracy.settings import ChainSettings


@pytest.fixture(scope="module")
def whole():
    return simulate_distances(3)


def test_without_any_error_the_distances_are_exact():
    found = simulate_distances(3, sources=())
    np.testing.assert_allclose(found.found_mm, found.true_mm, atol=0.02)
    assert found.true_mm.min() > -0.1 and found.true_mm.max() > 20


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_alone_errs_and_says_so(source):
    found = simulate_distances(4, sources=(source,))
    assert np.abs(found.error_mm).max() > 1e-3 and (found.stated_mm > 0).all()
    # A third of the errors may be larger than the stated standard deviation; none is a multiple of it.
    assert np.sqrt((found.error_mm**2).mean()) < 3 * np.sqrt((found.stated_mm**2).mean())


def test_the_same_operation_has_the_same_truth_whatever_errs(whole):
    found = simulate_distances(3, sources=("outline",))
    np.testing.assert_allclose(found.true_mm, whole.true_mm)


def test_the_whole_chain_errs_more_than_its_largest_source(whole):
    outline = simulate_distances(3, sources=("outline",))
    assert whole.stated_mm.mean() > outline.stated_mm.mean()
    assert whole.is_within.mean() > 0.7 and whole.error_mm.std() > 0.1


def test_a_late_image_moves_the_tumor_along_the_sweep():
    """Half a second at more than 6 mm/s moves it by 3 mm and more, in either direction."""
    late = simulate_distances(5, ChainSettings(delay_s=0.5), ("time",))
    assert np.abs(late.error_mm).max() > 1.0


def test_the_command_says_median_and_budget(capsys, tmp_path):
    page = tmp_path / "accuracy.html"
    assert main(["accuracy", "--simulated", "--operations", "1", "--seed", "3", "--json", "-o", str(page)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert 0 < facts["median_mm"] < facts["p95_mm"] and set(facts["budget"]) == set(SOURCES)
    assert facts["distances"] == 24 and facts["simulated"] is True
    text = page.read_text(encoding="utf-8")
    assert "not clinical" in text and "data:image/png;base64," in text and f"{facts['median_mm']:.2f} mm" in text


@pytest.mark.parametrize(
    "options", [["--operations", "0"], ["--outline-mm", "-1"], ["--spacing", "9"], ["--seed", "-1"]]
)
def test_settings_that_make_no_sense_are_refused(options, capsys):
    assert main(["accuracy", "--simulated", *options]) == 1
    assert "must" in (told := capsys.readouterr().err) or "Give one operation" in told


def test_bad_settings_have_a_sentence():
    with pytest.raises(ConfigurationError, match="delay_s"):
        ChainSettings(delay_s=float("nan"))

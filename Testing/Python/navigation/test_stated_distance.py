"""A distance is never written without its error, and what is not known is said."""

from CRLMSegmentationLib.calibration.accuracy.budget import Budget
from CRLMSegmentationLib.navigation.stated_distance import distance_text, error_text, explanation, reason_text

KNOWN = Budget({"tracking": 0.55, "outline": 0.74}, {})
PARTLY = Budget({"outline": 0.6123}, {"stylus": "the stylus was not calibrated here"})


def test_number_and_error_stand_together():
    assert distance_text(7.46, KNOWN) == "7.5 mm ± 1.8" and error_text(KNOWN) == "± 1.8 mm"
    assert distance_text(-0.52, KNOWN) == "-0.5 mm ± 1.8"


def test_what_is_not_known_makes_it_at_least():
    assert distance_text(7.46, PARTLY) == "7.5 mm ± at least 1.2" and error_text(PARTLY) == "± at least 1.2 mm"
    assert reason_text(PARTLY) == "the stylus was not calibrated here" and reason_text(KNOWN) == ""


def test_without_any_budget_it_says_so():
    assert distance_text(7.46, None) == "7.5 mm, error unknown" and error_text(None) == "error unknown"
    assert explanation(None) == "Nothing is known of the error."


def test_at_least_nothing_is_not_taken_for_exact():
    """Of a tumor drawn by hand, touched by a stylus that was calibrated elsewhere, rounding alone is known."""
    little = Budget({"surface": 0.02}, {"outline": "drawn by hand", "stylus": "not calibrated here"})
    assert distance_text(8.7, little) == "8.7 mm, error unknown" and error_text(little) == "error unknown"
    assert reason_text(little) == "drawn by hand; not calibrated here"
    assert distance_text(8.7, Budget({"surface": 0.02}, {})) == "8.7 mm ± 0.0"


def test_many_reasons_are_counted():
    many = Budget({}, {"a": "one", "b": "two", "c": "three", "d": "one"})
    assert reason_text(many) == "one; two; and 1 more"


def test_the_explanation_names_every_source():
    told = explanation(KNOWN)
    assert "tracking 1.1" in told and "outline 1.5" in told and "Not known" not in told
    assert "Not known: the stylus was not calibrated here." in explanation(PARTLY)

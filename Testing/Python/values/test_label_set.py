"""What labels mean: read from and written to nnU-Net's dataset.json without loss, and compared with its own reading."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.values import Label, LabelSet

ENTRIES = [
    {"labels": {"background": 0, "tumor": 1}},
    {"labels": {"background": 0, "vessel": 2, "liver": 1, "tumor": 3}, "annotated": ["liver", "tumor"]},
    {"labels": {"background": 0, "tumor": 1, "ignore": 2}},
    {"labels": {"background": 0, "liver": [1, 2, 3], "lesion": [2, 3], "core": 3}, "regions_class_order": [1, 2, 3]},
    {
        "labels": {"background": 0, "liver": [1, 2], "tumor": 2, "ignore": 3},
        "regions_class_order": [1, 2],
        "annotated": ["tumor"],
    },
]


@pytest.mark.parametrize("entries", ENTRIES)
def test_entries_come_back_as_they_were(entries):
    labels = LabelSet.from_entries(entries)
    assert json.loads(json.dumps(labels.entries())) == entries
    assert list(labels.entries()["labels"]) == list(entries["labels"])
    assert LabelSet.from_entries(labels.entries()) == labels


@pytest.mark.parametrize("entries", ENTRIES)
def test_what_a_network_answers_is_what_nnunet_counts(entries):
    label_handling = pytest.importorskip("nnunetv2.utilities.label_handling.label_handling")
    theirs = label_handling.LabelManager(entries["labels"], entries.get("regions_class_order"))
    labels = LabelSet.from_entries(entries)
    assert labels.has_regions == theirs.has_regions and len(labels.heads) == theirs.num_segmentation_heads
    if labels.has_regions:
        assert [labels[name].value for name in labels.heads] == theirs.foreground_regions
    else:
        assert [labels[name].value for name in labels.heads] == theirs.all_labels
    assert {value for label in labels.foreground for value in label.voxel_values} == set(theirs.foreground_labels)


def test_heads_follow_the_values_and_regions_the_file():
    softmax, regions = LabelSet.from_entries(ENTRIES[1]), LabelSet.from_entries(ENTRIES[3])
    assert softmax.names == ("background", "vessel", "liver", "tumor")
    assert softmax.heads == ("background", "liver", "vessel", "tumor")
    assert softmax.foreground_heads == ("liver", "vessel", "tumor")
    assert regions.heads == regions.foreground_heads == ("liver", "lesion", "core")
    assert LabelSet.of_names("tumor") == LabelSet.from_entries(ENTRIES[0])


def test_regions_know_what_lies_in_them():
    labels = LabelSet.from_entries(ENTRIES[3])
    assert labels.parts_of("liver") == ("lesion", "core") and labels.parts_of("core") == ()
    assert "lesion" in labels and "kidney" not in labels


def test_absent_and_unknown_are_different():
    label_map = np.array([0, 1, 1, 3])
    labels = LabelSet.from_entries(ENTRIES[1])
    assert labels.mask(label_map, "liver").tolist() == [False, True, True, False]
    assert labels.mask(label_map, "tumor").tolist() == [False, False, False, True]
    assert labels.mask(label_map, "vessel") is None
    assert not labels.annotated_only(["vessel"]).mask(label_map, "vessel").any()
    regions = LabelSet.from_entries(ENTRIES[3])
    assert regions.mask(label_map, "liver").tolist() == [False, True, True, True]


def test_numbers_of_older_files_are_whole_numbers():
    assert LabelSet.from_entries({"labels": {"background": "0", "tumor": 1.0}}) == LabelSet.of_names("tumor")


@pytest.mark.parametrize(
    "entries, says",
    [
        ({}, "not a table"),
        ({"labels": ["background", "tumor"]}, "not a table"),
        ({"labels": {"background": 0, "tumor": 1.5}}, "not a table"),
        ({"labels": {"background": 0, "tumor": True}}, "not a table"),
        ({"labels": {"background": 0, "tumor": []}}, "not a table"),
        ({"labels": {"tumor": 1}}, "need a background"),
        ({"labels": {"background": 1, "tumor": 0}}, "need a background"),
        ({"labels": {"background": 0}}, "at least one"),
        ({"labels": {"background": 0, "tumor": -1}}, "above 0"),
        ({"labels": {"background": 0, "tumor": 2}}, "0, 1, 2 and so on"),
        ({"labels": {"background": 0, "tumor": 1, "cyst": 1}}, "0, 1, 2 and so on"),
        ({"labels": {"background": 0, "liver": [1, 2], "tumor": 2}}, "regions_class_order"),
        ({"labels": {"background": 0, "liver": [1, 2], "tumor": 2}, "regions_class_order": [1]}, "one value for each"),
        ({"labels": {"background": 0, "tumor": 1}, "annotated": ["liver"]}, "label that there is not: liver"),
    ],
)
def test_labels_that_make_no_sense_are_refused_in_a_sentence(entries, says):
    with pytest.raises(ModelError, match=says):
        LabelSet.from_entries(entries)


def test_a_name_stands_once_and_an_unknown_one_lists_the_others():
    twice = (Label("background", 0), Label("tumor", 1), Label("tumor", 2))
    with pytest.raises(ModelError, match="same name"):
        LabelSet(twice)
    with pytest.raises(ModelError, match="no label 'kidney': choose one of background, tumor"):
        LabelSet.of_names("tumor")["kidney"]
    with pytest.raises(ModelError, match="no label 'kidney'"):
        LabelSet.of_names("tumor").annotated_only(["kidney"])

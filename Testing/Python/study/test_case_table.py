"""The table of cases: what is read, what is refused, what is left out and why."""

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.study.cases.case_table import CaseRow, choose_cases, read_case_table, write_case_table

HEAD = "case,patient,split,sweep,volume,mask,echogenicity,contrast_db,iso_echoic\n"


def table(folder, *lines, head=HEAD):
    path = folder / "cases.csv"
    path.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_table_is_read_with_paths_beside_it_and_written_back(tmp_path):
    path = table(tmp_path, "one,p1,training,a.igs.mha,,t/a.nrrd,hypoechoic,-5.5,no",
                 "two,p2,test2,,b.nrrd,b.nii.gz,,,yes")  # fmt: skip
    first, second = read_case_table(path)
    assert first.sweep == str(tmp_path / "a.igs.mha") and first.mask == str(tmp_path / "t" / "a.nrrd")
    assert (first.contrast_db, first.iso_echoic, first.is_test) == (-5.5, False, False)
    assert second.is_test and second.iso_echoic and second.contrast_db is None
    assert read_case_table(write_case_table([first, second], tmp_path / "again" / "cases.csv")) == [first, second]


def test_columns_that_are_not_needed_may_be_missing(tmp_path):
    path = table(tmp_path, "one,p1,training,a.nrrd,m.nrrd", head="case,patient,split,volume,mask\n")
    assert read_case_table(path)[0].echogenicity == ""


def test_where_a_label_was_drawn_is_a_column(tmp_path):
    head = "case,patient,split,volume,mask,label_origin\n"
    rows = read_case_table(table(tmp_path, "a,p,training,v,m,MR", "b,q,test,v,m,", head=head))
    assert [row.label_origin for row in rows] == ["mr", "us"]
    assert [row.label_origin for row in read_case_table(write_case_table(rows, tmp_path / "n.csv"))] == ["mr", "us"]
    with pytest.raises(ConfigurationError, match="label_origin is 'pet'; use one of us, mr, ct"):
        read_case_table(table(tmp_path, "a,p,training,v,m,pet", head=head))


@pytest.mark.parametrize(
    "lines, reason",
    [
        (["a,p,training,s,,m,,,", "b,p,test,s,,m,,,"], "patient p in test and training"),
        (["a,p,training,s,,m,,,", "A,q,training,s,,m,,,"], "twice"),
        (["a,p,learning,s,,m,,,"], "line 2: the split is 'learning'"),
        (["a,p,training,s,v,m,,,"], "either a sweep or a volume"),
        (["a,p,training,,,m,,,"], "either a sweep or a volume"),
        (["a b,p,training,s,,m,,,"], "letters, digits"),
        (["a,,training,s,,m,,,"], "a patient"),
        (["a,p,training,s,,m,,x,"], "contrast_db is 'x'"),
        (["a,p,training,s,,m,,,maybe"], "iso_echoic is 'maybe'"),
        ([], "no case"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_reason(tmp_path, lines, reason):
    with pytest.raises(ConfigurationError, match=reason):
        read_case_table(table(tmp_path, *lines))


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_case_table(tmp_path / "none.csv")


def test_cases_are_left_out_for_a_reason(tmp_path):
    there = tmp_path / "there.nrrd"
    there.write_text("")
    rows = [
        CaseRow("used", "a", "training", volume=str(there), mask=str(there)),
        CaseRow("gone", "b", "training", volume=str(tmp_path / "gone.nrrd"), mask=str(there)),
        CaseRow("iso", "c", "test", volume=str(there), mask=str(there), iso_echoic=True),
        CaseRow("empty", "d", "test", volume=str(there)),
        CaseRow("phantom", "e", "training", volume=str(there)),
    ]
    used, left_out = choose_cases(rows)
    assert [row.case for row in used] == ["used", "phantom"]
    reasons = {one.case: one.reason for one in left_out}
    assert "gone.nrrd is missing" in reasons["gone"]
    assert reasons["iso"] == "the lesion is iso-echoic"
    assert "no true mask" in reasons["empty"]
    assert "iso" in {row.case for row in choose_cases(rows, with_iso_echoic=True)[0]}

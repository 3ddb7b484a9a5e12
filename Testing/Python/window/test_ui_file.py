"""The .ui file and the code agree, and the window keeps to its rules: large buttons, labels, tooltips."""

import re

import pytest
from window_files import (
    WINDOW,
    bound_widgets,
    buttons_of_actions,
    labels_of_buttons,
    names_used,
    parameter_fields,
    property_of,
    rows_of_buttons,
    sources,
    widgets,
)

LARGE_PX = 40
# Of a button beside its text, between buttons, and around them in a section; of letters of DejaVu Sans at 16 pixels.
BUTTON_PX, BETWEEN_PX, AROUND_PX = 23, 6, 14
LETTERS_PX = {**dict.fromkeys("ijl.,:' I", 5.0), **dict.fromkeys("rtf-()", 6.6), **dict.fromkeys("mwMW", 15.0)}
# Which widgets Slicer's parameterNodeWrapper binds to which type of field (and the window to paths as text).
BOUND = {
    "QLineEdit": r"str",
    "ctkPathLineEdit": r"str",
    "QSpinBox": r"Annotated\[int, WithinRange\(.*\)\]",
    "QDoubleSpinBox": r"Annotated\[float, WithinRange\(.*\)\]",
    "ctkSliderWidget": r"Annotated\[float, WithinRange\(.*\)\]",
    "QCheckBox": r"bool",
    "QComboBox": r"Device",
    "ctkDirectoryButton": r"Annotated\[Path, Default\(.*\)\]",
    "qMRMLNodeComboBox": r"slicer\.vtkMRML\w+Node",
}


def test_every_parameter_has_a_widget_and_the_reverse():
    assert set(bound_widgets()) == set(parameter_fields())


def test_every_parameter_is_bound_to_a_widget_of_its_type():
    fields = parameter_fields()
    for name, widget in bound_widgets().items():
        assert re.fullmatch(BOUND[widget.get("class")], fields[name]), (name, widget.get("class"), fields[name])


def test_widgets_and_parameters_have_the_same_range():
    fields = parameter_fields()
    for name, widget in bound_widgets().items():
        if "WithinRange" not in fields[name]:
            continue
        low, high = (float(number) for number in re.search(r"WithinRange\((.+), (.+)\)", fields[name]).groups())
        assert (float(property_of(widget, "minimum")), float(property_of(widget, "maximum"))) == (low, high), name


def test_every_widget_that_the_code_names_is_in_the_file():
    missing = {name: files for name, files in names_used(r"\bui\.([a-z]\w*)").items() if name not in widgets()}
    assert not missing


def test_every_widget_that_does_something_is_named_in_the_code():
    """A button that nothing is connected to, or a text that nothing fills, would be a promise that is not kept."""
    used = set(names_used(r"\bui\.([a-z]\w*)"))
    bound = {widget.get("name") for widget in bound_widgets().values()}
    for name, widget in widgets().items():
        if widget.get("class") in ("QPushButton", "QProgressBar", "QComboBox", "QCheckBox", "ctkSliderWidget"):
            assert name in used | bound, name


def test_every_parameter_is_used():
    used = set(names_used(r"parameters\.(\w+)")) | set(names_used(r'"(\w+)"'))
    assert set(parameter_fields()) <= used


@pytest.mark.parametrize("name", [name for name, widget in widgets().items() if widget.get("class") == "QPushButton"])
def test_buttons_are_large_enough_and_explained(name):
    button = widgets()[name]
    [height] = [size.findtext("height") for size in button.iter("size")]
    assert int(height) >= LARGE_PX
    texts = [property_of(button, "toolTip"), property_of(button, "text")]
    # What a button of an action says stands with the action, and nowhere else.
    assert texts == [None, None] if name in buttons_of_actions() else all(texts)


def test_buttons_side_by_side_fit_the_panel_at_its_least_width():
    """In the widest of the usual fonts; a longer text would be cut at both ends."""
    least_px = int(property_of(widgets()["CRLMSegmentation"], "minimumSize").split()[0])
    labels, rows = labels_of_buttons(), rows_of_buttons()
    assert len(rows) > 10
    for row in rows:
        texts = [max([*labels.get(name, ()), property_of(widgets()[name], "text") or ""], key=len) for name in row]
        letters_px = sum(LETTERS_PX.get(letter, 10.0) for text in texts for letter in text)
        width_px = letters_px + BUTTON_PX * len(row) + BETWEEN_PX * (len(row) - 1)
        assert width_px <= least_px - AROUND_PX, texts


def test_what_is_set_is_explained():
    for name, widget in bound_widgets().items():
        assert property_of(widget, "toolTip"), name


def test_each_step_shows_one_large_button_and_hides_the_rest_under_advanced():
    for step in ("connect", "record", "box", "segment", "navigate", "case"):
        section = widgets()[f"{step}Section"]
        [advanced] = [entry for entry in section.iter("widget") if entry.get("name") == f"{step}Advanced"]
        assert property_of(advanced, "collapsed") == "true"
        hidden = {entry.get("name") for entry in advanced.iter("widget")}
        settable = {entry.get("name") for entry in section.iter("widget") if entry in bound_widgets().values()}
        assert settable <= hidden
        heights = [
            int(entry.find("property[@name='minimumSize']/size/height").text)
            for entry in section.iter("widget")
            if entry.get("class") == "QPushButton" and entry.get("name") not in hidden
        ]
        assert heights.count(max(heights)) == (3 if step == "case" else 1)


def test_no_visible_text_escapes_translation():
    """Texts are given to widgets through tr(), never as they stand."""
    for path in sources():
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r'\.(?:text|toolTip|title|windowTitle) = f?"', text), path
        assert not re.findall(r'style\.write\([^,]+, f?"[A-Za-z]', text), path


def test_all_files_of_the_window_are_small():
    for path in WINDOW.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 320, path

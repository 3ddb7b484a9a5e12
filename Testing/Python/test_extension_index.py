"""What goes to the index of Slicer's extensions: the entry says what CMake says, and its page what is there."""

import json
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "docs" / "extension-index"
PLACES = ("", "CRLMSegmentation/", "docs/extension-index/")
# The index takes clones of 100 MB, history and files together; the history of one commit is smaller than its files.
MOST_MB = 48


def cmake() -> str:
    return (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")


def test_the_entry_says_what_cmake_says():
    text = (FOLDER / "CRLMNavigation.json").read_bytes()
    entry = json.loads(text)
    said = dict(re.findall(r'set\(EXTENSION_(\w+) "([^"]*)"\)', cmake()))
    assert b"\r" not in text
    assert entry["category"] == said["CATEGORY"] == "IGT"
    assert entry["build_dependencies"] == said["DEPENDS"].split()
    assert re.fullmatch(r"https://\S+/slicer-extension-catalog-entry-schema-v1\.0\.\d\.json#", entry["$schema"])
    assert entry["tier"] in (1, 3, 5)
    # With one the index clones the whole history, which is larger than it takes.
    assert "scm_revision" not in entry
    assert re.search(r"project\((\w+)\)", cmake()).group(1) == "CRLMNavigation"


def test_what_the_page_names_is_there():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`([\w./-]+)`", text) if "/" in name or name.endswith((".md", ".txt"))}
    # The index's own script, and the head of an address.
    named = {name for name in named if not name.startswith("scripts/")}
    assert len(named) > 8
    missing = {name for name in named if not any((REPOSITORY / place / name).exists() for place in PLACES)}
    assert not missing
    images = {name for name in named if name.endswith(".png")}
    assert all((REPOSITORY / name).read_bytes().startswith(b"\x89PNG") for name in images) and len(images) > 2
    sample = (REPOSITORY / "CRLMSegmentation/CRLMSegmentationWindow/sample.py").read_text(encoding="utf-8")
    assert f"registers *{re.search('NAME = .(.*).$', sample, re.MULTILINE).group(1)}*" in text


def test_the_files_leave_room_for_a_clone():
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git here, or no clone")
    paths = [REPOSITORY / name for name in listed.decode("utf-8").split("\0") if name]
    size = sum(path.stat().st_size for path in paths if path.is_file())
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"holds the files to {MOST_MB} " in text
    assert size < MOST_MB * 2**20, f"{size / 2**20:.1f} MB"

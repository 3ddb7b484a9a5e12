"""The button that installs packages: what is missing, what is held, and what is said when it does not work."""

import importlib.metadata
import subprocess
import sys

import pytest
from window_files import MODULE

REQUIREMENTS = MODULE / "Resources" / "requirements.txt"


@pytest.fixture
def packages(window_module):
    pytest.importorskip("packaging", reason="packaging is not installed")
    return window_module("packages")


def test_what_is_required_is_pinned_or_has_a_least_version(packages):
    requirements = packages.requirements(REQUIREMENTS)
    assert requirements and all("==" in text or ">=" in text for text in requirements)
    names = {text.split("=")[0].split(">")[0].lower() for text in requirements}
    assert not names & {name.lower() for name in packages.KEPT}, "what Slicer brings is not asked for"


def test_a_version_is_met_or_not(packages):
    version = importlib.metadata.version("numpy")
    assert packages.is_met("numpy") and packages.is_met(f"numpy=={version}") and packages.is_met("numpy>=1")
    assert not packages.is_met("numpy>=99") and not packages.is_met("no-such-package-as-this")
    assert packages.is_met('numpy>=99; python_version < "3"'), "of no concern here"


def test_what_slicer_is_built_on_is_held_at_what_is_there(packages):
    held = dict(line.split("==") for line in packages.constraints())
    for name in ("numpy", "scipy", "SimpleITK", "requests", "torch"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            assert name not in held
        else:
            assert held[name] == version.split("+")[0]


def test_an_old_python_is_told_of_in_one_sentence(packages, monkeypatch):
    assert packages.python_is_too_old() == ""
    monkeypatch.setattr(packages.sys, "version_info", (3, 9, 10))
    assert "Slicer 5.8.1 with Python 3.9" in packages.python_is_too_old()
    assert "Slicer 5.10" in packages.python_is_too_old()


def test_every_package_is_installed_under_constraints_and_progress_is_told(packages, monkeypatch, tmp_path):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("first-package>=1  # for a reason\n\nsecond-package==2\n")
    installed, held, reported = [], [], []
    monkeypatch.setattr(packages, "is_met", lambda text: text == packages.TORCH or text in installed)

    def install(requirement, constraints):
        held.append(constraints.read_text(encoding="utf-8"))
        installed.append(requirement)

    monkeypatch.setattr(packages, "_install", install)
    assert packages.Installer(wanted, lambda *progress: reported.append(progress)).run() == ""
    assert installed == ["first-package>=1", "second-package==2"]
    assert all("numpy==" in text for text in held)
    fractions = [fraction for fraction, _ in reported]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and "first-package" in reported[0][1]


@pytest.mark.parametrize("online", [True, False])
def test_a_failure_is_one_plain_sentence_and_nothing_else_is_tried(packages, monkeypatch, tmp_path, online):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("first-package>=1\nsecond-package==2\n")
    tried = []

    def fail(requirement, constraints):
        tried.append(requirement)
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(packages, "is_met", lambda text: text == packages.TORCH)
    monkeypatch.setattr(packages, "_install", fail)
    monkeypatch.setattr(packages, "_index_answers", lambda: online)
    sentence = packages.Installer(wanted, lambda *progress: None).run()
    assert tried == ["first-package>=1"] and "first-package" in sentence
    assert ("Internet" in sentence) is not online


def test_pip_gets_the_constraints_on_a_slicer_without_packaging_helpers(packages, monkeypatch, tmp_path):
    calls = []
    slicer = sys.modules["slicer"]
    slicer.modules = object()
    slicer.util = type("util", (), {"pip_install": staticmethod(calls.append)})
    packages._install("some-package==1", tmp_path / "held.txt")
    assert calls == [["some-package==1", "-c", str(tmp_path / "held.txt")]]

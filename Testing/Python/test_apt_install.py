"""Packages that `make` needs: another program that is installing is waited for, and never a reason to skip tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "apt-install"
LOCKED = {
    "update": "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)",
    "install": "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)",
}
pytestmark = pytest.mark.skipif(os.name == "nt", reason="apt is Debian's")


@pytest.fixture
def install(tmp_path):
    """install(update=[...], install=[...]) -> (exit status, what was said, calls): what apt-get answers, call by call
    ('' for done), the last one for ever; no time passes.
    """
    programs = tmp_path / "programs"
    programs.mkdir()

    def program(name: str, text: str) -> None:
        (programs / name).write_text(f"#!{sys.executable}\n{text}")
        (programs / name).chmod(0o755)

    def run(**answers):
        program("id", "print(0)")
        program("sleep", "")
        program(
            "apt-get",
            (
                "import sys\nfrom pathlib import Path\n"
                f"answers, log = {answers!r}, Path({str(tmp_path / 'log')!r})\n"
                "step = next(word for word in sys.argv if word in answers)\n"
                "before = log.read_text().split() if log.exists() else []\n"
                "log.write_text(' '.join([*before, step]))\n"
                "said = answers[step][min(before.count(step), len(answers[step]) - 1)]\n"
                "sys.exit(said or 0)\n"
            ),
        )
        done = subprocess.run(
            [SCRIPT, "There is no browser", "chromium"],
            capture_output=True,
            encoding="utf-8",
            env={"PATH": f"{programs}:/usr/bin:/bin", "APT_TRIES": "5"},
        )
        return done.returncode, done.stdout + done.stderr, (tmp_path / "log").read_text(encoding="utf-8").split()

    return run


def test_apt_is_waited_for_at_either_lock(install):
    status, said, calls = install(update=[LOCKED["update"]] * 2 + [""], install=[LOCKED["install"], ""])
    assert status == 0 and calls == ["update"] * 3 + ["install"] * 2
    assert said.count("Waiting") == 1


def test_a_lock_that_is_never_given_up_is_told_apart_from_what_cannot_be_installed(install):
    status, said, calls = install(update=[""], install=[LOCKED["install"]])
    assert status == 75 and "run make again" in said and calls == ["update"] + ["install"] * 5
    assert "no browser" not in said


def test_what_cannot_be_installed_is_told_at_once(install):
    status, said, calls = install(
        update=["E: Failed to fetch http://deb.debian.org"], install=["E: Unable to locate it"]
    )
    assert (
        status == 0 and "There is no browser" in said and "Unable to locate" in said and calls == ["update", "install"]
    )

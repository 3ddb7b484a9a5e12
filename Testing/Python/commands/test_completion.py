"""What bash offers at the press of Tab, once `crlm --install-completion` was run."""

import shutil
import subprocess

import pytest
from CRLMSegmentationLib.cli import _COMMANDS, main

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash: its completion was not tested")


@pytest.fixture
def offered(tmp_path, monkeypatch, capsys):
    """Gives what is offered for a line that ends in an unfinished word."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert main(["--install-completion"]) == 0
    script = tmp_path / "bash-completion" / "completions" / "crlm"
    assert str(script) in capsys.readouterr().out

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        code = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _crlm; echo "${COMPREPLY[@]}"'
        done = subprocess.run(
            ["bash", "-c", code, str(script), *words], capture_output=True, encoding="utf-8", check=True
        )
        assert done.stderr == ""
        return done.stdout.split()

    return ask


def test_commands_steps_and_options_are_offered(offered):
    assert offered("crlm seg") == ["segment"]
    assert set(_COMMANDS) <= set(offered("crlm "))
    assert offered("crlm calibrate sty") == ["stylus"]
    assert offered("crlm segment volume.nrrd --box") == ["--box", "--box-from-mask", "--box-label"]
    assert "--validation" in offered("crlm calibrate probe --val")
    # A file's name is bash's own affair.
    assert offered("crlm segment vol") == [] == offered("crlm segment ")


def test_a_file_of_somebody_else_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    script = tmp_path / "bash-completion" / "completions" / "crlm"
    script.parent.mkdir(parents=True)
    script.write_text("complete -W mine crlm\n")
    assert main(["--install-completion"]) == 1 and "not ours" in capsys.readouterr().err
    assert script.read_text() == "complete -W mine crlm\n"
    script.unlink()
    assert main(["--install-completion"]) == main(["--install-completion"]) == 0

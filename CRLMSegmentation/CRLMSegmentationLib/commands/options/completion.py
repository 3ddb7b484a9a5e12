"""Completion of `crlm` in bash: its commands, their steps and their options at the press of Tab."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ...errors import ConfigurationError

_FIRST_LINE = "# Completion of crlm for bash, written by crlm --install-completion"
# Words that name a command or a step lead on; what does not begin with a dash is else the name of a file.
_SCRIPT = """{first_line}
_crlm() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path="" words="" next i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="${{path:+$path }}${{COMP_WORDS[i]}}"
    case "$next" in
      {paths}) path="$next" ;;
    esac
  done
  case "$path" in
{cases}
  esac
  COMPREPLY=()
  for next in $words; do
    if [[ "$next" == "$current"* && ("$next" != -* || "$current" == -*) ]]; then COMPREPLY+=("$next"); fi
  done
}}
complete -o default -F _crlm crlm
"""


def completion_script(parser: argparse.ArgumentParser) -> str:
    """For bash, of all that `parser` knows."""
    words = _words_of(parser, "")
    paths = "|".join(f'"{path}"' for path in words if path)
    cases = "\n".join(f'    "{path}") words="{" ".join(those)}" ;;' for path, those in words.items())
    return _SCRIPT.format(first_line=_FIRST_LINE, paths=paths, cases=cases)


def install_completion(parser: argparse.ArgumentParser) -> Path:
    """Write the script where bash looks for it; returns the path. Raises ConfigurationError for a file of others."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    path = Path(data) / "bash-completion" / "completions" / "crlm"
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_FIRST_LINE):
        raise ConfigurationError(f"{path} is already there and is not ours; move it away first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(completion_script(parser), encoding="utf-8", newline="\n")
    return path


def _words_of(parser: argparse.ArgumentParser, path: str) -> dict[str, list[str]]:
    """What may follow each command or step: its steps and its options, by the words that lead there."""
    steps: dict[str, argparse.ArgumentParser] = {}
    options: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            steps.update(action.choices)
        elif action.help != argparse.SUPPRESS:
            options += [option for option in action.option_strings if option.startswith("--")]
    words = {path: [*steps, *options]}
    for name, step in steps.items():
        words.update(_words_of(step, f"{path} {name}".strip()))
    return words

"""Pages of the reference that are written at build time: the help of every command, and a page for each room."""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module
from pathlib import Path

PACKAGE = "CRLMSegmentationLib"
# From the ground up, as docs/architecture.md has them.
ROOMS = (
    "words", "errors", "geometry", "values", "files", "sweep", "tracking", "calibration", "reconstruction", "inference",
    "segmentation", "preoperative", "live", "laparoscopy", "navigation", "session", "mrml", "pictures", "simulation",
    "study",
)  # fmt: skip
# What is compiled has no docstring to show, and what needs nnU-Net's trainer is imported by its own process.
LEFT_OUT = ("kernels", "nnunet_trainers")


def modules_of(room: str) -> list[str]:
    """The modules of a room that are public, by their full names."""
    package = import_module(f"{PACKAGE}.{room}")
    if not hasattr(package, "__path__"):
        return [package.__name__]
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [one.name for one in found if not one.ispkg and not {*LEFT_OUT} & set(one.name.split("."))
            and not one.name.rsplit(".", 1)[-1].startswith("_")]  # fmt: skip


def room_page(room: str) -> str:
    """Markdown: what the room is for, and the public members of its modules."""
    package = import_module(f"{PACKAGE}.{room}")
    lines = [f"# {room}", "", (package.__doc__ or "").strip(), ""]
    for name in modules_of(room):
        short = name.removeprefix(f"{PACKAGE}.")
        if short != room:
            lines += [f"## {short}", ""]
        lines += ["```{eval-rst}", f".. automodule:: {name}", "```", ""]
    return "\n".join(lines)


def commands_page() -> str:
    """Markdown: `crlm --help`, and that of every command."""
    from CRLMSegmentationLib.cli import build_parser

    os.environ["COLUMNS"] = "90"
    parser = build_parser()
    choices = next(action for action in parser._actions if action.dest == "command").choices
    lines = ["# Commands", "", "What `crlm --help` and `crlm COMMAND --help` say.", ""]
    lines += ["```text", parser.format_help().strip(), "```", ""]
    for name, command in choices.items():
        lines += [f"## crlm {name}", "", "```text", command.format_help().strip(), "```", ""]
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write_pages(app) -> None:
    """All generated pages, into reference/generated/; a page that has not changed is left as it is."""
    folder = Path(app.srcdir) / "reference" / "generated"
    _write(folder / "commands.md", commands_page())
    for room in ROOMS:
        _write(folder / f"{room}.md", room_page(room))


def setup(app) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}

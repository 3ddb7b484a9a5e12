"""The `crlm` command: every step of the chain on standard files."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from . import __version__
from .commands.options.printing import printing
from .commands.options.several_values import gathered
from .errors import CRLMError

# Name, which is that of its module in commands/, and one line of help, in the order in which a case needs them. A
# module is imported only when its command is used.
_COMMANDS = {
    "record": "receive a tracked sweep over OpenIGTLink into a file",
    "stream": "watch what an OpenIGTLink server sends",
    "command": "have PLUS carry out one of its commands, such as StartRecording",
    "calibrate": "find the tip of a stylus, the place of the image on its probe, and the delay of the images",
    "accuracy": "how far a distance from a tip to the tumor may be off, and what each source of error adds",
    "timing": "find the delay between the images and the poses of a recording",
    "repair": "turn an interrupted recording into a standard sequence file",
    "convert": "write a recording in the other format, with one way between any two frames, as PLUS takes it",
    "info": "what is in a recording, volume, box, surface or model",
    "reconstruct": "make a volume of a sweep",
    "segment": "find the tumor in a box of a volume",
    "live": "outline the tumor in every frame of a recording or a stream, and propose the box",
    "compare": "measure a mask against the truth",
    "difference": "compare two reconstructions of one sweep, voxel by voxel",
    "scope": "the liver through a laparoscope: its camera, landmarks in its picture, and the model over it",
    "demo": "run the whole chain and show what came out",
    "web": "serve the navigation as a page in the browser",
    "simulate": "make a simulated sweep with its true tumor",
    "replay": "serve a recording over OpenIGTLink, as PLUS would",
    "preop": "liver, vessels and tumors of a CT: find, measure, follow over time, register, export",
    "import-model": "take over a result folder of nnU-Net v2 as a model",
    "quantise": "choose the layers of a model that are computed in 8 bits on a processor",
    "study": "simulate, build, train, calibrate, evaluate and report a whole study",
}

_COMPLETION = "--install-completion"


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser; with `only` just that command's arguments are filled in, which keeps start-up quick."""
    parser = argparse.ArgumentParser(
        prog="crlm",
        description="Intraoperative ultrasound navigation of colorectal liver metastases, step by step. "
        "For research; not a medical device.",
        epilog="crlm COMMAND --help shows all options of a command, with examples.",
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"crlm {__version__}")
    parser.add_argument(_COMPLETION, action="store_true", help="have bash complete commands and options at Tab")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:] + ".", formatter_class=_Formatter
        )
        if only in (None, name):
            module = import_module(f".commands.{name.replace('-', '_')}", __package__)
            module.add_arguments(command)
            _add_printing_options(command, getattr(module, "JSON", ""))
            _show_examples(command, module.EXAMPLES)
            command.set_defaults(run=module.run)
    return parser


def _steps(command: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    actions = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    return [step for action in actions for step in action.choices.values()]


def _show_examples(command: argparse.ArgumentParser, examples: tuple[str, ...]) -> None:
    """All of them below the command's help, and below that of each of its steps those of the step."""
    for parser in [command, *_steps(command)]:
        shown = [example for example in examples if f"{example} ".startswith(f"{parser.prog} ")]
        parser.epilog = "\n  ".join(["examples:", *shown])


def _add_printing_options(command: argparse.ArgumentParser, json_help: str) -> None:
    """--json and --quiet for a command, and for each step of it where it has steps: behind either name they count."""
    for parser in [command, *_steps(command)]:
        default = False if parser is command else argparse.SUPPRESS
        if json_help:
            parser.add_argument("--json", action="store_true", default=default, help=json_help)
        parser.add_argument("--quiet", action="store_true", default=default, help="print nothing but doubts and faults")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions and examples as they are written, with room for the names of the options."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 a sentence was printed, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    only = next((word for word in arguments if not word.startswith("-")), "")
    # A name that the terminal's code page lacks is no reason to stop: '\xe9' instead.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    name = f"crlm {only}".strip()
    try:
        if arguments == [_COMPLETION]:
            return _install_completion() or _printed(name)
        parsed = build_parser(only).parse_args(gathered(arguments))
        with printing(getattr(parsed, "json", False), parsed.quiet):
            status = parsed.run(parsed) or 0
        return _printed(name) or status
    except CRLMError as error:
        return _failed(f"{name}: {error}")
    except KeyboardInterrupt:
        return _failed(f"{name}: interrupted", 130)
    except BrokenPipeError:
        return _printed(name) or 1
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        return _printed(name) or _failed(f"{name}: it could not be finished: {error.strerror or error}{place}.")
    except UnicodeError as error:
        return _failed(f"{name}: a name or a text cannot be read or written in this system's encoding ({error}).")
    except MemoryError:
        return _failed(f"{name}: there is not enough memory; close other programs, or ask for less.")


def _install_completion() -> int:
    from .commands.options.completion import install_completion

    path = install_completion(build_parser())
    print(f"{path}: written; a new shell completes crlm where the package bash-completion is installed")
    return 0


def _failed(sentence: str, status: int = 1) -> int:
    try:
        print(sentence, file=sys.stderr)
    except OSError:
        pass  # there is nowhere to report it
    return status


def _printed(name: str) -> int:
    """0 when everything that was printed has got where it goes, else 1 and a sentence.

    This is checked here: at the end of the process Python itself would print a traceback.
    """
    try:
        sys.stdout.flush()
        return 0
    except OSError as error:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (OSError, ValueError):
            pass  # not a real file
        if isinstance(error, BrokenPipeError):
            return 1  # whoever read it has gone (`| head`); there is nobody to report to
        return _failed(f"{name}: what it prints cannot be written ({error.strerror}).")


if __name__ == "__main__":
    sys.exit(main())

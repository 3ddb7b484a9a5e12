"""What a graphics card has to show, in one command on a machine where there is one: correct, fast, trained.

    python Testing/GPU/campaign.py --minutes 9 --output DIR

Every part is a process of its own with its own limit of time. After each of them campaign.json and campaign.log in DIR
are written anew, so that a cut loses nothing; a part that fails leaves its traceback there, and the next one begins.
What training leaves lies beside them. Nothing but Python, torch and the wheels of `make gpu-wheels` is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = [str(HERE), str(HERE.parents[1] / "CRLMSegmentation")]
sys.path[:0] = OURS

from inert_modules import write_stand_ins  # noqa: E402
from machine_facts import describe_machine  # noqa: E402
from parts import PARTS, Part, chosen_parts  # noqa: E402

# Of a part whose process was killed, or that could not begin.
STOPPED, NO_TIME = "stopped at its limit", "no time was left"
# A part that has less than this does not begin: torch alone takes some of it.
LEAST_S = 12.0


def main(arguments: Sequence[str] | None = None, parts: Sequence[Part] = PARTS) -> int:
    """0 when every part that was asked for is done and every check holds, else 1."""
    options = _options(arguments, parts)
    output, ends = Path(options.output).resolve(), time.monotonic() + 60 * options.minutes
    output.mkdir(parents=True, exist_ok=True)
    work = _work_folder(options, output)
    report = Report(output, options.resume)
    names = write_stand_ins(work / "stand-ins", options.without)
    report.put("machine", {**describe_machine(options.device), "stand-ins for": names})
    report.put("options", {"device": options.device, "minutes": options.minutes, "quick": options.quick})
    wanted = chosen_parts(parts, options.only)
    waiting = [part for part in wanted if not (options.resume and report.is_done(part))]
    for number, part in enumerate(waiting):
        limit_s = _limit_s(waiting[number:], ends - time.monotonic(), options.quick)
        if limit_s < LEAST_S:
            report.add(part, {"status": NO_TIME})
            continue
        report.add(part, run_part(part, limit_s, options, work, output))
    return report.finish(wanted)


def run_part(part: Part, limit_s: float, options: argparse.Namespace, work: Path, output: Path) -> Mapping[str, object]:
    """Run it in a process of its own, which is killed with its children at `limit_s`; what it found, with `status`,
    `seconds` and, in `log`, all that it printed.
    """
    found, log = work / f"{part.name}.json", work / f"{part.name}.log"
    if not options.resume:
        found.unlink(missing_ok=True)
    environment = {
        **os.environ,
        # Stand-ins first: they are written only for what is not there.
        "PYTHONPATH": os.pathsep.join([str(work / "stand-ins"), *OURS, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, str(HERE / "run_part.py"), part.module, part.argument, str(found), "--device",
               options.device, "--seconds", f"{limit_s:.0f}", "--work", str(work), "--output", str(output),
               "--pictures", str(Path(options.pictures).resolve())]  # fmt: skip
    print(f"{part.name}: at most {limit_s:.0f} s", flush=True)
    started = time.monotonic()
    with open(log, "w", encoding="utf-8") as printed:
        process = subprocess.Popen(
            [*command, *(["--quick"] if options.quick else [])],
            stdout=printed,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    known = json.loads(found.read_text(encoding="utf-8")) if found.is_file() else {}
    status = "done" if code == 0 else STOPPED if code is None else f"failed (exit code {code})"
    return {
        **known,
        "status": status,
        "seconds": round(time.monotonic() - started, 2),
        "log": log.read_text(encoding="utf-8", errors="replace"),
    }


class Report:
    """campaign.json and campaign.log in `output`, written anew, each in one piece, after every change."""

    def __init__(self, output: Path, goes_on: bool):
        self._json, self._log = output / "campaign.json", output / "campaign.log"
        before = json.loads(self._json.read_text(encoding="utf-8")) if goes_on and self._json.is_file() else {}
        self._content: dict[str, dict[str, object]] = {"machine": {}, "options": {}, "parts": before.get("parts", {})}

    def is_done(self, part: Part) -> bool:
        known = self._content["parts"].get(part.name)
        return isinstance(known, dict) and known["status"] == "done" and not failed_checks(known)

    def put(self, name: str, content: dict[str, object]) -> None:
        self._content = {**self._content, name: content}
        self._write()
        print(json.dumps({name: content}, indent=1), flush=True)

    def add(self, part: Part, found: Mapping[str, object]) -> None:
        self._content["parts"][part.name] = dict(found)
        self._write()
        print(f"{part.name}: {found['status']}, {found.get('seconds', 0)} s", flush=True)
        if found["status"] not in ("done", NO_TIME):
            print(str(found.get("log", ""))[-3000:], flush=True)
        for check in failed_checks(found):
            print(f"{part.name}: DOES NOT HOLD: {check}", flush=True)

    def finish(self, wanted: Sequence[Part]) -> int:
        missing = [part.name for part in wanted if not self.is_done(part)]
        print(f"{self._json}: {len(wanted) - len(missing)} of {len(wanted)} parts are done and hold", flush=True)
        return int(bool(missing))

    def _write(self) -> None:
        parts = self._content["parts"]
        without_logs = {name: {k: v for k, v in part.items() if k != "log"} for name, part in parts.items()}
        _in_one_piece(self._json, json.dumps({**self._content, "parts": without_logs}, indent=1) + "\n")
        texts = [f"===== {name}: {part['status']}\n{part.get('log', '')}\n" for name, part in parts.items()]
        _in_one_piece(self._log, "".join(texts))


def failed_checks(found: Mapping[str, object]) -> list[str]:
    """Those of a part's checks that do not hold, with what was found."""
    checks = found.get("checks", {})
    assert isinstance(checks, dict)
    return [f"{name}: {json.dumps(one)}" for name, one in checks.items() if not one["holds"]]


def _limit_s(waiting: Sequence[Part], left_s: float, is_quick: bool) -> float:
    """The first one's own limit, or its share of what is left where that is less, by the weights of those that wait."""
    share = left_s * waiting[0].weight / sum(part.weight for part in waiting)
    if is_quick:  # a busy processor takes what it takes
        return left_s
    return min(left_s, max(share, waiting[0].least_s))


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group: workers and augmentation processes go with it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass  # it has ended with all its children
    process.wait()


def _in_one_piece(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _work_folder(options: argparse.Namespace, output: Path) -> Path:
    """The same for the same output, so that --resume finds what was simulated and trained; else an empty one, so that
    no network or study of an earlier code is measured as this one's.
    """
    name = f"crlm-campaign-{hashlib.sha256(str(output).encode()).hexdigest()[:12]}"
    work = Path(options.work or Path(tempfile.gettempdir()) / name)
    if not options.resume and work.is_dir() and any(work.iterdir()):
        if options.work:
            raise SystemExit(f"{work} is not empty; --resume goes on in it.")
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    return work


def _options(arguments: Sequence[str] | None, parts: Sequence[Part]) -> argparse.Namespace:
    groups = sorted({part.name.split("-")[0] for part in parts})
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0, help="for all of it (default 9)")
    parser.add_argument("--output", default="gpu-campaign", metavar="DIR",
                        help="campaign.json, campaign.log, trained weights (default gpu-campaign)")  # fmt: skip
    parser.add_argument("--pictures", default=str(HERE / "wheels" / "landmarks.npz"), metavar="FILE",
                        help="what carried_pictures.py made (default: what lies beside the wheels)")  # fmt: skip
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="default cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: to see that everything runs")
    parser.add_argument("--only", nargs="+", metavar="PART", default=[],
                        help=f"{', '.join(groups)}, or one of {', '.join(part.name for part in parts)}")  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on in DIR; what is done and holds is not done again")
    parser.add_argument("--work", metavar="DIR", help="for what is made on the way (default: a temporary folder)")
    parser.add_argument("--without", nargs="+", metavar="MODULE", default=[],
                        help="as if these were not installed, to try a bare machine on another one")  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""What a part of the campaign finds, on disk after every figure."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Record:
    """A part's figures and checks, written to `path` whenever there is a new one.

    device    'cuda' or 'cpu'
    quick     tiny sizes
    seconds   until the part is killed, from when it began
    work      for files, kept between the parts
    output    for what is to be kept
    pictures  what carried_pictures.py made
    """

    path: Path
    device: str
    quick: bool
    seconds: float
    work: Path
    output: Path
    pictures: Path
    figures: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def seconds_left(self) -> float:
        return self.started + self.seconds - time.monotonic()

    def figure(self, name: str, value: Any) -> None:
        """Something measured; plain values, or tables of such."""
        self.figures[name] = value
        self._write(f"{name}: {json.dumps(value)}")

    def check(self, name: str, holds: Any, **found: Any) -> None:
        """Something that must hold, with what was found."""
        self.checks[name] = {"holds": bool(holds), **found}
        self._write(f"{'holds' if holds else 'DOES NOT HOLD'}: {name} {json.dumps(found)}")

    def _write(self, line: str) -> None:
        print(f"{time.monotonic() - self.started:6.1f} s  {line}", flush=True)
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps({"figures": self.figures, "checks": self.checks}), encoding="utf-8")
        beside.replace(self.path)

"""A recording served as PLUS would, in a process of its own: `python -m
CRLMSegmentationLib.session.recordings.replay_server`.

It says one line, {"port": ..., "frames": ..., "origin": ...} or {"error": ...}, and ends when its standard input is
closed: with its parent.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def main(arguments: list[str] | None = None) -> int:
    """Serve until standard input ends; returns the exit status."""
    from ...errors import CRLMError
    from ...sweep import read_plus_configuration, read_sweep
    from ...tracking import Replayer
    from ..case.case_source import origin_of

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweep")
    parser.add_argument("--plus-config")
    parser.add_argument("--calibration", help="JSON: transform name to 16 numbers")
    parser.add_argument("--reference", help="without it, the one that was recorded")
    parser.add_argument("--speed", type=float, help="without it, as fast as the client takes it")
    parser.add_argument("--loop", action="store_true")
    parser.add_argument("--close-at-end", action="store_true")
    options = parser.parse_args(arguments)
    try:
        calibration = dict(read_plus_configuration(options.plus_config).transforms) if options.plus_config else {}
        calibration.update(_matrices(options.calibration))
        sweep = read_sweep(options.sweep, calibration, options.reference)
        replayer = Replayer(
            sweep, 0, "127.0.0.1", speed=options.speed, loop=options.loop, reference=sweep.reference,
            close_at_end=options.close_at_end,
        )  # fmt: skip
    except CRLMError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    with replayer:
        print(json.dumps({"port": replayer.port, "frames": len(sweep), "origin": origin_of(sweep)}), flush=True)
        sys.stdin.read()
    return 0


def _matrices(text: str | None) -> dict[str, np.ndarray]:
    import numpy as np

    return {name: np.array(numbers).reshape(4, 4) for name, numbers in json.loads(text or "{}").items()}


if __name__ == "__main__":
    sys.exit(main())

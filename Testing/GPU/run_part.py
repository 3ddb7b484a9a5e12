"""The process of one part: `python run_part.py MODULE ARGUMENT FILE ...`; started by campaign.py."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from record import Record


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("module", "argument", "file"):
        parser.add_argument(name)
    parser.add_argument("--device", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    for name in ("work", "output", "pictures"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    record = Record(Path(options.file), options.device, options.quick, options.seconds, options.work, options.output,
                    options.pictures)  # fmt: skip
    import_module(options.module).run(record, options.argument)


if __name__ == "__main__":
    main()

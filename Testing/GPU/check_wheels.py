"""That the wheels for the campaign's machine are there, fit it, and leave room for the tree: `check_wheels.py DIR`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What travels in all.
MOST_BYTES = 60_000_000


def main(folder: Path) -> None:
    """Prints them; exits with a sentence for what is missing, built for another machine, or too large."""
    wheels = sorted(folder.glob("*.whl"))
    named = {wheel.name.split("-")[0].lower().replace("_", "-") for wheel in wheels}
    missing = [name for name in wanted() if name not in named]
    if missing:
        raise SystemExit(f"There is no wheel of {', '.join(missing)} in {folder}.")
    foreign = [wheel.name for wheel in wheels if not fits(wheel.name)]
    if foreign:
        raise SystemExit(f"{', '.join(foreign)}: not for Python 3.12 on Linux x86-64.")
    size, tree = sum(file.stat().st_size for file in folder.iterdir()), tree_bytes()  # with the carried pictures
    if size + tree > MOST_BYTES:
        raise SystemExit(f"The wheels ({size / 1e6:.0f} MB) and the tree ({tree / 1e6:.0f} MB) are too large together.")
    print(f"{folder}: {len(wheels)} wheels, {size / 1e6:.1f} MB, beside a tree of {tree / 1e6:.1f} MB")


def wanted() -> list[str]:
    """The packages of wheels.txt."""
    lines = (HERE / "wheels.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("==")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def fits(name: str) -> bool:
    """True for a wheel of pure Python, or for CPython 3.12 or its stable interface on Linux x86-64."""
    python, interface, platform = name.removesuffix(".whl").split("-")[-3:]
    if platform == "any":
        return interface == "none" and "py3" in python
    of_linux = platform.startswith("manylinux") and platform.endswith("x86_64")
    return of_linux and (interface == "cp312" or (interface == "abi3" and int(python.removeprefix("cp3")) <= 12))


def tree_bytes() -> int:
    """Of all files that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HERE.parents[1], capture_output=True, check=True).stdout
    files = [HERE.parents[1] / name.decode() for name in listed.split(b"\0") if name]
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

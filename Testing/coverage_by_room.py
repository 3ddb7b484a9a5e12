"""What the last `make test` ran of each room, from .coverage, and the files that it ran least of."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from coverage import Coverage

LEAST = 5


def main() -> None:
    """Print one line for each room, and the files with the most lines that no test ran."""
    coverage = Coverage()
    coverage.load()
    lines: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    missed_of: list[tuple[int, str]] = []
    for name in sorted(coverage.get_data().measured_files()):
        path = Path(name)
        root = next((parent for parent in path.parents if parent.name.startswith("CRLMSegmentation")), None)
        if root is None or not path.is_file():
            continue
        _, statements, _, missing, _ = coverage.analysis2(name)
        inside = path.relative_to(root).parts
        room = root.name if root.name != "CRLMSegmentationLib" else inside[0].removesuffix(".py")
        lines[room][0] += len(statements) - len(missing)
        lines[room][1] += len(statements)
        missed_of.append((len(missing), "/".join((root.name, *inside))))
    print("\nCoverage of lines by room (worker processes and compiled kernels are not counted):")
    for room, (run, all_of_them) in sorted(lines.items()):
        print(f"  {room:28} {run:6} of {all_of_them:6}  {100 * run / max(all_of_them, 1):4.0f} %")
    print("Most lines that no test ran:")
    for missed, name in sorted(missed_of, reverse=True)[:LEAST]:
        print(f"  {missed:5}  {name}")


if __name__ == "__main__":
    main()

"""`crlm preop follow-up`."""

from __future__ import annotations

import argparse

from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar


def follow_up(arguments: argparse.Namespace) -> None:
    """Print which lesion is which, their diameters, and RECIST's sums."""
    from ...preoperative.follow_up import follow_up as compare_dates
    from ...preoperative.result_folder import read_result

    with progress_bar("Follow-up") as progress:
        results = [read_result(folder) for folder in arguments.folders]
        found = compare_dates(results, progress)
    names = [date or folder for date, folder in zip(found.dates, arguments.folders)]
    doubts = list(dict.fromkeys(doubt for result in results for doubt in result.about.get("doubts", ())))
    print_facts({"folders": arguments.folders, **found.as_plain(), "doubts": doubts})
    print(f"{'lesion':<10}" + "".join(f"{name:>14}" for name in names))
    for track in found.tracks:
        cells = ("-" if mm is None else f"{mm:.1f} mm" for mm in track.diameters_mm)
        print(f"{track.number}{' target' if track.is_target else '':<9}" + "".join(f"{cell:>14}" for cell in cells))
    print(f"{'sum':<10}" + "".join(f"{mm:>11.1f} mm" for mm in found.sums_mm))
    for name, answer, new, vanished in zip(names, found.responses, found.new, found.vanished):
        parts = [answer or "no target lesion"]
        parts += [f"new: {', '.join(map(str, new))}"] if new else []
        parts += [f"vanished: {', '.join(map(str, vanished))}"] if vanished else []
        print(f"{name}: {'; '.join(parts)}")
    for doubt in doubts:
        print_doubt(f"doubt: {doubt}")

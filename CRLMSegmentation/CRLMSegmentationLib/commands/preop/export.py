"""`crlm preop export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...errors import ConfigurationError
from ..options.outputs import Output, check_outputs
from ..options.printing import print_doubt, print_facts


def export(arguments: argparse.Namespace) -> None:
    """Write what was asked for."""
    from ...pictures.ct_report import REPORT, picture_in_space, write_ct_report
    from ...preoperative.export import CSV, DICOM_SEG, FILES, NRRD, STL, export_result
    from ...preoperative.result_folder import MASKS, read_result
    from ...session.preoperative.reading import of_folder

    folder = Path(arguments.output)
    asked = {STL: arguments.stl, NRRD: arguments.nrrd, CSV: arguments.csv, DICOM_SEG: arguments.dicom_seg}
    kinds = [kind for kind, is_asked in asked.items() if is_asked]
    if not kinds and not arguments.report:
        raise ConfigurationError(
            "Say what to export: --stl, --nrrd, --csv, --report, --dicom-seg DICOM_FOLDER, or several."
        )
    read = [Path(arguments.folder) / file for file in MASKS.values()]
    names = [name for kind in kinds for name in FILES[kind]] + ([REPORT] if arguments.report else [])
    check_outputs([Output("-o", folder / name) for name in names], read, arguments.force)
    dicom = (arguments.dicom_seg, arguments.series) if arguments.dicom_seg else None
    written, missing = export_result(read_result(arguments.folder), folder, kinds, dicom)
    if arguments.report:
        ct = of_folder(Path(arguments.folder))(lambda share, text: None, lambda: False)
        written.append(write_ct_report(ct, folder / REPORT, space=picture_in_space(ct)))
    for path in written:
        print(f"{path}: written")
    for path in missing:
        print_doubt(f"{path}: not written, there is none")
    print_facts({"written": list(map(str, written))})

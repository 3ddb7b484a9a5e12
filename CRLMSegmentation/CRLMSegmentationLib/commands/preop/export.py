"""`crlm preop export`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ...errors import ConfigurationError
from ...files import VOLUME_ENDINGS, write_surface, write_volume
from ..options.outputs import Output, check_outputs
from ..options.printing import print_doubt, print_facts


def export(arguments: argparse.Namespace) -> None:
    """Write what was asked for."""
    from ...preoperative.dicom_seg import write_dicom_seg
    from ...preoperative.lesion_table import write_lesion_table
    from ...preoperative.result_folder import MASKS, read_result, surface_of
    from ...preoperative.structures import VALUES

    folder = Path(arguments.output)
    wanted: list[Output] = []
    if arguments.stl:
        wanted += [Output("-o", folder / f"{name}.stl", (".stl",)) for name in VALUES]
    if arguments.nrrd:
        wanted.append(Output("-o", folder / "structures.nrrd", VOLUME_ENDINGS))
    if arguments.csv:
        wanted.append(Output("-o", folder / "lesions.csv"))
    if arguments.dicom_seg:
        wanted.append(Output("-o", folder / "structures.dcm"))
    if not wanted:
        raise ConfigurationError("Say what to export: --stl, --nrrd, --csv, --dicom-seg DICOM_FOLDER, or several.")
    read = [Path(arguments.folder) / file for file in MASKS.values()]
    check_outputs(wanted, read, arguments.force)
    result = read_result(arguments.folder)
    structures, written = result.structures, []
    for output in wanted:
        path = Path(output.path or "")
        writers: dict[str, Callable[[], object]] = {
            "structures.nrrd": lambda path=path: write_volume(structures.label_map, path),  # type: ignore[misc]
            "lesions.csv": lambda path=path: write_lesion_table(result.measures, path),  # type: ignore[misc]
            "structures.dcm": lambda path=path: write_dicom_seg(  # type: ignore[misc]
                structures, arguments.dicom_seg, path, arguments.series
            ),
        }
        if path.name in writers:
            writers[path.name]()
        elif (surface := surface_of(structures, path.stem)) is not None:
            write_surface(surface, path)
        else:
            path.unlink(missing_ok=True)  # an older one is not of these masks
            print_doubt(f"{path}: not written, there is none")
            continue
        written.append(str(path))
        print(f"{path}: written")
    print_facts({"written": written})

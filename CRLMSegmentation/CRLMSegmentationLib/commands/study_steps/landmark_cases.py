"""`crlm study landmark-cases`: a public data set of landmarks, as it was downloaded, as a table of cases."""

from __future__ import annotations

import argparse
from collections import Counter

from ...errors import ConfigurationError
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_facts

STEP = "landmark-cases"
SUMMARY = "write the table of cases of L3D or P2ILF, as they are downloaded, for the task 'landmarks'"
JSON = "print one JSON object: cases and patients of each part"


def add_arguments(step: argparse.ArgumentParser) -> None:
    step.add_argument("folder", metavar="FOLDER", help="of the data set")
    step.add_argument("--layout", required=True, choices=("l3d", "p2ilf"), help="whose folders these are")
    step.add_argument(
        "--validation-patients", nargs="+", default=[], metavar="PATIENT", help="of P2ILF: patients, such as 3"
    )
    step.add_argument(
        "--test-patients", nargs="+", default=[], metavar="PATIENT", help="of P2ILF: patients, such as 4 11"
    )
    step.add_argument("-o", "--output", required=True, metavar="TABLE", help="the table, .csv")
    step.add_argument("--json", action="store_true", help=JSON)
    add_force_option(step)


def run(arguments: argparse.Namespace) -> None:
    check_outputs([Output("-o", arguments.output, (".csv",), by_library=False)], [], arguments.force)
    from ...study.cases.case_table import write_case_table
    from ...study.landmarks.layouts import l3d_rows, p2ilf_rows

    if arguments.layout == "l3d":
        if arguments.validation_patients or arguments.test_patients:
            raise ConfigurationError("L3D comes in parts: --validation-patients and --test-patients are for P2ILF.")
        rows = l3d_rows(arguments.folder)
    else:
        rows = p2ilf_rows(arguments.folder, set(arguments.validation_patients), set(arguments.test_patients))
    write_case_table(rows, arguments.output)
    cases = Counter(row.split for row in rows)
    patients = {split: len({row.patient for row in rows if row.split == split}) for split in cases}
    print_facts({"table": arguments.output, "cases": dict(cases), "patients": patients})
    parts = ", ".join(f"{count} of {split} ({patients[split]} patients)" for split, count in cases.items())
    print(f"{arguments.output}: {len(rows)} pictures, {parts}")

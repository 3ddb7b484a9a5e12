"""The steps of `crlm preop` and their options."""

from __future__ import annotations

import argparse

from ..options.checks import at_least_one
from ..options.engine_options import add_engine_options
from ..options.outputs import add_force_option
from ..options.steps import Step, add_steps, run_step
from .export import export
from .follow_up import follow_up
from .register import register
from .segment import measure, segment

EXAMPLES = (
    "crlm preop segment DICOM_FOLDER -o ct1 --model MODEL",
    "crlm preop measure ct1",
    "crlm preop measure ct1 --plane 10 -20 105 -1 0 0",
    "crlm preop measure ct1 --plane-through 10 -20 105 10 40 105 12 0 160 --stays -30 0 110",
    "crlm preop follow-up ct1 ct2",
    "crlm preop register ct1 volume.nrrd --landmarks landmarks.csv -o ct_to_reference.tfm",
    "crlm preop register ct1 volume.nrrd --landmarks landmarks.csv --vessels -o ct_to_reference.tfm",
    "crlm preop export ct1 -o exported --stl --csv --report",
)
JSON = "print one JSON object: measures, lesions over time, or the error of a registration"


def _of_segment(step: argparse.ArgumentParser) -> None:
    step.add_argument("ct", metavar="CT", help="a DICOM folder, or a volume in HU (.nrrd, .nii.gz, .mha)")
    step.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for masks, surfaces, measures.json")
    step.add_argument("--series", type=at_least_one, metavar="N", help="which series of a DICOM folder")
    step.add_argument("--date", metavar="YYYY-MM-DD", help="of the CT; default that of the DICOM files")
    step.add_argument("--model", metavar="NAME|FOLDER", help="a model of the task lvt (default: the first there is)")
    add_engine_options(step)
    add_force_option(step)


def _of_measure(step: argparse.ArgumentParser) -> None:
    step.add_argument("folder", metavar="DIR", help="folder of `crlm preop segment`; measures.json is written anew")
    step.add_argument(
        "--plane", nargs=6, type=float, metavar=("R", "A", "S", "NR", "NA", "NS"),
        help="a cut through the liver: a point (RAS mm of the CT) and the direction of what stays; gives the remnant",
    )  # fmt: skip
    step.add_argument(
        "--plane-through", nargs=9, type=float, metavar=("R1", "A1", "S1", "R2", "A2", "S2", "R3", "A3", "S3"),
        help="the same by three points of the plane; needs --stays",
    )  # fmt: skip
    step.add_argument("--stays", nargs=3, type=float, metavar=("R", "A", "S"), help="a point in the part that stays")


def _of_follow_up(step: argparse.ArgumentParser) -> None:
    step.add_argument("folders", nargs="+", metavar="DIR", help="folders of one patient, the first date first")


def _of_register(step: argparse.ArgumentParser) -> None:
    step.add_argument("folder", metavar="DIR", help="folder of the CT, of `crlm preop segment`")
    step.add_argument("reference", metavar="SWEEP|VOLUME", help="sweep or volume of the operation, in Reference")
    step.add_argument(
        "--landmarks", required=True, metavar="FILE",
        help="CSV: name, ct_r, ct_a, ct_s, reference_r, reference_a, reference_s (mm); or JSON",
    )  # fmt: skip
    refined = step.add_mutually_exclusive_group()
    refined.add_argument(
        "--vessels", action="store_true", help="refine it: lay the vessels of the CT over those of the volume"
    )
    refined.add_argument(
        "--images", metavar="CT", help="refine it: lay the CT itself (DICOM folder or volume) over the volume, by LC2"
    )
    step.add_argument("-o", "--output", required=True, metavar="FILE.tfm", help="transform from the CT to Reference")
    add_force_option(step)


def _of_export(step: argparse.ArgumentParser) -> None:
    step.add_argument("folder", metavar="DIR", help="folder of `crlm preop segment`")
    step.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for what is exported")
    step.add_argument("--stl", action="store_true", help="surfaces as STL")
    step.add_argument("--nrrd", action="store_true", help="all structures as one label map, structures.nrrd")
    step.add_argument("--csv", action="store_true", help="the table of lesions, lesions.csv")
    step.add_argument("--report", action="store_true", help="one page with pictures and figures, report.html")
    step.add_argument(
        "--dicom-seg", metavar="DICOM_FOLDER",
        help="a DICOM segmentation, structures.dcm, of the CT in this folder (needs highdicom)",
    )  # fmt: skip
    step.add_argument("--series", type=at_least_one, metavar="N", help="which series of the DICOM folder")
    add_force_option(step)


STEPS = {
    "segment": Step("find liver, vessels and tumors in a CT and measure them", _of_segment, segment),
    "measure": Step("measure again, such as after the masks were corrected by hand", _of_measure, measure),
    "follow-up": Step("follow the lesions of one patient over several dates", _of_follow_up, follow_up),
    "register": Step("bring a CT into the frame Reference of the operation, by landmarks", _of_register, register),
    "export": Step("write surfaces, masks, the table of lesions and a report for others", _of_export, export),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_steps(parser, STEPS)


run = run_step

"""Sections of the report on the tasks that find a tumor, after Natali et al. (arXiv 2511.05253)."""

from __future__ import annotations

from ..card import Card
from ..cases.case_table import TEST
from ..tumor_methods import CROP
from . import figures, report_text
from .curves import VoxelCounts
from .report_page import ReportPage


def introduction(page: ReportPage) -> str:
    """What the methods are."""
    return (
        "The methods follow Natali et al. (arXiv 2511.05253): Model_crop sees a box around the tumor with 10 mm on "
        "every side, Model_full the whole volume, Semi_automatic grows a region from one click.\n"
    )


def required_figures(page: ReportPage) -> str:
    """What had to come out, and the paper's figures beside."""
    if "must" not in page.found:
        return ""
    return "\n".join([
        f"## What had to come out ({page.kind} test set)\n", report_text.must_table(page.found["must"]),
        "Beside the paper's figures, which are of real patients and not comparable case by case:\n",
        report_text.paper_table(page.found[TEST]),
    ])  # fmt: skip


def violins(page: ReportPage) -> str:
    """Dice and HD95 of every case."""
    figures.violins_figure(page.inputs.results, page.folder / "violins.png")
    return "![Dice and HD95 of every case](violins.png)\n"


def paired_tests(page: ReportPage) -> str:
    """The methods against each other."""
    if not page.found["tests"]:
        return ""
    return (
        "Wilcoxon signed-rank tests, two-sided, with Bonferroni's correction for three comparisons:\n\n"
        f"{report_text.tests_table(page.found['tests'])}"
    )


def observers(page: ReportPage) -> str:
    """How far the people agree who drew the tumors, beside the models, which were compared with their consensus."""
    drawn = [one for one in page.inputs.results if one.get("observers")]
    if not drawn:
        return ""
    names = list(drawn[0]["methods"])
    rows = [
        [one["case"], one["observers"]["observers"], report_text.decimal(one["observers"]["pairwise_dice"]["mean"]),
         report_text.decimal(one["observers"]["pairwise_dice"]["least"]),
         report_text.decimal(min(one["observers"]["dice_with_consensus"])),
         *(report_text.decimal(one["methods"].get(name, {}).get("dice")) for name in names)]
        for one in drawn
    ]  # fmt: skip
    head = ["case", "people", "Dice of two", "least of two", "least with the consensus", *names]
    return (
        "## People who drew the same tumor\n\nThe truth of these cases is their consensus (STAPLE). A method whose "
        "Dice is that of two people cannot be told from one of them.\n\n" + report_text.table(head, rows)
    )


def strata(page: ReportPage) -> str:
    """Kinds of lesions."""
    table = report_text.strata_table(page.found["strata"])
    return f"## By volume, echogenicity and contrast\n\nDice.\n\n{table}"


def thresholds(page: ReportPage) -> str:
    """From which probability on a voxel is tumor, for each model."""
    sentences = [_threshold_sentence(name, card) for name, card in page.inputs.cards.items()]
    return "\n".join(["## Probabilities and thresholds\n", *sentences])


def curves(page: ReportPage) -> str:
    """ROC and precision-recall over the voxels."""
    chosen = {name: card.threshold for name, card in page.inputs.cards.items()}
    figures.curves_figure(page.inputs.results, chosen, page.folder / "curves.png")
    return "![ROC and precision-recall of the test voxels](curves.png)\n"


def reliability(page: ReportPage) -> str:
    """Whether probabilities are what they say."""
    if not page.inputs.calibrations:
        return ""
    counts = {name: VoxelCounts.from_plain(plain) for name, plain in page.inputs.calibrations.items()}
    figures.reliability_figure(counts, page.folder / "reliability.png")
    return "![Reliability on the validation images](reliability.png)\n"


def robustness(page: ReportPage) -> str:
    """Model_crop on boxes and sweeps that are worse than they should be."""
    lines = page.found["robustness"]
    if CROP not in page.inputs.cards or not lines:
        return ""
    figures.robustness_figure(lines, page.found[TEST][CROP]["dice"]["median"], page.folder / "robustness.png")
    return "\n".join([
        "## Robustness of Model_crop\n\nShifts go in random directions, three for each case.\n",
        report_text.robustness_table(lines), "![Dice against disturbances](robustness.png)\n",
    ])  # fmt: skip


def contours(page: ReportPage) -> str:
    """Pictures of the worst, the middle and the best case."""
    if CROP not in page.inputs.cards:
        return ""
    figures.cases_figure(page.inputs.results, page.inputs.evaluation, page.folder / "cases.png")
    return "## Worst, middle and best case of Model_crop\n\n![Contours of all methods](cases.png)\n"


def recordings(page: ReportPage) -> str:
    """False alarms in real recordings without a tumor."""
    if not page.inputs.recordings:
        return ""
    introduction = (
        "## Real recordings without tumor\n\nModel_crop on boxes laid at random through recordings of real phantoms, "
        "in which there is no tumor: what it finds is a false alarm.\n"
    )
    rows = [[title, result["tried"], result["with_anything"], f"{result['found_ml']['median']:.2f}",
             f"{result['mean_ml']:.2f}", f"{result['largest_ml']:.2f}"]
            for title, result in page.inputs.recordings.items()]  # fmt: skip
    columns = ["recording", "boxes", "with a false alarm", "median (mL)", "mean (mL)", "largest (mL)"]
    return f"{introduction}\n{report_text.table(columns, rows)}"


def frames(page: ReportPage) -> str:
    """Frames of the cases, and of recordings without a tumor below them."""
    of_cases, of_recordings = page.inputs.frames
    if not len(of_cases):
        return ""
    figures.frames_figure(of_cases, of_recordings, page.folder / "frames.png")
    kind = "Simulated frames" if page.inputs.simulated else "Frames of the test cases"
    beside = " (upper rows) beside real ones of a recording without a tumor (last row)" if len(of_recordings) else ""
    return f"## Frames\n\n{kind}{beside}, as recorded.\n\n![{kind}{beside}](frames.png)\n"


def each_case(page: ReportPage) -> str:
    """Every test case with its lesion."""
    return f"## Every case\n\n{report_text.each_case_table(page.found['each_case'])}"


def _threshold_sentence(name: str, card: Card) -> str:
    validation, shell = card.text.get("validation", {}), card.text.get("uncertainty")
    sentence = f"{name}: threshold {card.threshold:g} ({card.text['threshold_choice']}"
    sentence += f"; F1 {validation['voxel_f1']:.3f})" if "voxel_f1" in validation else ")"
    if shell:
        sentence += f"; the uncertainty shell lies between probabilities {shell['outer']:g} and {shell['inner']:g}"
    return sentence + ".\n"

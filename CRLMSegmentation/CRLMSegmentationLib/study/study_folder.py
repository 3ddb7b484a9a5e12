"""Where everything of a study lies: one folder, so that a study can be stopped, moved and taken up again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .training.nnunet_home import NnunetHome


@dataclass(frozen=True)
class StudyFolder:
    """The places below `root`.

    cases.csv, cases/  the table and the recordings, where the study simulates its own
    nnunet/            nnU-Net's raw, preprocessed and results
    models/            Model_crop and Model_full with their cards
    evaluation/        results and masks of each test case
    report/            index.html, report.md, results.json, figures
    inputs.csv         hashes of what went in
    """

    root: Path

    @property
    def table(self) -> Path:
        return Path(self.root) / "cases.csv"

    @property
    def cases(self) -> Path:
        return Path(self.root) / "cases"

    @property
    def nnunet(self) -> NnunetHome:
        return NnunetHome(Path(self.root) / "nnunet")

    def model(self, name: str) -> Path:
        return Path(self.root) / "models" / name

    def calibration(self, task: str) -> Path:
        """The file of what was counted when the model of a task was calibrated."""
        return Path(self.root) / "models" / f"calibration_{task}.json"

    @property
    def evaluation(self) -> Path:
        return Path(self.root) / "evaluation"

    @property
    def report(self) -> Path:
        return Path(self.root) / "report"

    @property
    def inputs(self) -> Path:
        return Path(self.root) / "inputs.csv"

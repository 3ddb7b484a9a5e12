"""nnU-Net's folders and environment, set by us for the time of a call and never asked of the user."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

PLANS_NAME = "nnUNetPlans"
# nnU-Net's configurations, by the number of axes that the network sees.
CONFIGURATIONS = {2: "2d", 3: "3d_fullres"}


@dataclass(frozen=True)
class NnunetHome:
    """The three folders in which nnU-Net works, below one `root`."""

    root: Path

    @property
    def raw(self) -> Path:
        return Path(self.root) / "raw"

    @property
    def preprocessed(self) -> Path:
        return Path(self.root) / "preprocessed"

    @property
    def results(self) -> Path:
        return Path(self.root) / "results"

    @contextmanager
    def active(self, augmentation_processes: int = 1) -> Iterator[NnunetHome]:
        """nnU-Net finds its folders here and prints to stderr only.

        Its trainer augments in this process with 0 `augmentation_processes`; its planner, which also takes the number
        for threads, needs 1.
        """
        wanted = {
            "nnUNet_raw": str(self.raw),
            "nnUNet_preprocessed": str(self.preprocessed),
            "nnUNet_results": str(self.results),
            "nnUNet_n_proc_DA": str(augmentation_processes),
        }
        before = {name: os.environ.get(name) for name in wanted}
        for folder in (self.raw, self.preprocessed, self.results):
            folder.mkdir(parents=True, exist_ok=True)
        os.environ.update(wanted)
        try:
            with redirect_stdout(sys.stderr):
                yield self
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@dataclass(frozen=True)
class NnunetDataset:
    """One dataset below a home, such as 'Dataset501_TumorCrops', and the configuration in which it is learned."""

    home: NnunetHome
    name: str
    configuration: str = CONFIGURATIONS[3]

    @property
    def raw(self) -> Path:
        return self.home.raw / self.name

    @property
    def preprocessed(self) -> Path:
        return self.home.preprocessed / self.name

    @property
    def plans(self) -> Path:
        return self.preprocessed / f"{PLANS_NAME}.json"

    @property
    def trained(self) -> Path:
        """Where nnU-Net keeps the training: named after our trainer, the plans and the configuration."""
        return self.home.results / self.name / f"StudyTrainer__{PLANS_NAME}__{self.configuration}"

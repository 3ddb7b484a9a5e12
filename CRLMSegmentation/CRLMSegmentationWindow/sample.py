"""The sample that comes with the module: a small simulated sweep, also listed by Slicer's Sample Data module."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import SampleData
    import slicer

RESOURCES = Path(__file__).resolve().parents[1] / "Resources"
FOLDER = RESOURCES / "SampleData"
SWEEP = FOLDER / "SimulatedLiverSweep.igs.mha"
TRUTH_FILE = FOLDER / "SimulatedLiverSweep.json"
CHECKSUM_FILE = FOLDER / "SHA256SUMS"
CATEGORY = "CRLM Navigation"
NAME = "SimulatedLiverSweep"


def checksum() -> str:
    """SHA-256 of the sample, as it is written beside it."""
    for line in CHECKSUM_FILE.read_text(encoding="ascii").splitlines():
        digest, name = line.split()
        if name == SWEEP.name:
            return digest
    raise ValueError(f"{CHECKSUM_FILE} does not name {SWEEP.name}.")


def tumor_center_ras() -> tuple[float, float, float]:
    """Where the simulated tumor is, mm in Reference."""
    return tuple(json.loads(TRUTH_FILE.read_text(encoding="utf-8"))["tumor_center_ras_mm"])


def tumor_volume_ml() -> float:
    """How large the simulated tumor is."""
    return json.loads(TRUTH_FILE.read_text(encoding="utf-8"))["tumor_volume_ml"]


def register(show: Callable[[str], None]) -> None:
    """List the sample in Slicer's Sample Data module; `show(path)` opens it in this module once it was checked."""
    import SampleData

    def take(source: SampleData.SampleDataSource) -> list[slicer.vtkMRMLNode]:
        # Copied into Slicer's cache and compared with its checksum there, as a download would be.
        path = SampleData.SampleDataLogic().downloadFileIntoCache(
            source.uris[0], source.fileNames[0], source.checksums[0]
        )
        show(path)
        return []

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=NAME,
        uris=SWEEP.as_uri(),
        fileNames=SWEEP.name,
        nodeNames=None,
        checksums=f"SHA256:{checksum()}",
        loadFiles=False,
        customDownloader=take,
        thumbnailFileName=str(RESOURCES / "Icons" / "SimulatedLiverSweep.png"),
    )

"""Cases with known truth, and crops of them written as an nnU-Net v2 dataset."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import GeometryError
from ...files.coordinates import ijk_to_ras_of, image_on_grid
from ...values import Volume

DATASET_NAME = "Dataset501_TumorCrops"
FILE_ENDING = ".nrrd"


@dataclass(frozen=True, eq=False)
class Case:
    """One liver: a reconstructed volume with the tumor's mask on the same grid.

    name     unique among the cases; letters, digits and underscores
    volume   uint8 ultrasound, 0 where no frame passed
    tumor    uint8 mask
    """

    name: str
    volume: Volume
    tumor: Volume

    def __post_init__(self):
        if not self.volume.has_geometry_of(self.tumor):
            raise GeometryError(f"The volume and the tumor mask of case {self.name} do not lie on the same grid.")


class CropDataset:
    """An nnU-Net raw dataset below `raw`, filled case by case; a case that is there already is left as it is."""

    def __init__(self, raw: Path, name: str = DATASET_NAME):
        self.folder = Path(raw) / name
        self.name = name
        for part in ("imagesTr", "labelsTr"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)

    def add(self, name: str, image: Volume, mask: Volume) -> None:
        """Write one crop. float32 would only cost space: B-mode is uint8."""
        _write(image, self.folder / "imagesTr" / f"{name}_0000{FILE_ENDING}")
        _write(mask.with_voxels((mask.voxels > 0).astype(np.uint8)), self.folder / "labelsTr" / f"{name}{FILE_ENDING}")

    def has(self, name: str) -> bool:
        return (self.folder / "labelsTr" / f"{name}{FILE_ENDING}").is_file()

    def names(self) -> list[str]:
        return sorted(file.name[: -len(FILE_ENDING)] for file in (self.folder / "labelsTr").glob(f"*{FILE_ENDING}"))

    def finish(self, training: Iterable[str], validation: Iterable[str]) -> None:
        """Write dataset.json and the one split: crops of one liver never on both sides (the caller's names say so)."""
        training, validation = sorted(training), sorted(validation)
        missing = [name for name in training + validation if not self.has(name)]
        if missing or not training or not validation:
            raise ValueError(f"the split names crops that were not written, or leaves one side empty: {missing}")
        description = {
            "channel_names": {"0": "B-mode"},
            "labels": {"background": 0, "tumor": 1},
            "numTraining": len(training) + len(validation),
            "file_ending": FILE_ENDING,
            "overwrite_image_reader_writer": "SimpleITKIO",
        }
        _write_json(self.folder / "dataset.json", description)
        _write_json(self.folder / "splits_final.json", [{"train": training, "val": validation}])


def read_crop(dataset: CropDataset, name: str) -> tuple[Volume, Volume]:
    """(ultrasound, tumor mask) of one crop, as written."""
    image = _read(dataset.folder / "imagesTr" / f"{name}_0000{FILE_ENDING}")
    return image, _read(dataset.folder / "labelsTr" / f"{name}{FILE_ENDING}")


def _read(path: Path) -> Volume:
    import SimpleITK

    image = SimpleITK.ReadImage(str(path))
    return Volume(SimpleITK.GetArrayFromImage(image), ijk_to_ras_of(image))


def _write(volume: Volume, path: Path) -> None:
    """As nnU-Net reads it through SimpleITK."""
    import SimpleITK

    SimpleITK.WriteImage(image_on_grid(volume.voxels, volume.ijk_to_ras), str(path), useCompression=True)


def _write_json(path: Path, content) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

"""Cases with known truth, and images of them written as an nnU-Net v2 dataset."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import GeometryError
from ...files.coordinates import ijk_to_ras_of, image_on_grid
from ...values import LabelSet, Volume

FILE_ENDING = ".nrrd"
# The entry of dataset.json that says where its images are.
FILES = "dataset"
ONE_TUMOR = LabelSet.of_names("tumor")


@dataclass(frozen=True, eq=False)
class Case:
    """One liver: a reconstructed volume with the tumor's mask on the same grid.

    name     unique among the cases; letters, digits and underscores
    volume   uint8 ultrasound, 0 where no frame passed
    tumor    uint8 mask
    others   uint8 mask of further tumors in the volume, where there are any: what shows them is no false alarm
    """

    name: str
    volume: Volume
    tumor: Volume
    others: Volume | None = None

    def __post_init__(self) -> None:
        if not self.volume.has_geometry_of(self.tumor):
            raise GeometryError(f"The volume and the tumor mask of case {self.name} do not lie on the same grid.")


class RawDataset:
    """An nnU-Net raw dataset below `raw`, filled image by image.

    name       as nnU-Net wants it, such as 'Dataset501_TumorCrops'
    channels   names of the channels
    labels     of its label maps
    dimension  3, or 2 for images of a single plane
    """

    def __init__(
        self,
        raw: Path,
        name: str,
        channels: Sequence[str] = ("B-mode",),
        labels: LabelSet = ONE_TUMOR,
        dimension: int = 3,
    ):
        self.folder = Path(raw) / name
        self.name, self.channels, self.labels, self.dimension = name, tuple(channels), labels, dimension
        for part in ("imagesTr", "labelsTr"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)

    def add(self, name: str, channels: Sequence[Volume], labels: Volume) -> None:
        """Write one image and its uint8 label map; the voxels keep their type.

        Raises GeometryError for another number of channels, or an image of several planes in a 2D dataset.
        """
        if len(channels) != len(self.channels):
            raise GeometryError(f"The image {name} has {len(channels)} channels, and {len(self.channels)} are needed.")
        for number, channel in enumerate(channels):
            self._write(channel, self.folder / "imagesTr" / f"{name}_{number:04d}{FILE_ENDING}")
        self._write(
            labels.with_voxels(labels.voxels.astype(np.uint8)), self.folder / "labelsTr" / f"{name}{FILE_ENDING}"
        )

    def has(self, name: str) -> bool:
        """True when that image was written."""
        return (self.folder / "labelsTr" / f"{name}{FILE_ENDING}").is_file()

    def names(self) -> list[str]:
        """Of all images that were written."""
        return sorted(file.name[: -len(FILE_ENDING)] for file in (self.folder / "labelsTr").glob(f"*{FILE_ENDING}"))

    def finish(
        self, training: Iterable[str], validation: Iterable[str], labelled: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Write dataset.json and the one split: images of one liver never on both sides (the caller's names say so).

        labelled  the structures that were annotated, of those images in which not all were
        """
        training, validation = sorted(training), sorted(validation)
        missing = [name for name in training + validation if not self.has(name)]
        if missing or not training or not validation:
            raise ValueError(f"the split names images that were not written, or leaves one side empty: {missing}")
        description: dict[str, object] = {
            "channel_names": {str(number): name for number, name in enumerate(self.channels)},
            **self.labels.entries(),
            "numTraining": len(training) + len(validation),
            "file_ending": FILE_ENDING,
            "overwrite_image_reader_writer": "SimpleITKIO",
            # Where it is missing, nnU-Net forks twelve processes to look for the files, at each of several steps.
            FILES: {name: self._files_of(name) for name in self.names()},
        }
        if labelled:
            description["labelled"] = {name: list(structures) for name, structures in sorted(labelled.items())}
        _write_json(self.folder / "dataset.json", description)
        _write_json(self.folder / "splits_final.json", [{"train": training, "val": validation}])

    def _files_of(self, name: str) -> dict[str, object]:
        """As nnU-Net's `dataset` in dataset.json has them, relative to the folder."""
        images = [f"imagesTr/{name}_{number:04d}{FILE_ENDING}" for number in range(len(self.channels))]
        return {"images": images, "label": f"labelsTr/{name}{FILE_ENDING}"}

    def read(self, name: str) -> tuple[tuple[Volume, ...], Volume]:
        """(channels, labels) of one image, as written; of a 2D dataset as a single plane at z = 0."""
        paths = sorted((self.folder / "imagesTr").glob(f"{name}_[0-9][0-9][0-9][0-9]{FILE_ENDING}"))
        return tuple(map(_read, paths)), _read(self.folder / "labelsTr" / f"{name}{FILE_ENDING}")

    def _write(self, volume: Volume, path: Path) -> None:
        """As nnU-Net reads it through SimpleITK."""
        import SimpleITK

        if self.dimension == 3:
            image = image_on_grid(volume.voxels, volume.ijk_to_ras)
        elif volume.voxels.shape[0] == 1:
            image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.voxels[0]))
            image.SetSpacing([float(value) for value in volume.spacing_mm[:2]])
        else:
            raise GeometryError(f"{path.name} has {volume.voxels.shape[0]} planes, and a 2D dataset is of single ones.")
        SimpleITK.WriteImage(image, str(path), useCompression=True)


def _read(path: Path) -> Volume:
    import SimpleITK

    image = SimpleITK.ReadImage(str(path))
    if image.GetDimension() == 2:
        image = SimpleITK.JoinSeries([image])
    return Volume(SimpleITK.GetArrayFromImage(image), ijk_to_ras_of(image))


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

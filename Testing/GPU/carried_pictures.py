"""Pictures of a laparoscope for the campaign: simulated where VTK and OpenCV are, learned from where neither is.

    python Testing/GPU/carried_pictures.py [--quick] FILE.npz

Pictures at the network's size with their landmarks, as the task `landmarks` makes them, in 32 levels of each colour
instead of 256, because what travels is limited. Seeds are of the shipped study's training and validation patients,
never of a test patient.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "CRLMSegmentation"))

from CRLMSegmentationLib.inference.predictor import available_processors  # noqa: E402
from CRLMSegmentationLib.study.cases.case_files import CaseReader  # noqa: E402
from CRLMSegmentationLib.study.cases.case_table import TRAINING, VALIDATION, CaseRow, write_case_table  # noqa: E402
from CRLMSegmentationLib.study.landmarks.population import PicturePopulation, simulate_pictures  # noqa: E402
from CRLMSegmentationLib.study.landmarks.recipe import RECOMMENDED  # noqa: E402
from CRLMSegmentationLib.study.pipeline import Study  # noqa: E402
from CRLMSegmentationLib.study.study_folder import StudyFolder  # noqa: E402
from CRLMSegmentationLib.study.tasks.landmarks import TASK, landmark_images  # noqa: E402
from CRLMSegmentationLib.values import Volume  # noqa: E402

# Some of the shipped study's patients: 138 pictures, 12 MB.
PICTURES = PicturePopulation(range(20000, 20020), range(21000, 21003), ())
QUICK_PICTURES = PicturePopulation(range(22000, 22001), range(22100, 22101), (), views=2)
_DROPPED_BITS = 3
# Where the campaign looks for them: they travel with the wheels.
CARRIED = HERE / "wheels" / "landmarks.npz"


def pack(file: Path, population: PicturePopulation, workers: int = 1) -> None:
    """Simulate the pictures of a population and write them, quantised, with their landmarks and rows of the table."""
    pictures, label_maps = [], []
    with tempfile.TemporaryDirectory() as work:
        rows = simulate_pictures(StudyFolder(Path(work)), population, workers)
        for row in rows:
            for image in landmark_images(CaseReader(row), RECOMMENDED):
                pictures.append(np.stack([channel.voxels[0] for channel in image.channels], axis=-1))
                label_maps.append(image.labels.voxels[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        file,
        pictures=np.stack(pictures).astype(np.uint8) >> _DROPPED_BITS,
        label_maps=np.stack(label_maps).astype(np.uint8),
        rows=json.dumps([{"case": row.case, "patient": row.patient, "split": row.split} for row in rows]),
    )


def unpack(file: Path, study: Study) -> list[CaseRow]:
    """Write the data set of the task and the table of cases of `study` from a carried file; returns the rows.

    Raises FileNotFoundError.
    """
    if not file.is_file():
        raise FileNotFoundError(f"There are no pictures in {file}: `make gpu-pictures` makes them, where VTK is.")
    with np.load(file) as content:
        described = json.loads(str(content["rows"]))
        # The middle of what became one level.
        pictures = (content["pictures"] << _DROPPED_BITS) + (1 << (_DROPPED_BITS - 1))
        label_maps = content["label_maps"]
    study.folder.nnunet.raw.mkdir(parents=True, exist_ok=True)
    dataset = TASK.raw_dataset(study.folder.nnunet.raw)
    images, masks = dataset.folder / "imagesTr", dataset.folder / "labelsTr"
    rows = [
        CaseRow(**row, volume=str(images / f"{row['case']}_0000.nrrd"), mask=str(masks / f"{row['case']}.nrrd"))
        for row in described
    ]
    for row, picture, labels in zip(rows, pictures, label_maps):
        if not dataset.has(row.case):
            channels = [Volume(plane[None], np.eye(4)) for plane in np.moveaxis(picture, -1, 0)]
            dataset.add(row.case, channels, Volume(labels[None], np.eye(4)))
    training, validation = ([row.case for row in rows if row.split == part] for part in (TRAINING, VALIDATION))
    dataset.finish(training, validation)
    write_case_table(rows, study.folder.table)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=CARRIED)
    parser.add_argument("--quick", action="store_true", help="four pictures, to see that everything runs")
    options = parser.parse_args()
    pack(options.file, QUICK_PICTURES if options.quick else PICTURES, available_processors())
    print(f"{options.file}: {options.file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

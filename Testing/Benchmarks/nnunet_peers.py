"""The ways in which nnU-Net is used today, each with the real program: command line, SlicerNNUnet's, warm predictor.

A model that averages voxels before nnU-Net sees them is given to them as a plain one, with crops that are averaged
already: they have less to do than ours.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

DATASET = "Dataset998_Boxes"
TRAINED = "nnUNetTrainer__nnUNetPlans__3d_fullres"
ENTRY_POINT = ("nnunetv2.inference.predict_from_raw_data", "predict_entry_point")


def folds_of(model: Path) -> tuple[int, ...]:
    """The folds whose mean the model is."""
    weights = json.loads((model / "model.json").read_text(encoding="utf-8"))["weights"]
    return tuple(int(Path(name).parent.name.removeprefix("fold_")) for name in weights)


def for_nnunet(model: Path, crop, folder: Path):
    """`model` as a folder that nnU-Net reads, and `crop` as it must be given: (model, crop)."""
    from CRLMSegmentationLib.inference.averaging import PREPROCESSOR, average_seen, averaged_shape
    from CRLMSegmentationLib.inference.models.trained_model import load_model
    from CRLMSegmentationLib.values import Volume

    plans = json.loads((model / "plans.json").read_text(encoding="utf-8"))
    if plans["configurations"]["3d_fullres"]["preprocessor_name"] != PREPROCESSOR:
        return model, crop
    shutil.copytree(model, folder)
    plans["configurations"]["3d_fullres"]["preprocessor_name"] = "DefaultPreprocessor"
    (folder / "plans.json").write_text(json.dumps(plans))
    shape = averaged_shape(crop.voxels.shape, crop.spacing_mm[::-1], load_model(model).spacing_mm)
    spacing = crop.spacing_mm * np.array(crop.voxels.shape[::-1]) / shape[::-1]
    return folder, Volume(average_seen(crop.voxels, shape), np.diag([*spacing, 1.0]))


class Predict:
    """`nnUNetv2_predict` on one crop: written to disk, segmented by a new process on `device`, read back."""

    def __init__(self, model: Path, work: Path, device: str = "cpu"):
        self._work, self._device = work, device
        self._folds = [str(fold) for fold in folds_of(model)]
        shutil.copytree(model, work / "results" / DATASET / TRAINED)

    def run(self, crop, *options: str) -> tuple[float, np.ndarray]:
        """Seconds from the crop in memory to the mask in memory, and the mask [k, j, i]."""
        import SimpleITK

        given, answered = self._work / "in", self._work / "out"
        for folder in (given, answered):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        # What the program of that name does, which an installation into a folder of its own may have left elsewhere.
        program = [sys.executable, "-c", f"from {ENTRY_POINT[0]} import {ENTRY_POINT[1]} as main; main()"]
        environment = {
            **os.environ,
            "nnUNet_results": str(self._work / "results"),
            "nnUNet_raw": str(self._work),
            "nnUNet_preprocessed": str(self._work),
        }
        started = time.perf_counter()
        image = SimpleITK.GetImageFromArray(crop.voxels)
        image.SetSpacing([float(value) for value in crop.spacing_mm])
        SimpleITK.WriteImage(image, str(given / "volume_0000.nrrd"))
        ended = subprocess.run(
            [
                *program,
                "-i",
                given,
                "-o",
                answered,
                "-d",
                DATASET,
                "-c",
                "3d_fullres",
                "-f",
                *self._folds,
                "-device",
                self._device,
                *options,
            ],
            env=environment,
            capture_output=True,
            encoding="utf-8",
        )
        if ended.returncode:
            raise RuntimeError(ended.stderr[-2000:])
        mask = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(answered / "volume.nrrd")))
        return time.perf_counter() - started, mask

    def cold(self, crop) -> tuple[float, np.ndarray]:
        """Its own defaults, without mirroring."""
        return self.run(crop, "--disable_tta")

    def as_slicernnunet(self, crop, mirroring: bool = True) -> tuple[float, np.ndarray]:
        """With the arguments that SlicerNNUnet's Parameter.asArgList gives it."""
        return self.run(
            crop,
            "-tr",
            "nnUNetTrainer",
            "-p",
            "nnUNetPlans",
            "-npp",
            "1",
            "-nps",
            "1",
            "-step_size",
            "0.5",
            "-chk",
            "checkpoint_final.pth",
            *([] if mirroring else ["--disable_tta"]),
        )


class WarmPredictor:
    """nnUNetPredictor without mirroring, loaded once in this process; call it with a crop."""

    def __init__(self, model: Path, crop, threads: int):
        """Loads `model` and warms up on `crop`."""
        import torch
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        torch.set_num_threads(threads)
        self._predictor = nnUNetPredictor(
            use_mirroring=False, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
        )
        self._predictor.initialize_from_trained_model_folder(str(model), use_folds=folds_of(model))
        self(crop)

    def __call__(self, crop) -> tuple[float, np.ndarray]:
        """Seconds of predict_single_npy_array, and the mask."""
        image = crop.voxels[None].astype(np.float32)
        properties = {"spacing": [float(value) for value in crop.spacing_mm[::-1]]}
        started = time.perf_counter()
        mask = self._predictor.predict_single_npy_array(image, properties)
        return time.perf_counter() - started, mask

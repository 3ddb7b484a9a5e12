"""nnU-Net's own plan of a default 3d_fullres network for boxes around tumors, untrained: for timing only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

BOX_MM = (48.0, 56.0, 56.0)
SPACING_MM = 0.5


def make_default_model(work: Path, folder: Path) -> Path:
    """Write a model folder that nnU-Net and this project read; returns `folder`."""
    import SimpleITK
    import torch
    from CRLMSegmentationLib.study.training.export import export_model
    from CRLMSegmentationLib.study.training.nnunet_home import NnunetHome
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    name, cases = "Dataset998_Boxes", [f"box{number}" for number in range(4)]
    shape = [round(edge / SPACING_MM) for edge in BOX_MM]
    home = NnunetHome(work / "home")
    raw = home.raw / name
    for part in ("imagesTr", "labelsTr"):
        (raw / part).mkdir(parents=True)
    for case in cases:
        image = SimpleITK.GetImageFromArray(np.ones(shape, np.uint8))
        image.SetSpacing([SPACING_MM] * 3)
        SimpleITK.WriteImage(image, str(raw / "imagesTr" / f"{case}_0000.nrrd"))
        SimpleITK.WriteImage(image, str(raw / "labelsTr" / f"{case}.nrrd"))
    dataset = {
        "channel_names": {"0": "B-mode"},
        "labels": {"background": 0, "tumor": 1},
        "numTraining": len(cases),
        "file_ending": ".nrrd",
    }
    (raw / "dataset.json").write_text(json.dumps(dataset))
    (home.preprocessed / name).mkdir(parents=True)
    statistics = dict.fromkeys(("max", "mean", "median", "min", "percentile_00_5", "percentile_99_5", "std"), 1.0)
    (home.preprocessed / name / "dataset_fingerprint.json").write_text(
        json.dumps(
            {
                "spacings": [[SPACING_MM] * 3] * len(cases),
                "shapes_after_crop": [shape] * len(cases),
                "foreground_intensity_properties_per_channel": {"0": statistics},
                "median_relative_size_after_cropping": 1.0,
            }
        )
    )
    with home.active():
        from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner

        plans = ExperimentPlanner(name).plan_experiment()
    plans = (
        json.loads((home.preprocessed / name / "nnUNetPlans.json").read_text(encoding="utf-8"))
        if plans is None
        else plans
    )
    architecture = plans["configurations"]["3d_fullres"]["architecture"]
    torch.manual_seed(0)
    network = get_network_from_plans(
        architecture["network_class_name"],
        architecture["arch_kwargs"],
        architecture["_kw_requires_import"],
        1,
        2,
        deep_supervision=True,
    )
    trained = work / "trained"
    (trained / "fold_0").mkdir(parents=True)
    (trained / "plans.json").write_text(json.dumps(plans))
    (trained / "dataset.json").write_text(json.dumps(dataset))
    torch.save(
        {
            "network_weights": network.state_dict(),
            "trainer_name": "nnUNetTrainer",
            "init_args": {"configuration": "3d_fullres"},
            "inference_allowed_mirroring_axes": (0, 1, 2),
        },
        trained / "fold_0" / "checkpoint_final.pth",
    )
    export_model(
        trained,
        folder,
        {
            "name": "default",
            "version": "1",
            "task": "crop",
            "margin_mm": 10.0,
            "threshold": 0.5,
            "intended_use": "Timing. The weights are not trained.",
        },
    )
    return folder

"""A small model folder with random weights, made by the project's own exporter."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import Volume

CONV, NORM = "torch.nn.modules.conv.Conv3d", "torch.nn.modules.instancenorm.InstanceNorm3d"


def plans_of_a_small_network() -> dict:
    resample = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    configuration = {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [16, 16, 16],
        "median_image_size_in_voxels": [20.0, 20.0, 20.0],
        "spacing": [1.0, 1.0, 1.0],
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": resample,
        "resampling_fn_seg_kwargs": {**resample, "is_seg": True, "order": 1},
        "resampling_fn_probabilities_kwargs": {**resample, "order": 1},
        "batch_dice": False,
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": 3,
                "features_per_stage": [4, 8, 16],
                "conv_op": CONV,
                "kernel_sizes": [[3, 3, 3]] * 3,
                "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
                "n_conv_per_stage": [1, 1, 1],
                "n_conv_per_stage_decoder": [1, 1],
                "conv_bias": True,
                "norm_op": NORM,
                "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }
    return {
        "dataset_name": "Dataset999_Test",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [1.0, 1.0, 1.0],
        "original_median_shape_after_transp": [20, 20, 20],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": {"mean": 0.0, "std": 1.0}},
    }


@pytest.fixture(scope="session")
def exported_model(tmp_path_factory) -> Path:
    """Made as a training leaves it, full checkpoint and all, then exported. Not to be changed: copy it."""
    import torch
    from CRLMSegmentationLib.study.export import export_model
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    plans = plans_of_a_small_network()
    architecture = plans["configurations"]["3d_fullres"]["architecture"]
    torch.manual_seed(7)
    network = get_network_from_plans(
        architecture["network_class_name"], architecture["arch_kwargs"], architecture["_kw_requires_import"], 1, 2,
        deep_supervision=True,
    )
    trained = tmp_path_factory.mktemp("trained")
    (trained / "fold_0").mkdir()
    (trained / "plans.json").write_text(json.dumps(plans))
    description = {"channel_names": {"0": "B-mode"}, "labels": {"background": 0, "tumor": 1}, "file_ending": ".nrrd"}
    (trained / "dataset.json").write_text(json.dumps(description))
    torch.save(
        {
            "network_weights": network.state_dict(),
            "optimizer_state": {},
            "logging": {"mean": np.float64(0.5)},  # what keeps torch from reading a full checkpoint as plain weights
            "trainer_name": "BoxTrainer",
            "init_args": {"configuration": "3d_fullres", "plans": plans},
            "inference_allowed_mirroring_axes": (0, 1, 2),
        },
        trained / "fold_0" / "checkpoint_final.pth",
    )
    folder = tmp_path_factory.mktemp("models") / "random"
    card = {"name": "random", "version": "1", "kind": "crop", "margin_mm": 10.0, "threshold": 0.5}
    export_model(trained, folder, card)
    return folder


@pytest.fixture
def model_copy(exported_model, tmp_path) -> Path:
    """A copy of the model folder that a test may damage."""
    return Path(shutil.copytree(exported_model, tmp_path / "copy"))


@pytest.fixture(scope="session")
def averaging_model(exported_model, tmp_path_factory):
    """The random model, told to average to 1.5 mm."""
    from CRLMSegmentationLib.segmentation.averaging import PREPROCESSOR
    from CRLMSegmentationLib.study.export import write_card

    folder = shutil.copytree(exported_model, tmp_path_factory.mktemp("averaging") / "model")
    plans = json.loads((folder / "plans.json").read_text(encoding="utf-8"))
    plans["configurations"]["3d_fullres"].update(preprocessor_name=PREPROCESSOR, spacing=[1.5, 1.5, 1.5])
    (folder / "plans.json").write_text(json.dumps(plans))
    write_card(folder, json.loads((folder / "model.json").read_text(encoding="utf-8")))
    return folder


@pytest.fixture(scope="session")
def speckled_volume() -> Volume:
    """Noise with a dark ball, at anisotropic spacing, larger than one window of the model."""
    random = np.random.default_rng(3)
    voxels = random.normal(110, 25, (30, 44, 52))
    k, j, i = np.indices(voxels.shape)
    voxels[((k - 15) * 0.9) ** 2 + ((j - 22) * 0.6) ** 2 + ((i - 26) * 0.5) ** 2 < 64] -= 60
    ijk_to_ras = np.array([[0.5, 0, 0, -13], [0, 0.6, 0, 40], [0, 0, 0.9, 7], [0, 0, 0, 1]])
    return Volume(np.clip(voxels, 1, 255).astype(np.uint8), ijk_to_ras)


@pytest.fixture(scope="session")
def stand_in():
    """make(f32=change, ...): in the place of OpenVinoRuntime, torch's answer changed as it is said for each precision;
    the changes `same`, `slow` and `shifted(by)`; and `clock`, for which `slow` takes longer and nothing else takes time.
    """
    import torch
    from CRLMSegmentationLib.segmentation.runtime import TorchRuntime

    passed_s = [0.0]

    class Stand:
        def __init__(self, precision, network, change):
            self.name, self.device, self.largest_batch = f"stand-in {precision}", torch.device("cpu"), 1
            self._runtime, self._change = TorchRuntime(network, (16, 16, 16), "cpu"), change

        def run(self, windows):
            passed_s[0] += 0.1
            return self._change(self._runtime.run(windows))

    def make(**changes):
        return lambda network, patch, threads, file, precision, smallest: Stand(
            precision, network(), changes[precision]
        )

    def slow(logits):
        passed_s[0] += 0.1
        return logits

    def shifted(by):
        def change(logits):
            logits = logits.clone()
            logits[:, 1] += by
            return logits

        return change

    return SimpleNamespace(
        make=make, same=lambda logits: logits, slow=slow, shifted=shifted, clock=lambda: passed_s[0]
    )

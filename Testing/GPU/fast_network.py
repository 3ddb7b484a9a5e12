"""Part 'fast-network': box to mask, frame to outline, CT to structures, picture to landmarks; nnU-Net's own predictor,
warm and cold, on the same card.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import numpy as np
from correct_network import dice_of
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.inference.averaging import PREPROCESSOR, average_seen, averaged_shape
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan
from CRLMSegmentationLib.inference.models.trained_model import Model, load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.inference.preparation import prepare, probabilities_of
from CRLMSegmentationLib.inference.sliding_window import predict_logits
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import LandmarkFinder
from CRLMSegmentationLib.laparoscopy.network.network_picture import NETWORK_SIZE
from CRLMSegmentationLib.live.outline import outline_polygons
from CRLMSegmentationLib.preoperative.find_structures import find_structures
from CRLMSegmentationLib.preoperative.structures import LABELS
from CRLMSegmentationLib.values import Volume
from inert_modules import is_of_a_stand_in
from models import box_of_speckle, default_2d, default_3d, frame_of_speckle, landmark_network, shipped, untrained
from record import Record
from timing import profiled, timed


def run(record: Record, argument: str) -> None:
    box, frame = box_of_speckle(record.quick), frame_of_speckle(record.quick)
    small, default = shipped(True)[0], default_3d(record.work, record.quick)
    flat = default_2d(record.work, record.quick)
    for name, model in (("the shipped network", small), ("the default network", default)):
        mask = _box_to_mask(record, name, model, box)
        _beside_nnunet(record, name, model, box, mask)
    _beside_a_cold_nnunet(record, default, box)
    _frame_to_outline(record, flat, frame)
    _through_the_worker(record, small, flat, box, frame)
    _box_to_surface(record, default, box)
    _ct_to_structures(record)
    _picture_to_landmarks(record)


def _box_to_mask(record: Record, name: str, model: Model, image: Image) -> Callable[[], np.ndarray]:
    predictor, threshold = LocalPredictor(model, record.device), model.card.threshold

    def mask() -> np.ndarray:
        found: np.ndarray = predictor.predict(image).probabilities[0] >= threshold
        return found

    mask()
    record.figure(f"box to mask, {name}", timed(record, mask))
    profiled(record, f"box to mask, {name}", mask)
    member = predictor._members[0]
    prepared = prepare(image, member.plan, member.runtimes[0].device)
    runtime, plan = member.runtimes[0], member.plan

    def logits():
        return predict_logits(
            prepared.data, member.runtimes, plan.patch_size, plan.heads, (), lambda done, of: None, lambda: False
        )

    answered, head = logits(), [plan.heads - 1]
    window = logits_window(runtime, plan)
    record.figure(f"box to mask, {name}, its steps", {
        "prepare": timed(record, lambda: prepare(image, plan, runtime.device)),
        "windows": timed(record, logits),
        "one window": timed(record, lambda: runtime.run(window)),
        "back to voxels": timed(record, lambda: probabilities_of(answered, prepared, plan, head, predictor.threads)),
    })  # fmt: skip
    return mask


def logits_window(runtime, plan: NetworkPlan):
    """One window of noise on the runtime's device."""
    import torch

    return torch.randn((1, plan.channels, *plan.patch_size), device=runtime.device)


def _beside_nnunet(record: Record, name: str, model: Model, image: Image, mask: Callable[[], np.ndarray]) -> None:
    """nnU-Net's predictor, warm, in this process and on the same device, without mirroring.

    A model that averages voxels first is given to it as a plain one, with a crop that is averaged already: it has less
    to do then.
    """
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    plain, crop = _for_nnunet(record, model, image)
    plan = NetworkPlan.of(plain, 1)
    weights = plain.read_weights()
    predictor = nnUNetPredictor(
        use_mirroring=False, perform_everything_on_device=record.device == "cuda",
        device=torch.device(record.device), allow_tqdm=False,
    )  # fmt: skip
    network = plan.network(weights[0]).to(record.device)
    predictor.manual_initialization(
        network, plan.plans, plan.configuration, weights, plain.dataset, "nnUNetTrainer", None
    )
    properties = {"spacing": list(crop.spacing_mm)}

    def theirs() -> np.ndarray:
        found: np.ndarray = predictor.predict_single_npy_array(crop.channels.astype(np.float32), dict(properties))
        return found

    try:
        their_mask, times = theirs(), timed(record, theirs, 5)
    except RuntimeError as missing:  # its resampling needs scikit-image
        if not is_of_a_stand_in(missing):
            raise
        record.figure(f"box to mask, {name}, beside nnU-Net", f"left out: {missing}")
        return
    ours = timed(record, mask)
    found = {"nnUNetPredictor": times, "ours": ours, "ratio": round(times["median_ms"] / ours["median_ms"], 2)}
    if their_mask.shape == mask().shape:
        found["dice"] = round(dice_of(their_mask > 0, mask()), 5)
    record.figure(f"box to mask, {name}, beside nnU-Net", found)


def _beside_a_cold_nnunet(record: Record, model: Model, image: Image) -> None:
    """`nnUNetv2_predict` from a file to a file, on voxels of the network's size, which need no resampling."""
    import torch
    from nnunet_peers import Predict

    folder = record.work / "cold"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model.folder, folder / "model")
    checkpoint = {"network_weights": model.read_weights()[0], "trainer_name": "nnUNetTrainer",
                  "init_args": {"configuration": model.card.configuration},
                  "inference_allowed_mirroring_axes": (0, 1, 2)}  # fmt: skip
    torch.save(checkpoint, folder / "model" / "fold_0" / "checkpoint_final.pth")
    crop = Volume(image.channels[0], np.diag([*[mm or 1.0 for mm in model.spacing_mm], 1.0]))
    seconds, mask = Predict(folder / "model", folder, record.device).cold(crop)
    record.figure("box to mask, the default network, nnUNetv2_predict from nothing",
                  {"seconds": round(seconds, 3), "voxels": mask.size})  # fmt: skip


def _for_nnunet(record: Record, model: Model, image: Image) -> tuple[Model, Image]:
    from CRLMSegmentationLib.inference.models.model_files import write_card

    configuration = model.card.configuration
    if model.plans["configurations"][configuration]["preprocessor_name"] != PREPROCESSOR:
        return model, image
    folder = record.work / f"{model.name}-plain"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model.folder, folder)
    plans = json.loads((folder / "plans.json").read_text(encoding="utf-8"))
    plans["configurations"][configuration]["preprocessor_name"] = "DefaultPreprocessor"
    (folder / "plans.json").write_text(json.dumps(plans), encoding="utf-8")
    write_card(folder, json.loads((folder / "model.json").read_text(encoding="utf-8")))
    shape = averaged_shape(image.shape, image.spacing_mm, [mm or 1.0 for mm in model.spacing_mm])
    spacing = [mm * old / new for mm, old, new in zip(image.spacing_mm, image.shape, shape)]
    return load_model(folder), Image(average_seen(image.channels[0], shape)[None], spacing)


def _frame_to_outline(record: Record, model: Model, frame: Image) -> None:
    predictor = LocalPredictor(model, record.device)
    record.figure("frame to probability", timed(record, lambda: predictor.predict(frame)))
    try:
        import skimage.measure

        skimage.measure.find_contours(np.eye(3), 0.5)
    except RuntimeError as missing:
        if not is_of_a_stand_in(missing):
            raise
        record.figure("frame to outline", f"left out: {missing}")
        return

    def outline() -> None:
        outline_polygons(predictor.predict(frame).probabilities[0, 0], 0.5)

    record.figure("frame to outline", timed(record, outline))
    profiled(record, "frame to outline", outline)


def _through_the_worker(record: Record, small: Model, flat: Model, box: Image, frame: Image) -> None:
    """What a user waits for: shared memory and the pipe included."""
    with WorkerPredictor({"box": small, "frames": flat}, record.device, runtime="torch") as engine:
        engine.wait_until_ready()
        record.figure("box to probability through the worker", timed(record, lambda: engine.predict(box, model="box")))
        record.figure(
            "frame to probability through the worker",
            timed(record, lambda: engine.submit_frame(frame, model="frames").result()),
        )


def _box_to_surface(record: Record, model: Model, image: Image) -> None:
    """Needs VTK, which the campaign's machine may lack."""
    try:
        import vtkmodules  # noqa: F401
    except ImportError as missing:
        record.figure("box to surface", f"left out: {missing}")
        return
    from CRLMSegmentationLib.segmentation.segment import segment
    from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter
    from CRLMSegmentationLib.values import Box

    volume = Volume(image.channels[0], np.diag([*image.spacing_mm[::-1], 1.0]))
    segmenter = TumorSegmenter(LocalPredictor(model, record.device))
    size = np.array(volume.voxels.shape[::-1]) * volume.spacing_mm
    box = Box(tuple(size / 2), tuple(size * 0.95))
    record.figure("box to surface", timed(record, lambda: segment(volume, box, segmenter)))


def _ct_to_structures(record: Record) -> None:
    """An untrained network of nnU-Net's default size at 1.5 mm, on a made-up CT of 512 x 512 x 200 voxels."""
    patch, features = ((16, 16, 16), (4, 8, 8)) if record.quick else ((128,) * 3, (32, 64, 128, 256, 320, 320))
    entries = LABELS.entries()
    model = untrained(record.work / "lvt", patch, features, 8.0 if record.quick else 1.5, "lvt", ("CT",),
                      entries["labels"], normalisation="CTNormalization",
                      regions_class_order=entries["regions_class_order"])  # fmt: skip
    shape, spacing = ((20, 40, 40), (4.0, 4.0, 4.0)) if record.quick else ((200, 512, 512), (0.75, 0.75, 1.5))
    random = np.random.default_rng(0)
    hu = random.normal(60, 20, shape).astype(np.int16)
    hu[:, : shape[1] // 8] = -1000
    ct = Volume(hu, np.diag([*spacing, 1.0]))
    predictor = LocalPredictor(model, record.device)
    found = timed(record, lambda: find_structures(ct, predictor), None if record.quick else 3)
    record.figure("CT to structures", found)


def _picture_to_landmarks(record: Record) -> None:
    """An untrained U-Net of MONAI's with a ResNet-34 on noise of 1920 x 1080 pixels; to lines where OpenCV is there."""
    predictor = LocalPredictor(landmark_network(record.work), record.device)
    picture = np.random.default_rng(2).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    small = Image.of_frame(picture[: NETWORK_SIZE[1], : NETWORK_SIZE[0]])
    record.figure("picture to probabilities of landmarks", timed(record, lambda: predictor.predict(small)))
    finder = LandmarkFinder(predictor)
    try:
        found = timed(record, lambda: finder.find(picture))
    except LaparoscopeError as missing:
        record.figure("picture to landmarks", f"left out: {missing}")
        return
    record.figure("picture to landmarks", found)

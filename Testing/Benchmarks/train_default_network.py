"""Train nnU-Net's default network a little on simulated livers, so that its masks mean something in a benchmark.

    python Testing/Benchmarks/train_default_network.py FOLDER [--iterations 300] [--threads 2] [--work WORK]

Patches of 48 voxels, about a hundredth of what nnU-Net itself would train: good enough to compare a faster way of
computing with a slower one, and for nothing else. Then the layers for 8 bits are chosen on the validation seeds, and
written into FOLDER/model.json if the masks agree well enough. The seeds decide everything but the last digits. WORK
keeps the crops for the next time; --crops-only makes them and nothing else. A FOLDER that is trained already is only
judged.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Sequence

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"), str(Path(__file__).resolve().parent)]

TRAINING_SEEDS, VALIDATION_SEEDS = range(1000, 1016), range(2000, 2010)
TRAINED_USE = "Timing and comparing. Trained on a few patches of simulated livers: good for nothing else."
PATCH, BATCH, LEARNING_RATE, MARGIN_MM = 48, 2, 1e-3, 10.0


def crops_of(seeds: Sequence[int], straying: int, work: Path):
    """(ultrasound, mask) of the tight box and of straying ones around the tumor of each simulated liver."""
    from CRLMSegmentationLib.simulation import SweepSettings, simulate_case
    from CRLMSegmentationLib.study.crop_sampling import CropSampling, sample_crops
    from CRLMSegmentationLib.study.dataset import CropDataset, read_crop
    from CRLMSegmentationLib.study.simulated_crops import reconstructed

    crops = []
    for seed in seeds:
        kept = CropDataset(work, f"liver{seed}")
        if len(kept.names()) == 1 + straying:
            crops += [read_crop(kept, name) for name in kept.names()]
            continue
        case = simulate_case(seed, sweep=SweepSettings(frames=48))

        def load(fill: str, every: int, case=case):
            return reconstructed(case.sweep, case.tumor, "stick", "case")

        for one in sample_crops(load, MARGIN_MM, CropSampling(straying), seed):
            kept.add(one.name, one.image, one.mask)
        crops += [read_crop(kept, name) for name in kept.names()]
        print(f"liver {seed}", file=sys.stderr, flush=True)
    return crops


def train(plan, parameters: dict, crops, iterations: int) -> dict:
    """The parameters after so many patches: Dice and cross-entropy at full resolution, AdamW, cosine schedule."""
    import torch
    from CRLMSegmentationLib.segmentation.preparation import extent_of_nonzero, prepare

    prepared = []
    for image, mask in crops:
        spacing = [float(value) for value in image.spacing_mm[::-1]]
        seen = tuple(slice(*ends) for ends in extent_of_nonzero(image.voxels))
        data, truth = prepare(image.voxels, spacing, plan).data, torch.from_numpy((mask.voxels[seen] > 0).copy())
        if data.shape[1:] != truth.shape or min(truth.shape) < PATCH:
            continue  # the truth is not resampled here, and a patch has to fit
        prepared.append((data, truth, torch.nonzero(truth)))
    random = np.random.default_rng(0)
    network = plan.network(parameters).train()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    started = time.monotonic()
    for number in range(iterations):
        images, truths = zip(*(_patch(prepared[random.integers(len(prepared))], random) for _ in range(BATCH)))
        logits, truth = network(torch.stack(images)), torch.stack(truths)
        tumor = torch.softmax(logits, 1)[:, 1]
        dice = (2 * (tumor * truth).sum() + 1) / (tumor.sum() + truth.sum() + 1)
        loss = torch.nn.functional.cross_entropy(logits, truth.long()) + 1 - dice
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12)
        optimizer.step()
        schedule.step()
        if number % 10 == 9:
            each = (time.monotonic() - started) / (number + 1)
            print(f"iteration {number + 1} of {iterations}, {each:.1f} s each, loss {float(loss.detach()):.3f}",
                  file=sys.stderr, flush=True)
    return network.eval().state_dict()


def _patch(case, random: np.random.Generator):
    """One patch, three times of four with tumor at its middle; mirrored at random."""
    import torch

    data, truth, tumor = case
    size = np.array(truth.shape)
    middle = tumor[random.integers(len(tumor))].numpy() if len(tumor) and random.uniform() < 0.75 else (
        random.integers(size))
    first = np.clip(middle - PATCH // 2, 0, size - PATCH)
    place = tuple(slice(start, start + PATCH) for start in first)
    axes = [axis for axis in range(3) if random.uniform() < 0.5]
    return torch.flip(data[0][place], axes)[None], torch.flip(truth[place], axes)


def write_weights(folder: Path, parameters: dict) -> None:
    """In place of the untrained ones, with the card's hash."""
    import torch
    from CRLMSegmentationLib.segmentation.models import CARD
    from CRLMSegmentationLib.study.export import WEIGHTS, write_card

    checkpoint = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    torch.save({**checkpoint, "network_weights": dict(parameters)}, folder / WEIGHTS)
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    card["intended_use"] = TRAINED_USE
    write_card(folder, card)


def judge(folder: Path, crops, threads: int) -> dict:
    """Quantise on the crops, and how well float32 itself finds their tumors."""
    from CRLMSegmentationLib.segmentation.models import load_model
    from CRLMSegmentationLib.segmentation.predictor import Segmenter
    from CRLMSegmentationLib.segmentation.quantise import quantise, write_eight_bits

    model = load_model(folder)
    images = [image for image, _ in crops]
    found = quantise(model, images, threads, lambda fraction, text: print(text, file=sys.stderr, flush=True))
    if found.good_enough:
        write_eight_bits(model, found)
    segmenter = Segmenter(model, "cpu", threads=threads, runtime="openvino")
    dices = []
    for image, mask in crops[len(crops) // 2:]:
        one, other = segmenter.probability(image).voxels >= model.card.threshold, mask.voxels > 0
        dices.append(2 * int((one & other).sum()) / max(1, int(one.sum()) + int(other.sum())))
    return {
        "good_enough": found.good_enough, "float32_with_truth_median": float(np.median(dices)),
        "eight_bits_with_float32": vars(found.agreement),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--crops-only", action="store_true")
    arguments = parser.parse_args()
    import torch
    from CRLMSegmentationLib.segmentation.models import CARD, load_model
    from CRLMSegmentationLib.segmentation.network_plan import NetworkPlan
    from default_network import make_default_model

    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        work = arguments.work or Path(folder) / "crops"
        training, validation = (crops_of(seeds, 1, work) for seeds in (TRAINING_SEEDS, VALIDATION_SEEDS))
        if arguments.crops_only:
            return
        if not (arguments.folder / CARD).is_file():
            make_default_model(Path(folder) / "plan", arguments.folder)
    model = load_model(arguments.folder)
    if model.card.text.get("intended_use") != TRAINED_USE:
        parameters = train(
            NetworkPlan.of(model, arguments.threads), model.read_weights()[0], training, arguments.iterations
        )
        write_weights(arguments.folder, parameters)
    print(json.dumps(judge(arguments.folder, validation, arguments.threads), indent=2))


if __name__ == "__main__":
    main()

"""Train nnU-Net's default network a little on simulated livers, so that its masks mean something in a benchmark.

    python Testing/Benchmarks/train_default_network.py FOLDER [--iterations 1200] [--threads 2] [--work WORK]

About a hundredth of what nnU-Net itself would train: good enough to compare a faster way of computing with a slower
one, and for nothing else. Then the layers for 8 bits are chosen on the validation seeds, and written into
FOLDER/model.json if the masks agree well enough. The seeds decide everything but the last digits. WORK keeps the crops
for the next time; --crops-only makes them and nothing else. A FOLDER that is trained already is only judged.
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

TRAINING_SEEDS, VALIDATION_SEEDS = range(1000, 1032), range(2000, 2010)
TRAINED_USE = "Timing and comparing. Trained on a few patches of simulated livers: good for nothing else."
BATCH, LEARNING_RATE, MARGIN_MM = 2, 1e-3, 10.0


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
    """The parameters after so many iterations: Dice and cross-entropy with deep supervision, AdamW, cosine schedule.

    A window as large as the network's own costs eight times one of half its edges. Most iterations therefore take half
    windows, by turns of a part of the crop and of all of it at half the resolution, so that both the texture and the
    surroundings are learned; the last twentieth takes whole windows, as they are in use.
    """
    import torch
    from CRLMSegmentationLib.segmentation.preparation import prepare
    from CRLMSegmentationLib.segmentation.surface import occupied_extent

    prepared = []
    for image, mask in crops:
        spacing = [float(value) for value in image.spacing_mm[::-1]]
        seen = occupied_extent(image.voxels)
        data, truth = prepare(image.voxels, spacing, plan).data, torch.from_numpy((mask.voxels[seen] > 0).copy())
        if data.shape[1:] != truth.shape:
            continue  # the truth is not resampled here
        prepared.append((data[0], truth.float(), torch.nonzero(truth)))
    random = np.random.default_rng(0)
    whole, half = np.array(plan.patch_size), np.array(plan.patch_size) // 2
    half = half // 16 * 16
    network = plan.network(parameters).train()
    network.decoder.deep_supervision = True
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=iterations, pct_start=0.1)
    started, losses = time.monotonic(), []
    for number in range(iterations):
        if number >= iterations * 19 // 20:
            batch = [_window(prepared[random.integers(len(prepared))], whole, 1, random)]
        else:
            shrink = 1 + number % 2
            batch = [_window(prepared[random.integers(len(prepared))], half, shrink, random) for _ in range(BATCH)]
        image, truth = (torch.stack(parts)[:, None] for parts in zip(*batch))
        loss = _loss(network(image), truth)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if number % 20 == 19:
            each = (time.monotonic() - started) / (number + 1)
            print(f"iteration {number + 1} of {iterations}, {each:.1f} s each, loss {np.mean(losses[-20:]):.3f}",
                  file=sys.stderr, flush=True)
    network.decoder.deep_supervision = False
    return network.eval().state_dict()


def _window(case, size: np.ndarray, shrink: int, random: np.random.Generator):
    """(grey levels, truth) of one window of `size` voxels, four times of five with tumor in it; mirrored at random.

    With `shrink` 2 the window is cut twice as large and its voxels are means over 2 x 2 x 2. What the crop does not
    fill is 0, on its far sides.
    """
    import torch

    data, truth, tumor = case
    edges, available = size * shrink, np.array(truth.shape)
    middle = random.integers(available)
    if len(tumor) and random.uniform() < 0.8:
        middle = tumor[random.integers(len(tumor))].numpy()
    first = np.clip(middle - random.integers(edges // 4, edges - edges // 4), 0, np.maximum(available - edges, 0))
    place = tuple(slice(start, start + edge) for start, edge in zip(first, edges))
    axes = [axis for axis in range(3) if random.uniform() < 0.5]
    parts = []
    for voxels in (data, truth):
        cut = voxels[place]
        padding = [pad for edge, has in zip(edges[::-1], cut.shape[::-1]) for pad in (0, int(edge - has))]
        cut = torch.nn.functional.pad(cut, padding)[None]
        parts.append(torch.flip(torch.nn.functional.avg_pool3d(cut, shrink)[0], axes))
    return parts[0], (parts[1] >= 0.5).float()


def _loss(outputs, truth):
    """Cross-entropy and one minus Dice, halved from each resolution of the decoder to the next coarser one."""
    import torch

    total, weight = 0.0, 1.0
    for logits in outputs[:4]:
        here = torch.nn.functional.interpolate(truth, logits.shape[2:])[:, 0]
        tumor = torch.softmax(logits, 1)[:, 1]
        dice = (2 * (tumor * here).sum() + 1) / (tumor.sum() + here.sum() + 1)
        total = total + weight * (torch.nn.functional.cross_entropy(logits, here.long()) + 1 - dice)
        weight /= 2
    return total


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
    parser.add_argument("--iterations", type=int, default=1200)
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

"""Train nnU-Net's default network on made-up boxes (made_up.py), so that its masks mean something in a benchmark.

    python Testing/Benchmarks/train_default_network.py FOLDER [--iterations 450] [--threads 2]

Speckle with one dark lobed tumor is learned far sooner than a liver; `segmentation.py --trained FOLDER` times it: good
enough to compare a faster way of computing with a slower one, and for nothing else. Then the layers for 8 bits are
chosen on ten further boxes, and written into FOLDER/model.json if the masks of ten others agree well enough. The seeds
decide everything but the last digits. A FOLDER that is trained already is only judged.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"), str(Path(__file__).resolve().parent)]

from made_up import made_up_case  # noqa: E402

TRAINING_SEEDS, VALIDATION_SEEDS = range(100), range(1000, 1020)
TRAINED_USE = "Timing and comparing. Trained on made-up boxes of speckle: good for nothing else."
BATCH, LEARNING_RATE = 2, 1e-3


def train(plan, parameters: dict, iterations: int) -> dict:
    """The parameters after so many iterations: Dice and cross-entropy with deep supervision, AdamW, one-cycle schedule.

    A window as large as the network's own costs eight times one of half its edges. Most iterations therefore take two
    half windows; the last twentieth takes one whole, as in use.
    """
    import torch
    from CRLMSegmentationLib.inference.preparation import prepare
    from CRLMSegmentationLib.segmentation.segmenter import image_of

    prepared = []
    for seed in TRAINING_SEEDS:
        image, tumor = made_up_case(seed, plan.patch_size)
        data = prepare(image_of(image), plan).data
        prepared.append((data[0].half(), torch.from_numpy(tumor.voxels)))
    random = np.random.default_rng(0)
    whole = np.array(plan.patch_size)
    deepest = np.array(plan.smallest_window) // 2  # a window has to be a multiple of the network's strides
    half = whole // 2 // deepest * deepest
    network = plan.network(parameters).train()
    network.decoder.deep_supervision = True
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=iterations, pct_start=0.1)
    started, losses = time.monotonic(), []
    for number in range(iterations):
        size, count = (whole, 1) if number >= iterations * 19 // 20 else (half, BATCH)
        batch = [_window(*prepared[random.integers(len(prepared))], size, random) for _ in range(count)]
        image, truth = (torch.stack(parts)[:, None] for parts in zip(*batch))
        loss = _loss(network(image), truth)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if number % 10 == 9:
            each = (time.monotonic() - started) / (number + 1)
            print(
                f"iteration {number + 1} of {iterations}, {each:.1f} s each, loss {np.mean(losses[-10:]):.3f}",
                file=sys.stderr,
                flush=True,
            )
    network.decoder.deep_supervision = False
    return network.eval().state_dict()


def _window(data, truth, size: np.ndarray, random: np.random.Generator):
    """(grey levels, truth) of one window of `size` voxels, mirrored at random."""
    import torch

    first = [random.integers(has - edge + 1) for has, edge in zip(truth.shape, size)]
    place = tuple(slice(start, start + edge) for start, edge in zip(first, size))
    axes = [axis for axis in range(3) if random.uniform() < 0.5]
    return torch.flip(data[place], axes).float(), torch.flip(truth[place], axes).float()


def _loss(outputs, truth):
    """Cross-entropy and one minus Dice, halved from each resolution of the decoder to the next coarser one."""
    import torch

    total, weight = 0.0, 1.0
    for logits in outputs:
        here = torch.nn.functional.interpolate(truth, logits.shape[2:])[:, 0]
        tumor = torch.softmax(logits, 1)[:, 1]
        dice = (2 * (tumor * here).sum() + 1) / (tumor.sum() + here.sum() + 1)
        total = total + weight * (torch.nn.functional.cross_entropy(logits, here.long()) + 1 - dice)
        weight /= 2
    return total


def write_weights(folder: Path, parameters: dict) -> None:
    """In place of the untrained ones, with the card's hash."""
    import torch
    from CRLMSegmentationLib.inference.models.card import CARD
    from CRLMSegmentationLib.study.training.export import WEIGHTS, write_card

    checkpoint = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    torch.save({**checkpoint, "network_weights": dict(parameters)}, folder / WEIGHTS)
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    card["intended_use"] = TRAINED_USE
    write_card(folder, card)


def judge(folder: Path, crops, threads: int) -> dict:
    """Quantise on the crops, and how well float32 itself finds their tumors."""
    from CRLMSegmentationLib.inference.models.trained_model import load_model
    from CRLMSegmentationLib.inference.predictor import LocalPredictor
    from CRLMSegmentationLib.inference.runtimes.quantise import write_eight_bits
    from CRLMSegmentationLib.segmentation.eight_bits import quantise_for_tumors
    from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter

    model = load_model(folder)
    images = [image for image, _ in crops]
    found = quantise_for_tumors(model, images, threads, lambda fraction, text: print(text, file=sys.stderr, flush=True))
    if found.good_enough:
        write_eight_bits(model, found)
    segmenter = TumorSegmenter(LocalPredictor(model, "cpu", threads=threads, runtime="openvino"))
    dices = []
    for image, mask in crops[len(crops) // 2 :]:
        one, other = segmenter.probability(image).voxels >= model.card.threshold, mask.voxels > 0
        dices.append(2 * int((one & other).sum()) / max(1, int(one.sum()) + int(other.sum())))
    return {
        "good_enough": found.good_enough,
        "float32_with_truth_median": float(np.median(dices)),
        "eight_bits_with_float32": vars(found.agreement),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--iterations", type=int, default=450)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    import torch
    from CRLMSegmentationLib.inference.models.card import CARD
    from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan
    from CRLMSegmentationLib.inference.models.trained_model import load_model
    from default_network import make_default_model

    torch.set_num_threads(arguments.threads)
    if not (arguments.folder / CARD).is_file():
        with tempfile.TemporaryDirectory() as work:
            make_default_model(Path(work), arguments.folder)
    model = load_model(arguments.folder)
    if model.card.text.get("intended_use") != TRAINED_USE:
        plan = NetworkPlan.of(model, arguments.threads)
        write_weights(arguments.folder, train(plan, model.read_weights()[0], arguments.iterations))
    cases = [made_up_case(seed) for seed in VALIDATION_SEEDS]
    print(json.dumps(judge(arguments.folder, cases, arguments.threads), indent=2))


if __name__ == "__main__":
    main()

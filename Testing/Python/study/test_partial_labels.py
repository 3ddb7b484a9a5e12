"""Learning from cases of which only some structures were annotated."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.study.training import nnunet_trainers
from CRLMSegmentationLib.study.training.partial_loss import PartialLabelLoss
from CRLMSegmentationLib.study.training.partial_trainer import annotated_in
from nnunetv2.training.loss.compound_losses import DC_and_BCE_loss
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss

FOLDER = Path(nnunet_trainers.__file__).parent


def batch(cases=3, structures=3):
    random = torch.Generator().manual_seed(5)
    logits = torch.randn((cases, structures, 4, 5, 6), generator=random)
    target = torch.rand(logits.shape, generator=random) > 0.7
    return logits.requires_grad_(), target


def loss_and_gradient(loss, logits, target):
    logits = logits.detach().clone().requires_grad_()
    value = loss(logits, target)
    value.backward()
    return value.item(), logits.grad


@pytest.mark.parametrize("batch_dice", [False, True])
@pytest.mark.parametrize("annotated", [None, torch.ones((3, 3), dtype=torch.bool)])
def test_with_everything_annotated_it_is_the_loss_of_nnunet(batch_dice, annotated):
    logits, target = batch()
    options = {"batch_dice": batch_dice, "do_bg": True, "smooth": 1e-5, "ddp": False}
    reference = DC_and_BCE_loss({}, options, dice_class=MemoryEfficientSoftDiceLoss)
    ours = PartialLabelLoss(batch_dice=batch_dice)
    ours.annotated = annotated
    expected, wanted = loss_and_gradient(reference, logits, target)
    value, gradient = loss_and_gradient(ours, logits, target)
    assert value == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(gradient, wanted, atol=1e-8, rtol=1e-4)


@pytest.mark.parametrize("batch_dice", [False, True])
def test_what_was_not_annotated_has_a_gradient_of_exactly_zero(batch_dice):
    logits, target = batch()
    loss = PartialLabelLoss(batch_dice=batch_dice)
    loss.annotated = torch.tensor([[True, False, True], [False, False, True], [True, False, False]])
    value, gradient = loss_and_gradient(loss, logits, target)
    there = gradient.flatten(2).abs().sum(2)
    assert np.isfinite(value) and (there[~loss.annotated] == 0).all() and (there[loss.annotated] > 0).all()
    # What stands there changes nothing, be it annotated by chance or wrongly answered without limit.
    other = target.clone()
    other[~loss.annotated] = ~other[~loss.annotated]
    extreme = logits.detach().clone()
    extreme[~loss.annotated] = 1e30
    assert loss_and_gradient(loss, extreme, other)[0] == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("batch_dice", [False, True])
def test_the_rest_counts_as_if_the_batch_held_nothing_else(batch_dice):
    logits, target = batch()
    loss = PartialLabelLoss(batch_dice=batch_dice)
    loss.annotated = torch.tensor([[True, False, False]] * 3)
    value = loss(logits, target).item()
    loss.annotated = None
    assert value == pytest.approx(loss(logits[:, :1], target[:, :1]).item(), abs=1e-6)


def test_structures_are_weighted_as_asked():
    logits, target = batch(cases=2)
    alone = [PartialLabelLoss()(logits[:, c : c + 1], target[:, c : c + 1]).item() for c in range(3)]
    for batch_dice in (False, True):
        loss = PartialLabelLoss(weights=(1.0, 2.0, 5.0), batch_dice=batch_dice)
        by_batch = [PartialLabelLoss(batch_dice=batch_dice)(logits[:, [c]], target[:, [c]]).item() for c in range(3)]
        expected = (by_batch[0] + 2 * by_batch[1] + 5 * by_batch[2]) / 8
        assert loss(logits, target).item() == pytest.approx(expected, abs=1e-6)
    assert len(set(alone)) == 3


def test_a_batch_in_which_nothing_was_annotated_teaches_nothing():
    logits, target = batch()
    loss = PartialLabelLoss(batch_dice=True)
    loss.annotated = torch.zeros((3, 3), dtype=torch.bool)
    value, gradient = loss_and_gradient(loss, logits, target)
    assert value == 0 and not gradient.any()


LVT = {"labels": {"background": 0, "liver": [1, 2, 3], "vessels": 2, "tumor": 3}, "regions_class_order": [1, 2, 3]}


def test_the_data_set_says_what_was_annotated_in_which_case():
    dataset = {**LVT, "labelled": {"one": ["tumor", "liver"], "two": []}}
    assert annotated_in(dataset) == {"one": [True, False, True], "two": [False] * 3}
    assert annotated_in(LVT) == {}
    with pytest.raises(ConfigurationError, match="'spleen' was annotated in one"):
        annotated_in({**LVT, "labelled": {"one": ["spleen"]}})


def in_a_new_process(code, **more):
    path = os.pathsep.join(map(str, [Path(nnunet_trainers.__file__).parents[4], os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "nnUNet_extTrainer": str(FOLDER), **more}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=environment, check=False
    )


def test_the_search_of_nnunet_finds_the_trainer_in_the_folder_and_needs_no_torchvision():
    code = (
        "import sys; sys.modules['torchvision'] = None; sys.modules['timm'] = None\n"
        "from nnunetv2.utilities.find_class_by_name import recursive_find_python_class as find\n"
        f"found = find({str(FOLDER)!r}, 'nnUNetTrainerPartialLabels', None, base_folder={str(FOLDER)!r},\n"
        "             cleanup_imports_from_base_folder=True)\n"
        "from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer\n"
        "assert issubclass(found, nnUNetTrainer) and found.__name__ == 'nnUNetTrainerPartialLabels', found\n"
    )
    done = in_a_new_process(code)
    assert done.returncode == 0, done.stderr


def test_nnunetv2_train_finds_the_trainer_by_its_name():
    if in_a_new_process("import torchvision").returncode:
        pytest.skip("nnU-Net looks through all of its own trainers first, and the torchvision that they want is broken")
    code = (
        "from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name as find\n"
        "print(find('nnUNetTrainerPartialLabels').__name__)"
    )
    done = in_a_new_process(code)
    assert done.stdout.splitlines()[-1:] == ["nnUNetTrainerPartialLabels"], done.stderr

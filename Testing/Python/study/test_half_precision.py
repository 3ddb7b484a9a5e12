"""Trainings in bfloat16: only where the processor computes the layers rightly. A loss that is no number ends them."""

from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.study.training import half_precision, trainer
from CRLMSegmentationLib.study.training.divergence import refuse_divergence
from CRLMSegmentationLib.study.training.half_precision import in_half_precision, is_too_flat


def network(kernel=3, steps=1):
    """Halves the picture `steps` times; its last layer sees what is left."""
    import torch

    halving = [torch.nn.Conv3d(1, 1, 3, stride=2, padding=1) for _ in range(steps)]
    return torch.nn.Sequential(*halving, torch.nn.BatchNorm3d(1), torch.nn.Conv3d(1, 2, kernel, padding="same"))


@pytest.mark.parametrize("kernel, steps, patch, expected", [
    (3, 1, (4, 16, 16), True),      # 2 slices under a kernel of 3
    (3, 1, (8, 4, 4), False),       # rows and columns do not matter
    (3, 2, (8, 32, 32), True),
    (3, 2, (12, 32, 32), False),
    ((1, 3, 3), 1, (6, 16, 16), False),
])  # fmt: skip
def test_a_layer_with_fewer_slices_than_its_kernel_is_told(kernel, steps, patch, expected):
    import torch

    made = network(kernel, steps).train()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    assert is_too_flat(made, 1, patch) == expected
    assert made.training and not any(layer._forward_hooks for layer in made.modules())
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_networks_of_planes_have_no_slices():
    import torch

    assert not is_too_flat(torch.nn.Conv2d(1, 1, 3), 1, (2, 2))


class Trainer:
    """As much of nnU-Net's trainer as half precision touches; keeps what its layers computed in."""

    def __init__(self, patch):
        self.device, self.num_input_channels = SimpleNamespace(type="cpu"), 1
        self.configuration_manager = SimpleNamespace(patch_size=patch)
        self.computed_in = set()

    def initialize(self):
        self.network = network()

    def train_step(self, batch):
        answer = self.network(batch["data"])
        self.computed_in.add(str(answer.dtype))
        return {"loss": answer.float().sum()}

    validation_step = train_step


@pytest.mark.parametrize("computes, depth, expected", [
    (True, 8, "torch.bfloat16"), (True, 4, "torch.float32"), (False, 8, "torch.float32"),
])  # fmt: skip
def test_a_network_that_would_get_too_flat_learns_in_float32(monkeypatch, computes, depth, expected):
    import torch

    monkeypatch.setattr(half_precision, "computes_in_bfloat16", lambda: computes)

    class Halved(Trainer):
        pass

    in_half_precision(Halved)
    one = Halved((depth, 8, 8))
    one.initialize()
    for step in (one.train_step, one.validation_step):
        step({"data": torch.ones(2, 1, depth, 8, 8)})
    assert one.computed_in == {expected}


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 6, 6), (3, 2, 2)])
def test_what_is_left_in_half_precision_agrees_with_float32_on_this_processor(shape):
    """Whatever lay in the memory that a layer works in."""
    import torch

    torch.manual_seed(0)
    layer = torch.nn.Conv3d(64, 64, 3, padding=1).to(memory_format=torch.channels_last_3d)
    assert not is_too_flat(layer, 64, shape)
    seen, weights = torch.randn(2, 64, *shape), torch.randn(2, 64, *shape)

    def gradient(in_half):
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=in_half):
            answer = layer(seen)
        (answer.float() * weights).sum().backward()
        return layer.weight.grad.clone()

    expected = gradient(False)
    for _ in range(3):
        # Left behind in the memory that is handed out again.
        for size in (1 << power for power in range(12, 23, 2)):
            torch.full((size,), float("nan"))
        assert (gradient(True) - expected).abs().max() < 0.03 * expected.abs().max()


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_ends_a_training_with_one_sentence(loss):
    with pytest.raises(ConfigurationError, match="failed in epoch 3: its loss is no finite number"):
        refuse_divergence(loss, 2)
    refuse_divergence(-0.9, 2)


def test_trainings_look_at_every_loss(monkeypatch, tmp_path):
    from dataclasses import replace

    import torch
    from CRLMSegmentationLib.study.landmarks import training
    from CRLMSegmentationLib.study.landmarks.recipe import RECIPES
    from CRLMSegmentationLib.study.training.recipe import Recipe
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    monkeypatch.setattr(nnUNetTrainer, "train_step", lambda self, batch: {"loss": float("nan")})
    made = object.__new__(trainer.study_trainer_class(Recipe()))
    made.follow(None)
    made.current_epoch = 6
    with pytest.raises(ConfigurationError, match="epoch 7"):
        made.train_step({})
    run = object.__new__(training._Run)
    run.network, run.history = torch.nn.Linear(1, 1), []
    run.recipe = replace(next(iter(RECIPES.values())), iterations=1)
    run.optimizer = torch.optim.SGD(run.network.parameters(), lr=0.1)
    run._loss_of_batch = lambda seen, lines: run.network.weight.sum() * float("nan")
    monkeypatch.setattr(training, "training_batches", lambda pictures, recipe, epoch: [(None, None)])
    with pytest.raises(ConfigurationError, match="epoch 1"):
        run.train_epoch(None, None)

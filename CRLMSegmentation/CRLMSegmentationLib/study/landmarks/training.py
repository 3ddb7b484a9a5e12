"""A network for landmarks, trained until its loss on the validation pictures falls no more."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError
from ...inference.models.builders import NamedNetwork, Shape
from ...laparoscopy.network.network_picture import BITS, CHANNELS
from ...values.progress import Progress
from ..training.divergence import refuse_divergence
from ..training.half_precision import computes_in_bfloat16
from .batches import Pictures, batches_in_order, training_batches
from .losses import landmark_loss
from .recipe import COSINE, NETWORKS, LandmarkRecipe

if TYPE_CHECKING:
    import torch

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

LATEST, BEST, HISTORY = "latest.pt", "best.pt", "history.json"
# So much of the best loss an epoch must be better by.
_BETTER_BY = 1e-4


@dataclass(frozen=True)
class TrainingPlace:
    """Where a training is kept, and on what it runs."""

    folder: Path
    device: str = "cpu"
    threads: int | None = None


def build_network(recipe: LandmarkRecipe) -> torch.nn.Module:
    """The recipe's network with random weights. Raises ModelError where its library is not installed."""
    import torch

    torch.manual_seed(recipe.seed)
    builder, arguments = NETWORKS[recipe.network]
    return NamedNetwork(builder, arguments).build(Shape(2, len(CHANNELS), len(BITS)))


def train_network(
    training: Pictures,
    validation: Pictures,
    recipe: LandmarkRecipe,
    place: TrainingPlace,
    progress: Progress | None = None,
) -> Path:
    """Train, or go on after the last epoch of an earlier run; returns the file of the best weights.

    Each epoch is kept as soon as it has ended, with all that the next one depends on, and its losses are in
    history.json. Raises ConfigurationError when the weights to start from do not fit.
    """
    import torch

    if place.threads:
        torch.set_num_threads(place.threads)
    run = _Run(recipe, place)
    while not run.has_ended:
        started = time.monotonic()
        run.train_epoch(training, progress)
        run.end_epoch(run.loss_of(validation), time.monotonic() - started)
    return place.folder / BEST


def cosine_rate(recipe: LandmarkRecipe, step: int) -> float:
    """The rate of a step, counted from 0 over all epochs."""
    rise = min(1.0, (step + 1) / recipe.iterations)
    return recipe.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / (recipe.epochs * recipe.iterations)))


class _Run:
    """What is carried from epoch to epoch."""

    def __init__(self, recipe: LandmarkRecipe, place: TrainingPlace):
        import torch

        self.recipe, self.place, self.device = recipe, place, torch.device(place.device)
        # The order of the numbers in memory in which convolutions run without copies.
        self.network = build_network(recipe).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.in_half = recipe.half_precision and self.device.type == "cpu" and computes_in_bfloat16()
        if recipe.start_from:
            _start_from(self.network, recipe.start_from)
        self.loss: Loss = landmark_loss(recipe.losses)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, factor=recipe.rate_factor, patience=recipe.rate_patience - 1, threshold=_BETTER_BY
        )
        self.history: list[dict[str, float]] = []
        place.folder.mkdir(parents=True, exist_ok=True)
        latest = place.folder / LATEST
        if latest.is_file():
            kept = torch.load(latest, map_location=self.device, weights_only=True)
            for part, name in self._parts:
                part.load_state_dict(kept[name])
            self.history = kept["history"]

    @property
    def has_ended(self) -> bool:
        """True after the last epoch, and when the last epochs have brought nothing."""
        losses = [one["validation_loss"] for one in self.history]
        since_best = len(losses) - 1 - losses.index(min(losses)) if losses else 0
        return len(losses) >= self.recipe.epochs or since_best >= self.recipe.stop_after

    def train_epoch(self, pictures: Pictures, progress: Progress | None) -> None:
        self.network.train()
        epoch, recipe = len(self.history), self.recipe
        total = 0.0
        for number, (seen, lines) in enumerate(training_batches(pictures, recipe, epoch)):
            if recipe.rate_schedule == COSINE:
                for group in self.optimizer.param_groups:
                    group["lr"] = cosine_rate(recipe, epoch * recipe.iterations + number)
            self.optimizer.zero_grad(set_to_none=True)
            loss = self._loss_of_batch(seen, lines)
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
            self.optimizer.step()
            refuse_divergence(float(loss.detach()), epoch)
            total += float(loss.detach())
            if progress:
                done = (epoch + (number + 1) / recipe.iterations) / recipe.epochs
                progress(
                    done, f"Training, epoch {epoch + 1} of {recipe.epochs} at most, loss {total / (number + 1):.3f}"
                )
        self._training_loss = total / recipe.iterations

    def loss_of(self, pictures: Pictures) -> float:
        """Mean of the pictures as they are."""
        import torch

        self.network.eval()
        total = 0.0
        with torch.no_grad():
            for seen, lines in batches_in_order(pictures, self.recipe.batch):
                total += len(seen) * float(self._loss_of_batch(seen, lines))
        return total / len(pictures)

    def _loss_of_batch(self, seen: torch.Tensor, lines: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.autocast("cpu", torch.bfloat16, enabled=self.in_half):
            logits = self.network(seen.to(self.device, memory_format=torch.channels_last))
        return self.loss(logits.float(), lines.to(self.device))

    def end_epoch(self, validation_loss: float, seconds: float) -> None:
        """Keep the epoch; and its weights, where they are the best."""
        rate = float(self.optimizer.param_groups[0]["lr"])
        if self.recipe.rate_schedule != COSINE:
            self.schedule.step(validation_loss)
        best = min((one["validation_loss"] for one in self.history), default=float("inf"))
        self.history.append(
            {
                "loss": self._training_loss,
                "validation_loss": validation_loss,
                "learning_rate": rate,
                "seconds": round(seconds, 2),
            }
        )
        if validation_loss < best:
            _write(self.network.state_dict(), self.place.folder / BEST)
        parts = {name: part.state_dict() for part, name in self._parts}
        _write({**parts, "history": self.history}, self.place.folder / LATEST)
        text = json.dumps(self.history, indent=1)
        (self.place.folder / HISTORY).write_text(text + "\n", encoding="utf-8")

    @property
    def _parts(self) -> tuple[tuple[Any, str], ...]:
        return (self.network, "network"), (self.optimizer, "optimizer"), (self.schedule, "schedule")


def _write(content: Any, path: Path) -> None:
    """Whole or not at all: a training that is cut off goes on from what is there."""
    import torch

    draft = path.with_suffix(".draft")
    torch.save(content, draft)
    os.replace(draft, path)


def _start_from(network: torch.nn.Module, model: str) -> None:
    from ...inference.models.trained_model import load_model

    try:
        network.load_state_dict(load_model(model).read_weights()[0])
    except RuntimeError:
        raise ConfigurationError(
            f"The model {model} is built differently: a training cannot start from its weights."
        ) from None

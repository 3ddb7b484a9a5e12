"""Trainings with a clock: of nnU-Net's the rate of learning falls with the time that has gone, and the time ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Curve = Callable[[], dict[str, list[float]]]
_CURVES = ("train_losses", "val_losses", "mean_fg_dice", "ema_fg_dice", "epoch_end_timestamps")
_POWER = 0.9  # nnU-Net's polynomial schedule


@contextmanager
def train_for(seconds: float) -> Iterator[Curve]:
    """Every training in this block ends after `seconds`, after a whole epoch; gives what says how it went. Its curves
    are not drawn: that would take seaborn, and campaign.json has them.
    """
    from nnunetv2.training.logging.nnunet_logger import LocalLogger
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    started: list[float] = []
    curves: dict[str, list[float]] = {}
    before = {name: getattr(nnUNetTrainer, name) for name in ("run_training", "on_train_epoch_start", "on_epoch_end")}

    def share() -> float:
        """Of the time that has gone."""
        return (time.monotonic() - started[0]) / max(seconds, 1e-3)

    def run_training(self: Any) -> None:
        """As nnU-Net has it, but for the number of epochs, which may shrink."""
        import torch

        self.on_train_start()
        while self.current_epoch < self.num_epochs:
            self.on_epoch_start()
            self.on_train_epoch_start()
            self.on_train_epoch_end(
                [self.train_step(next(self.dataloader_train)) for _ in range(self.num_iterations_per_epoch)]
            )
            with torch.no_grad():
                self.on_validation_epoch_start()
                self.on_validation_epoch_end(
                    [self.validation_step(next(self.dataloader_val)) for _ in range(self.num_val_iterations_per_epoch)]
                )
            self.on_epoch_end()
        self.on_train_end()

    def on_train_epoch_start(self: Any) -> None:
        started[:] = started or [time.monotonic()]
        before["on_train_epoch_start"](self)
        for group in self.optimizer.param_groups:
            group["lr"] = self.initial_lr * max(0.0, 1 - share()) ** _POWER

    def on_epoch_end(self: Any) -> None:
        before["on_epoch_end"](self)
        curves.update(_curves_of(self))
        dice = curves.get("ema_fg_dice") or [float("nan")]
        print(f"epoch {self.current_epoch}, {time.monotonic() - started[0]:.0f} s, Dice {dice[-1]:.3f}", flush=True)
        if share() >= 1:
            self.num_epochs = self.current_epoch

    changes = {"run_training": run_training, "on_train_epoch_start": on_train_epoch_start, "on_epoch_end": on_epoch_end}
    for name, function in changes.items():
        setattr(nnUNetTrainer, name, function)
    draw, LocalLogger.plot_progress_png = LocalLogger.plot_progress_png, lambda logger, folder: None
    try:
        yield lambda: curves
    finally:
        LocalLogger.plot_progress_png = draw
        for name, function in before.items():
            setattr(nnUNetTrainer, name, function)


@contextmanager
def train_landmarks_for(seconds: float) -> Iterator[Curve]:
    """The same for the networks of landmarks, whose rate falls by itself where nothing is won any more."""
    from CRLMSegmentationLib.study.landmarks.training import _Run

    started, by_itself = time.monotonic(), _Run.has_ended
    curves: dict[str, list[float]] = {}

    def has_ended(run: _Run) -> bool:
        for name in run.history[0] if run.history else ():
            curves[name] = [round(epoch[name], 5) for epoch in run.history]
        is_over = bool(run.history) and time.monotonic() - started >= seconds
        return is_over or bool(by_itself.__get__(run))

    _Run.has_ended = property(has_ended)
    try:
        yield lambda: curves
    finally:
        _Run.has_ended = by_itself


def _curves_of(trainer: Any) -> dict[str, list[float]]:
    """Plain numbers, one for each epoch."""
    found = {}
    for name in _CURVES:
        values = trainer.logger.get_value(name, step=None)[: trainer.current_epoch]
        found[name] = [round(float(value), 5) for value in values]
    return found

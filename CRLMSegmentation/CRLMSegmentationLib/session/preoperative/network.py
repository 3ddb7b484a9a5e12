"""The network that finds structures in a CT: which can be chosen, and one run of it in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...inference.engine import WorkerPredictor
from ...inference.models.catalogue import CatalogueEntry, model_choices
from ...inference.models.trained_model import Model, load_model
from ...inference.protocol import Predictor
from ...preoperative.find_structures import check_model
from ...words import mark, tr

TASK = "lvt"
NO_MODEL = mark(
    "No model for CT is installed: import one with `crlm import-model RESULT NAME --task lvt`, or open labels that "
    "another program made of this CT, such as TotalSegmentator."
)
UNPROVEN = mark("What a model marks, or does not mark, in a patient is unproven until it was tried on patients.")

# Begins a model, which is ended by close() where it has one.
Begin = Callable[[Model, str], Predictor]


def ct_models() -> list[CatalogueEntry]:
    """Those that can be chosen, and those that cannot be used, each with its problem."""
    return [entry for entry in model_choices(TASK) if entry.task == TASK or entry.problem]


def usable_models() -> list[CatalogueEntry]:
    """Those that can be chosen."""
    return [entry for entry in ct_models() if not entry.problem]


def begin_network(model: Model, device: str) -> Predictor:
    """In a process of its own: memory that runs out there takes nothing with it here."""
    return WorkerPredictor(model, device)


@dataclass(frozen=True)
class Network:
    """A model that was chosen, and the device that it runs on ('auto', 'cpu', 'cuda')."""

    model: Model
    device: str = "auto"
    begin: Begin = begin_network

    @contextmanager
    def predictor(self) -> Iterator[Predictor]:
        """Ready within the block, and ended after it: a CT is segmented once, and its memory is needed elsewhere."""
        running = self.begin(self.model, self.device)
        try:
            yield running
        finally:
            close = getattr(running, "close", None)
            if close is not None:
                close()

    def about(self) -> dict[str, Any]:
        """For the folder of the result."""
        card = self.model.card
        unproven = tr(UNPROVEN)
        doubts = [f"{card.trained_on} {unproven}"] if card.trained_on_simulated_only else [unproven]
        return {"model": {"name": card.name, "version": card.version}, "doubts": doubts}


def network_named(name_or_folder: str | Path | None, device: str, begin: Begin = begin_network) -> Network:
    """The model of that name or folder; the first that there is for None. Raises ModelError, for none NO_MODEL."""
    if name_or_folder is None:
        there = usable_models()
        if not there:
            raise ModelError(NO_MODEL)
        name_or_folder = there[0].name
    model = load_model(name_or_folder)
    check_model(model)
    return Network(model, device, begin)

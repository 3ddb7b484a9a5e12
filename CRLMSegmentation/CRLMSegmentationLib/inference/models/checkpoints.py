"""nnU-Net's training checkpoints, read as plain values, and their weights written as safetensors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ModelError
from ...words import tr
from .model_files import ALIASES

if TYPE_CHECKING:
    import torch

# What torch.compile and distributed training put before the names of the parameters.
_WRAPPERS = ("_orig_mod.", "module.")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """All that a training's checkpoint holds. Raises ModelError for one with anything but plain values, unread."""
    import torch

    try:
        with torch.serialization.safe_globals(_numpys_numbers()):
            checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(value, torch.Tensor) for value in checkpoint["network_weights"].values()):
            raise TypeError
    except Exception as error:
        # torch, zipfile and pickle each raise kinds of their own.
        named = re.search(r"GLOBAL (\S+)", str(error))
        kind = f"it holds a {named.group(1)}" if named else "damaged, or a pickle with code in it"
        raise ModelError(
            tr(
                "{path} is not a checkpoint of plain values ({kind}, which is refused); nothing in it was run.",
                path=path,
                kind=kind,
            )
        ) from None
    return checkpoint


def _numpys_numbers() -> list[Any]:
    """A training log holds NumPy numbers; they are values, and the only kinds allowed beside torch's own.

    NumPy 1 and 2 call what makes them by different names, and either may have written what the other one reads.
    """
    import numpy as np

    made: list[Any] = [
        np.ndarray,
        np.dtype,
        *(type(np.dtype(kind)) for kind in ("f8", "f4", "f2", "i8", "i4", "i2", "u1", "?")),
    ]
    core = getattr(np, "_core", None) or np.core
    for maker in (core.multiarray.scalar, core.multiarray._reconstruct):
        for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            made.append(_under_the_name(maker, module))
    return [*made, np.float64, np.float32]


def _under_the_name(function: Callable[..., Any], module: str) -> Callable[..., Any]:
    """`function` as torch finds it when a file calls it by the name that it has in `module`."""

    def renamed(*values: Any) -> Any:
        return function(*values)

    renamed.__module__, renamed.__name__, renamed.__qualname__ = module, function.__name__, function.__name__
    return renamed


def write_safetensors(parameters: Mapping[str, torch.Tensor], path: Path) -> None:
    """Every tensor once: nnU-Net's decoder names the encoder's a second time."""
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    aliases: dict[str, str] = {}
    known: dict[tuple[Any, ...], str] = {}
    for name, value in parameters.items():
        for wrapper in _WRAPPERS:
            name = name.removeprefix(wrapper)
        place = (value.untyped_storage().data_ptr(), value.storage_offset(), tuple(value.shape), tuple(value.stride()))
        if place in known and value.numel():
            aliases[name] = known[place]
            continue
        known[place] = name
        tensors[name] = value.detach().clone().contiguous()
    path.parent.mkdir(parents=True)
    save_file(tensors, path, metadata={ALIASES: json.dumps(aliases)})

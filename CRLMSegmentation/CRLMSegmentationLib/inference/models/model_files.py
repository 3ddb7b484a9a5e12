"""The files of a model folder: compared with their hashes before they are read, and read as plain values, never as
code.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ModelError
from ...words import tr
from .card import CARD, DATASET, PLANS

if TYPE_CHECKING:
    import torch

# In the metadata of a safetensors file: the other names of tensors that the network holds under several.
ALIASES = "aliases"
LARGEST_JSON_BYTES = 20_000_000


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def compare_hash(folder: Path, name: str, expected: str) -> None:
    """Raises ModelError when the file of that name in a model's folder is missing, or is not the one that was meant."""
    if not (folder / name).is_file():
        raise ModelError(
            tr(
                "The model in {folder} is incomplete: {name} is missing; get the folder again.",
                folder=folder,
                name=name,
            )
        )
    if sha256_of(folder / name) != expected:
        raise ModelError(
            tr(
                "The model file {folder} is damaged or was altered (its SHA-256 is not the one in "
                "{card}): it was not read; get the folder again.",
                folder=folder / name,
                card=CARD,
            )
        )


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a model. Raises ModelError."""
    try:
        if path.stat().st_size > LARGEST_JSON_BYTES:
            raise ModelError(tr("{path} is too large to be a part of a model.", path=path))
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise ModelError(tr("{path} is not a readable JSON file: the model folder is damaged.", path=path)) from None
    if not isinstance(content, dict):
        raise ModelError(tr("{path} does not hold what a model needs: the model folder is damaged.", path=path))
    return content


def write_card(folder: Path, card: dict[str, Any]) -> Path:
    """Write model.json with the hashes of the files that are there now, and of `card`; returns its path."""
    files = [PLANS, DATASET, *card["weights"]]
    card = {**card, "sha256": {name: sha256_of(folder / name) for name in files}}
    path = folder / CARD
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return path


def read_weights(folder: Path, name: str, expected: str) -> dict[str, torch.Tensor]:
    """Name to float32 tensor on the CPU, of safetensors or of a checkpoint; the hash is compared right before.

    Raises ModelError for a file that is altered, or holds anything but plain values.
    """
    import torch

    compare_hash(folder, name, expected)
    path = folder / name
    try:
        if path.suffix == ".safetensors":
            weights = _read_safetensors(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)["network_weights"]
        if not all(isinstance(value, torch.Tensor) for value in weights.values()):
            raise TypeError
    except Exception:
        # torch, zipfile, pickle and safetensors each raise kinds of their own for what is not plain weights.
        raise ModelError(
            tr(
                "{path} is not a file of plain network weights (damaged, or a pickle with code in it, "
                "which is refused); nothing in it was run.",
                path=path,
            )
        ) from None
    return {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import safe_open

    with safe_open(path, framework="pt", device="cpu") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
        aliases = json.loads((file.metadata() or {}).get(ALIASES, "{}"))
    return {**weights, **{alias: weights[name] for alias, name in aliases.items()}}

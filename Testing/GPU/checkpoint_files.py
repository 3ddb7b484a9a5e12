"""A trained model as files small enough to be carried home, and back: `python checkpoint_files.py FILE ... FOLDER`.

Weights in half precision as safetensors, in as many files as it takes; plans, description and card lie in the first
one's metadata.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MOST_BYTES = 15_000_000
_TEXTS = ("plans.json", "dataset.json", "model.json")


def write_checkpoint(model: Path, output: Path, name: str) -> dict[str, int]:
    """Write the model in folder `model` as NAME-1-of-N.safetensors; returns the bytes of each by its name."""
    import torch
    from CRLMSegmentationLib.inference.models.trained_model import load_model
    from safetensors.torch import save_file

    weights = load_model(model).read_weights()[0]
    parts: list[dict[str, torch.Tensor]] = [{}]
    aliases: dict[str, str] = {}
    known: dict[tuple[int, tuple[int, ...]], str] = {}
    size = 0
    for key, value in weights.items():
        place = (value.data_ptr(), tuple(value.shape))
        if place in known:
            aliases[key] = known[place]
            continue
        known[place] = key
        half = value.half() if value.is_floating_point() else value
        if parts[-1] and size + half.nbytes > MOST_BYTES:
            parts.append({})
            size = 0
        parts[-1][key] = half.contiguous()
        size += half.nbytes
    texts = {text: (model / text).read_text(encoding="utf-8") for text in _TEXTS}
    written = {}
    for number, part in enumerate(parts, 1):
        path = output / f"{name}-{number}-of-{len(parts)}.safetensors"
        save_file(part, path, metadata={**texts, "aliases": json.dumps(aliases)} if number == 1 else None)
        written[path.name] = path.stat().st_size
    return written


def read_checkpoint(files: Sequence[Path], folder: Path) -> Path:
    """The model folder again, in float32, from all files of one checkpoint; returns `folder`."""
    from CRLMSegmentationLib.inference.models.checkpoints import write_safetensors
    from CRLMSegmentationLib.inference.models.model_files import write_card
    from safetensors import safe_open

    weights: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for file in files:
        with safe_open(file, framework="pt") as content:
            texts.update(content.metadata() or {})
            weights.update({key: content.get_tensor(key).float() for key in content.keys()})  # noqa: SIM118
    weights.update({alias: weights[key] for alias, key in json.loads(texts["aliases"]).items()})
    name = "fold_0/weights.safetensors"
    write_safetensors(weights, folder / name)
    for text in _TEXTS[:2]:
        (folder / text).write_text(texts[text], encoding="utf-8")
    write_card(folder, {**json.loads(texts["model.json"]), "weights": [name]})
    return folder


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))
    print(read_checkpoint([Path(name) for name in sys.argv[1:-1]], Path(sys.argv[-1])))

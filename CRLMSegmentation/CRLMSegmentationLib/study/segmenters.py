"""Trained models in memory, for the steps of a study that try them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..inference.models.trained_model import load_model
from ..inference.predictor import LocalPredictor
from ..segmentation.segmenter import TumorSegmenter


def segmenter_of(folder: Path, device: str = "cpu", threads: int | None = None) -> TumorSegmenter[LocalPredictor]:
    """The model in `folder`, on the runtime that every processor has. Raises ModelError."""
    return TumorSegmenter(LocalPredictor(load_model(folder), device=device, threads=threads))


@lru_cache(maxsize=6)
def warm_segmenter(folder: Path, device: str, threads: int) -> TumorSegmenter[LocalPredictor]:
    """The same, kept for the next case, and with a first pass behind it, so that times are those of use."""
    segmenter = segmenter_of(folder, device, threads)
    segmenter.predictor.warm_up()
    return segmenter

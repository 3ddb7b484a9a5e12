"""Models that answer together, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ModelError
from ..image import Image
from .trained_model import Model


def models_of(model: Model | Sequence[Model]) -> tuple[Model, ...]:
    """One model or several, as a tuple. Raises ModelError for none, or for those whose channels or labels differ."""
    models = (model,) if isinstance(model, Model) else tuple(model)
    if not models:
        raise ModelError("No model was given to segment with.")
    for other in models[1:]:
        if len(other.channels) != len(models[0].channels) or set(other.labels.heads) != set(models[0].labels.heads):
            raise ModelError(
                f"The models '{models[0].name}' and '{other.name}' have other channels or labels: their probabilities "
                "cannot be averaged."
            )
    return models


def wanted_labels(model: Model, image: Image, labels: Sequence[str] | None) -> tuple[str, ...]:
    """`labels`, or all that the model answers but the background.

    Raises ModelError for a label that the model does not answer, and for an image with another number of channels.
    """
    if len(image.channels) != len(model.channels):
        raise ModelError(
            f"The model '{model.name}' takes {len(model.channels)} channels ({', '.join(model.channels)}), and "
            f"the image has {len(image.channels)}."
        )
    heads = model.labels.heads
    wanted = model.labels.foreground_heads if labels is None else tuple(labels)
    unknown = [label for label in wanted if label not in heads]
    if unknown or not wanted:
        raise ModelError(
            f"The model '{model.name}' has no label '{', '.join(unknown)}': it answers {', '.join(heads)}."
        )
    return wanted

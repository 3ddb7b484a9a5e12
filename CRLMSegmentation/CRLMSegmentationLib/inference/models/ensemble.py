"""Models that answer together, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ModelError
from ...words import tr
from ..image import Image
from .trained_model import Model


def models_of(model: Model | Sequence[Model]) -> tuple[Model, ...]:
    """One model or several, as a tuple. Raises ModelError for none, or for those whose channels or labels differ."""
    models = (model,) if isinstance(model, Model) else tuple(model)
    if not models:
        raise ModelError(tr("No model was given to segment with."))
    for other in models[1:]:
        if len(other.channels) != len(models[0].channels) or set(other.labels.heads) != set(models[0].labels.heads):
            raise ModelError(
                tr(
                    "The models '{name}' and '{name_2}' have other channels or labels: their probabilities "
                    "cannot be averaged.",
                    name=models[0].name,
                    name_2=other.name,
                )
            )
    return models


def wanted_labels(model: Model, image: Image, labels: Sequence[str] | None) -> tuple[str, ...]:
    """`labels`, or all that the model answers but the background.

    Raises ModelError for a label that the model does not answer, and for an image with another number of channels.
    """
    if len(image.channels) != len(model.channels):
        raise ModelError(
            tr(
                "The model '{name}' takes {channels} channels ({channels_2}), and the image has {channels_3}.",
                name=model.name,
                channels=len(model.channels),
                channels_2=", ".join(model.channels),
                channels_3=len(image.channels),
            )
        )
    heads = model.labels.heads
    wanted = model.labels.foreground_heads if labels is None else tuple(labels)
    unknown = [label for label in wanted if label not in heads]
    if unknown or not wanted:
        raise ModelError(
            tr(
                "The model '{name}' has no label '{unknown}': it answers {heads}.",
                name=model.name,
                unknown=", ".join(unknown),
                heads=", ".join(heads),
            )
        )
    return wanted

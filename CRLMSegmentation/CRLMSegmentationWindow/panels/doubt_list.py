"""Several sentences that a person has to see, one below the other."""

from __future__ import annotations

from collections.abc import Iterable

from CRLMSegmentationLib.words import tr as _

from .step_panel import sentence_of


def listed(first: str, sentences: Iterable[str]) -> str:
    """`first` and all the sentences, each on a line of its own, numbered where there are several."""
    sentences = [sentence_of(sentence) for sentence in sentences]
    if len(sentences) > 1:
        lines = [_("{number}. {sentence}").format(number=n, sentence=s) for n, s in enumerate(sentences, 1)]
    else:
        lines = sentences
    return "\n".join([line for line in (first, *lines) if line])

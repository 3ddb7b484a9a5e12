"""`nnUNetv2_train ... -tr nnUNetTrainerPartialLabels`: nnU-Net's trainer for cases that were annotated in part.

nnU-Net imports this file as a module of its own, which is why it names the library in full.
"""

from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from CRLMSegmentationLib.study.training.partial_trainer import with_partial_labels


class nnUNetTrainerPartialLabels(with_partial_labels(nnUNetTrainer)):  # type: ignore[misc]  # noqa: N801
    """Sigmoids for regions; `labelled` in dataset.json names what was annotated in each case."""

"""What the values of a label map mean, and what a network answers: names, regions, and what was annotated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ModelError
from ..words import tr

BACKGROUND = "background"
# nnU-Net's name of the voxels that nobody annotated; a network has no output for it.
IGNORE = "ignore"


@dataclass(frozen=True)
class Label:
    """One name in a label map.

    value         of its voxels; several for a region such as a whole organ with all that lies in it
    is_annotated  False when nobody searched for it: that it has no voxels says nothing then
    """

    name: str
    value: int | tuple[int, ...]
    is_annotated: bool = True

    @property
    def voxel_values(self) -> tuple[int, ...]:
        """All values that its voxels can have."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


@dataclass(frozen=True)
class LabelSet:
    """The labels of a label map, or of a network, as nnU-Net's dataset.json describes them.

    labels               in the order of the file, the background among them
    regions_class_order  where labels overlap: the value that a voxel gets of each region, in the order in which they
                         are drawn over each other, from the outermost to the innermost; None where no label is a region

    Raises ModelError for labels that nnU-Net would refuse.
    """

    labels: tuple[Label, ...]
    regions_class_order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) != len(names):
            raise ModelError(tr("Two labels have the same name: {names}.", names=", ".join(names)))
        if BACKGROUND not in names or self[BACKGROUND].value != 0:
            raise ModelError(
                tr("The labels ({names}) need a background with the value 0.", names=", ".join(names) or "none")
            )
        if any(value < 0 for label in self.labels for value in label.voxel_values) or not self.foreground:
            raise ModelError(tr("The labels need at least one beside the background, with values above 0."))
        if self.has_regions:
            if self.regions_class_order is None or len(self.regions_class_order) != len(self.foreground):
                raise ModelError(
                    tr("Labels that are regions need 'regions_class_order', with one value for each region.")
                )
        else:
            values = [label.voxel_values[0] for label in self.labels if label.name != IGNORE]
            if sorted(values) != list(range(len(values))):
                raise ModelError(
                    tr("The values of the labels are {values}: they have to be 0, 1, 2 and so on.", values=values)
                )

    @classmethod
    def of_names(cls, *names: str) -> LabelSet:
        """The background and `names` with the values 1, 2 and so on."""
        return cls(tuple(Label(name, value) for value, name in enumerate((BACKGROUND, *names))))

    @classmethod
    def from_entries(cls, entries: Mapping[str, Any]) -> LabelSet:
        """From the entries `labels`, `regions_class_order` and `annotated` of a dataset.json, or of a card's `labels`.

        `annotated` is ours, and names the labels that were annotated; without it all of them were. Raises ModelError.
        """
        try:
            annotated = entries.get("annotated")
            labels = tuple(
                Label(str(name), _value(value), annotated is None or name in annotated or name in (BACKGROUND, IGNORE))
                for name, value in entries["labels"].items()
            )
            order = entries.get("regions_class_order")
            unknown = set(annotated or ()) - {label.name for label in labels}
            if unknown:
                raise ModelError(tr("'annotated' names a label that there is not: {unknown}.", unknown=min(unknown)))
            return cls(labels, None if order is None else tuple(int(value) for value in order))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ModelError(tr("The labels are not a table of names and whole numbers.")) from None

    def entries(self) -> dict[str, Any]:
        """What from_entries() reads: for a dataset.json, which nnU-Net reads too, or a model.json."""
        labels = {
            label.name: list(label.value) if isinstance(label.value, tuple) else label.value for label in self.labels
        }
        entries: dict[str, Any] = {"labels": labels}
        if self.regions_class_order is not None:
            entries["regions_class_order"] = list(self.regions_class_order)
        if not all(label.is_annotated for label in self.labels):
            entries["annotated"] = [label.name for label in self.foreground if label.is_annotated]
        return entries

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def foreground(self) -> tuple[Label, ...]:
        """All but the background and what nobody annotated, in the order of the file."""
        return tuple(label for label in self.labels if label.name != IGNORE and set(label.voxel_values) != {0})

    @property
    def has_regions(self) -> bool:
        """True when labels may overlap: a network then answers for each of them on its own."""
        return any(len(label.voxel_values) > 1 for label in self.labels)

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of what a network with these labels answers, in nnU-Net's order: the regions as the file lists them, or
        all labels by their value, the background first.
        """
        if self.has_regions:
            return tuple(label.name for label in self.foreground)
        predicted = [label for label in self.labels if label.name != IGNORE]
        return tuple(label.name for label in sorted(predicted, key=lambda label: label.voxel_values))

    @property
    def foreground_heads(self) -> tuple[str, ...]:
        """Names of what a network answers beside the background, in nnU-Net's order."""
        foreground = {label.name for label in self.foreground}
        return tuple(name for name in self.heads if name in foreground)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Label:
        """Raises ModelError, which lists the names, for one that there is not."""
        for label in self.labels:
            if label.name == name:
                return label
        raise ModelError(
            tr("There is no label '{name}': choose one of {names}.", name=name, names=", ".join(self.names))
        )

    def parts_of(self, name: str) -> tuple[str, ...]:
        """Names of the labels that lie wholly within the region `name`, such as a tumor within a liver."""
        whole = set(self[name].voxel_values)
        return tuple(label.name for label in self.foreground if label.name != name and set(label.voxel_values) < whole)

    def annotated_only(self, names: Iterable[str]) -> LabelSet:
        """The same labels, of which `names` were annotated and the others were not. Raises ModelError for unknown
        ones.
        """
        wanted = {self[name].name for name in names} | {BACKGROUND, IGNORE}
        labels = tuple(replace(label, is_annotated=label.name in wanted) for label in self.labels)
        return replace(self, labels=labels)

    def mask(self, label_map: np.ndarray, name: str) -> np.ndarray | None:
        """Boolean, of the shape of `label_map`: the voxels of `name`; None when it was not annotated, so that nothing
        is known of it. Raises ModelError for an unknown name.
        """
        label = self[name]
        return np.isin(label_map, label.voxel_values) if label.is_annotated else None


def _value(value: Any) -> int | tuple[int, ...]:
    if isinstance(value, (list, tuple)):
        if not value:
            raise ValueError("a region without values")
        return tuple(_whole(one) for one in value)
    return _whole(value)


def _whole(value: Any) -> int:
    # nnU-Net's older files hold '1' and 1.0.
    if isinstance(value, bool) or float(value) != int(float(value)):
        raise ValueError("not a whole number")
    return int(float(value))

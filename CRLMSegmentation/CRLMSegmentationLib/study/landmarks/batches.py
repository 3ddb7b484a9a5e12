"""Pictures and landmarks in batches: mirrored, turned, scaled, shifted and in other light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...laparoscopy.camera.opencv import opencv
from ...laparoscopy.network.network_picture import lines_in
from ..cases.dataset import RawDataset
from .recipe import LandmarkRecipe

if TYPE_CHECKING:
    import torch

# Of the pictures, before they are pressed together to the network's size: a turn in them is none in the network's.
_PROPORTIONS = 16 / 9
_MOST_TURN_DEG, _MOST_SCALE, _MOST_SHIFT = 20.0, 1.3, 0.1


@dataclass(frozen=True, eq=False)
class Pictures:
    """pictures (n, v, u, 3) uint8, and label_maps (n, v, u) uint8, sums of network_picture.BITS."""

    pictures: np.ndarray
    label_maps: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)


def read_pictures(dataset: RawDataset, names: Sequence[str]) -> Pictures:
    """The images of those names in a data set of the task `landmarks`."""
    pictures, label_maps = [], []
    for name in names:
        channels, labels = dataset.read(name)
        pictures.append(np.stack([channel.voxels[0] for channel in channels], axis=-1))
        label_maps.append(labels.voxels[0])
    return Pictures(np.stack(pictures).astype(np.uint8), np.stack(label_maps).astype(np.uint8))


def training_batches(
    pictures: Pictures, recipe: LandmarkRecipe, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """recipe.iterations batches of an epoch, the same for the same recipe and epoch: pictures (b, 3, v, u) 0 to 1, and
    lines (b, landmarks, v, u), float32. Every picture comes before one comes again.
    """
    rng = np.random.default_rng([recipe.seed, epoch])
    rounds = -(-recipe.iterations * recipe.batch // len(pictures))
    order = np.concatenate([rng.permutation(len(pictures)) for _ in range(rounds)])
    for number in range(recipe.iterations):
        chosen = order[number * recipe.batch : (number + 1) * recipe.batch]
        yield _batch([_varied(pictures.pictures[i], pictures.label_maps[i], recipe, rng) for i in chosen])


def batches_in_order(pictures: Pictures, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All of them as they are, `size` at a time."""
    for first in range(0, len(pictures), size):
        these = slice(first, first + size)
        yield _batch(list(zip(pictures.pictures[these], pictures.label_maps[these])))


def _batch(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    pictures = np.stack([picture for picture, _ in pairs]).transpose(0, 3, 1, 2).astype(np.float32) / 255
    lines = np.stack([lines_in(labels) for _, labels in pairs]).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(pictures)), torch.from_numpy(lines)


def _varied(
    picture: np.ndarray, labels: np.ndarray, recipe: LandmarkRecipe, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if rng.uniform() < recipe.flips:
        picture, labels = picture[:, ::-1], labels[:, ::-1]
    if rng.uniform() < recipe.moves:
        picture, labels = _moved(picture, labels, rng)
    if rng.uniform() < recipe.looks:
        light = (picture.astype(np.float32) / 255) ** rng.uniform(0.7, 1.4)
        light = light * rng.uniform(0.75, 1.25) * rng.uniform(0.88, 1.12, 3).astype(np.float32)
        grey = light.mean(axis=-1, keepdims=True)
        light = grey + rng.uniform(0.6, 1.3) * (light - grey)
        light += rng.normal(0, rng.uniform(0, 0.03), light.shape)
        picture = np.clip(np.rint(255 * light), 0, 255).astype(np.uint8)
    return picture, labels


def _moved(picture: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Turned about the middle by up to 20 degrees, scaled by up to 1.3 and shifted by up to a tenth; what comes in from
    outside is dark, as a camera's border.
    """
    cv2 = opencv()
    height, width = labels.shape
    turn = np.radians(rng.uniform(-_MOST_TURN_DEG, _MOST_TURN_DEG))
    scale = _MOST_SCALE ** rng.uniform(-1, 1)
    wide = np.diag([_PROPORTIONS * height / width, 1.0])
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = np.linalg.inv(wide) @ linear @ wide
    middle = np.array([width - 1, height - 1]) / 2
    shift = rng.uniform(-_MOST_SHIFT, _MOST_SHIFT, 2) * (width, height)
    affine = np.column_stack([linear, middle + shift - linear @ middle])
    size = (width, height)
    return (
        cv2.warpAffine(np.ascontiguousarray(picture), affine, size, flags=cv2.INTER_LINEAR),
        cv2.warpAffine(np.ascontiguousarray(labels), affine, size, flags=cv2.INTER_NEAREST),
    )

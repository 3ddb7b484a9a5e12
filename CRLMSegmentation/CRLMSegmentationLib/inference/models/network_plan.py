"""What nnU-Net's plans say about one model: how its network is built and how its images are prepared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ModelError
from ...words import tr
from ..averaging import PREPROCESSOR as AVERAGING
from ..averaging import averaging_preprocessor
from .builders import Shape
from .trained_model import Model

if TYPE_CHECKING:
    import torch

_PREPROCESSOR = "DefaultPreprocessor"
_RESAMPLING = "resample_data_or_seg_to_shape"


@dataclass(frozen=True, eq=False)
class NetworkPlan:
    """A model's plans: plain figures as they stand there, and nnU-Net's own managers where it does the work itself.

    The managers import nnU-Net's readers of every image format and much else, which is nearly half of what an engine
    needs to start: they are made when something asks for them.

    settings  the model's configuration within its plans
    """

    model: Model
    settings: dict[str, Any]

    @classmethod
    def of(cls, model: Model, threads: int) -> NetworkPlan:
        """Raises ModelError when nnU-Net is not installed, or the plans name a preprocessor that is not."""
        # nnU-Net reads its bound on threads once, when it is imported; its default of 8 slows a small machine down.
        os.environ.setdefault("nnUNet_def_n_proc", str(threads))
        try:
            import_module("nnunetv2.utilities.get_network_from_plans")
        except ImportError as missing:
            raise ModelError(
                tr("nnU-Net cannot be loaded ({missing}): install nnunetv2 2.8 or newer.", missing=missing)
            ) from missing
        plan = cls(model, model.plans["configurations"][model.card.configuration])
        if "inherits_from" in plan.settings:
            plan = cls(model, plan.configuration.configuration)
        if plan.settings.get("preprocessor_name") not in (_PREPROCESSOR, AVERAGING):
            plan.preprocessor()
        return plan

    @cached_property
    def plans(self) -> Any:
        """nnU-Net's PlansManager."""
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        return PlansManager(self.model.plans)

    @cached_property
    def configuration(self) -> Any:
        """nnU-Net's ConfigurationManager."""
        return self.plans.get_configuration(self.model.card.configuration)

    @cached_property
    def label_manager(self) -> Any:
        """nnU-Net's LabelManager. Raises ModelError when nnU-Net understands the labels otherwise."""
        try:
            labels = self.plans.get_label_manager(self.model.dataset)
        except (AssertionError, RuntimeError, TypeError) as error:
            raise ModelError(
                tr("nnU-Net cannot read the labels of the model '{name}' ({error}).", name=self.model.name, error=error)
            ) from error
        if labels.num_segmentation_heads != self.heads or labels.has_regions != self.model.labels.has_regions:
            raise ModelError(
                tr("nnU-Net counts other labels in the model '{name}' than its card names.", name=self.model.name)
            )
        return labels

    @property
    def heads(self) -> int:
        """How many probabilities the network gives for a voxel."""
        return len(self.model.labels.heads)

    @property
    def channels(self) -> int:
        return len(self.model.channels)

    @property
    def patch_size(self) -> tuple[int, ...]:
        """Voxels along the network's axes, two or three."""
        return tuple(int(size) for size in self.settings["patch_size"])

    @property
    def smallest_window(self) -> tuple[int, ...]:
        """Voxels along the network's axes: the smallest window that leaves two at the bottom of the network, so far as
        the plans describe it.
        """
        if self.model.network is not None:
            return self.patch_size
        of_stages = self.settings["architecture"]["arch_kwargs"]["strides"]
        strides = np.prod([np.broadcast_to(stride, len(self.patch_size)) for stride in of_stages], axis=0)
        return tuple(int(min(size, 2 * stride)) for size, stride in zip(self.patch_size, strides))

    @property
    def prepares_as_usual(self) -> bool:
        """True when the plans name nnU-Net's default preprocessor, or ours, and its default resampling."""
        functions = [self.settings.get(f"resampling_fn_{what}") for what in ("data", "probabilities")]
        return (self.averages or self.settings.get("preprocessor_name") == _PREPROCESSOR) and functions == [
            _RESAMPLING
        ] * 2

    @property
    def averages(self) -> bool:
        """True when coarser voxels are means of fine ones (averaging.py)."""
        return bool(self.settings.get("preprocessor_name") == AVERAGING)

    def preprocessor(self) -> Any:
        """What prepares a case: nnU-Net's class that the plans name, or ours."""
        return preprocessor_of(self.configuration)

    @property
    def transpose_forward(self) -> list[int]:
        """The axes of an image in the order in which the network has them."""
        return [int(axis) for axis in self.model.plans["transpose_forward"]]

    @property
    def transpose_backward(self) -> list[int]:
        """The network's axes in the order in which an image has them."""
        return [int(axis) for axis in self.model.plans["transpose_backward"]]

    @property
    def normalises_in_mask(self) -> bool:
        """True when a channel is normalised by what lies within the outline of what was seen."""
        return any(self.settings["use_mask_for_norm"])

    def normalise(self, data: np.ndarray) -> np.ndarray:
        """`data`, float32 (c, ...), in place, each channel by nnU-Net's class that the plans name; no mask."""
        from nnunetv2.preprocessing.normalization import default_normalization_schemes

        nothing = np.zeros((1, 1), np.int8)
        statistics = self._intensity_statistics
        names = self.settings["normalization_schemes"][: len(data)]
        if not all(hasattr(default_normalization_schemes, name) for name in names):
            # A class of the user's own: nnU-Net searches for it.
            normalised: np.ndarray = self.preprocessor()._normalize(data, nothing, self.configuration, statistics)
            return normalised
        for channel, name in enumerate(names):
            scheme = getattr(default_normalization_schemes, name)
            normaliser = scheme(use_mask_for_norm=False, intensityproperties=statistics[str(channel)])
            data[channel] = normaliser.run(data[channel], nothing[0])
        return data

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """float32 (heads, ...) of the network's answer (heads, ...): sigmoid for regions, else softmax, as nnU-Net."""
        import torch

        with torch.no_grad():
            logits = logits.float()
            return torch.sigmoid(logits) if self.model.labels.has_regions else torch.softmax(logits, 0)

    def transposed(self, spacing_kji: Sequence[float]) -> list[float]:
        """The spacing of an image along the network's axes."""
        return [float(spacing_kji[axis]) for axis in self.transpose_forward]

    def network_spacing(self, transposed: Sequence[float]) -> list[float]:
        """The spacing at which the network works, along its axes, for an image whose spacing along them is
        `transposed`: a 2D network takes plane after plane, as far apart as they are.
        """
        spacing = [float(value) for value in self.settings["spacing"]]
        return [float(transposed[0]), *spacing] if len(spacing) == 2 else spacing

    def resampling_order(self, what: str) -> int:
        """Of the spline; `what` is 'data' or 'probabilities'."""
        return int(self.settings[f"resampling_fn_{what}_kwargs"]["order"])

    def resamples_slices_separately(self, spacing: Sequence[float], new_spacing: Sequence[float], what: str) -> bool:
        """True when nnU-Net would not resample all three axes alike, because the spacing is far from equal."""
        force = self.settings[f"resampling_fn_{what}_kwargs"].get("force_separate_z")
        return separates_slices(force, spacing, new_spacing)

    def network(self, parameters: dict[str, torch.Tensor]) -> torch.nn.Module:
        """The torch network with these weights, in evaluation mode on the CPU.

        nnU-Net's search for classes by name, which walks through every module of nnU-Net and breaks on some
        installations, is not needed: the plans say how the network is built. Raises ModelError when the weights do
        not fit.
        """
        named = self.model.network
        try:
            network = self._nnunets_own() if named is None else named.build(self._shape)
            network.load_state_dict(parameters)
        except (RuntimeError, TypeError, KeyError, AttributeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                tr(
                    "The weights of the model '{name}' do not fit its plans ({reason}).",
                    name=self.model.name,
                    reason=reason,
                )
            ) from error
        return network.eval()

    @property
    def _intensity_statistics(self) -> dict[str, Any]:
        """Of each channel, in training."""
        plans = self.model.plans
        older = "foreground_intensity_properties_by_modality"
        name = "foreground_intensity_properties_per_channel"
        statistics: dict[str, Any] = plans[older if name not in plans and older in plans else name]
        return statistics

    @property
    def _shape(self) -> Shape:
        return Shape(len(self.patch_size), self.channels, self.heads)

    def _nnunets_own(self) -> torch.nn.Module:
        from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

        architecture = self.settings["architecture"]
        network: torch.nn.Module = get_network_from_plans(
            architecture["network_class_name"],
            architecture["arch_kwargs"],
            architecture["_kw_requires_import"],
            self.channels,
            self.heads,
            allow_init=False,
            deep_supervision=False,
        )
        return network


def separates_slices(force: bool | None, spacing: Sequence[float], new_spacing: Sequence[float]) -> bool:
    """True when nnU-Net resamples the slices of an image and then along the axis across them; mm along three axes.

    As determine_do_sep_z_and_axis() of nnunetv2.preprocessing.resampling.default_resampling, whose import takes long.
    """
    from nnunetv2.configuration import ANISO_THRESHOLD

    if force is not None:
        return bool(force) and _has_one_coarsest(spacing)
    for one in (spacing, new_spacing):
        if max(one) / min(one) > ANISO_THRESHOLD:
            return _has_one_coarsest(one)
    return False


def _has_one_coarsest(spacing: Sequence[float]) -> bool:
    return sum(max(spacing) / one == 1 for one in spacing) == 1


def preprocessor_of(configuration: Any) -> Any:
    """What prepares cases as `configuration`, nnU-Net's manager, names it: a class of nnU-Net's, or averaging.py's.

    Raises ModelError for a name that neither knows.
    """
    name = configuration.configuration.get("preprocessor_name")
    if name == AVERAGING:
        return averaging_preprocessor()
    if name == _PREPROCESSOR:
        from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor

        return DefaultPreprocessor(verbose=False)
    known = configuration.preprocessor_class
    if known is None:
        raise ModelError(
            tr("The model's plans name a preprocessor '{name}', which nnU-Net does not have here.", name=name)
        )
    return known(verbose=False)

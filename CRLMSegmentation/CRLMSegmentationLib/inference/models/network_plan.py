"""What nnU-Net's plans say about one model: how its network is built and how its images are prepared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ModelError
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
    """A model's plans as nnU-Net's own managers read them.

    labels  nnU-Net's LabelManager: what the network's answers mean
    """

    model: Model
    plans: Any
    configuration: Any
    labels: Any

    @classmethod
    def of(cls, model: Model, threads: int) -> NetworkPlan:
        """Raises ModelError when nnU-Net is not installed, the plans name a preprocessor that is not, or nnU-Net
        understands the labels otherwise.
        """
        # nnU-Net reads its bound on threads once, when it is imported; its default of 8 slows a small machine down.
        os.environ.setdefault("nnUNet_def_n_proc", str(threads))
        try:
            from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
        except ImportError as missing:
            raise ModelError(f"nnU-Net cannot be loaded ({missing}): install nnunetv2 2.8 or newer.") from missing
        plans = PlansManager(model.plans)
        configuration = plans.get_configuration(model.card.configuration)
        preprocessor_of(configuration)
        try:
            labels = plans.get_label_manager(model.dataset)
        except (AssertionError, RuntimeError, TypeError) as error:
            raise ModelError(f"nnU-Net cannot read the labels of the model '{model.name}' ({error}).") from error
        if labels.num_segmentation_heads != len(model.labels.heads) or labels.has_regions != model.labels.has_regions:
            raise ModelError(f"nnU-Net counts other labels in the model '{model.name}' than its card names.")
        return cls(model, plans, configuration, labels)

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
        return tuple(int(size) for size in self.configuration.patch_size)

    @property
    def smallest_window(self) -> tuple[int, ...]:
        """Voxels along the network's axes: the smallest window that leaves two at the bottom of the network, so far as
        the plans describe it.
        """
        if self.model.network is not None:
            return self.patch_size
        strides = np.prod(
            [np.broadcast_to(stride, len(self.patch_size)) for stride in self.configuration.pool_op_kernel_sizes],
            axis=0,
        )
        return tuple(int(min(size, 2 * stride)) for size, stride in zip(self.patch_size, strides))

    @property
    def prepares_as_usual(self) -> bool:
        """True when the plans name nnU-Net's default preprocessor, or ours, and its default resampling."""
        settings = self.configuration.configuration
        functions = [settings.get(f"resampling_fn_{what}") for what in ("data", "probabilities")]
        return (self.averages or settings.get("preprocessor_name") == _PREPROCESSOR) and functions == [_RESAMPLING] * 2

    @property
    def averages(self) -> bool:
        """True when coarser voxels are means of fine ones (averaging.py)."""
        return bool(self.configuration.configuration.get("preprocessor_name") == AVERAGING)

    def preprocessor(self) -> Any:
        """What prepares a case: nnU-Net's class that the plans name, or ours."""
        return preprocessor_of(self.configuration)

    def transposed(self, spacing_kji: Sequence[float]) -> list[float]:
        """The spacing of an image along the network's axes."""
        return [float(spacing_kji[axis]) for axis in self.plans.transpose_forward]

    def network_spacing(self, transposed: Sequence[float]) -> list[float]:
        """The spacing at which the network works, along its axes, for an image whose spacing along them is
        `transposed`: a 2D network takes plane after plane, as far apart as they are.
        """
        spacing = [float(value) for value in self.configuration.spacing]
        return [float(transposed[0]), *spacing] if len(spacing) == 2 else spacing

    def resampling_order(self, what: str) -> int:
        """Of the spline; `what` is 'data' or 'probabilities'."""
        return int(self.configuration.configuration[f"resampling_fn_{what}_kwargs"]["order"])

    def resamples_slices_separately(self, spacing: Sequence[float], new_spacing: Sequence[float], what: str) -> bool:
        """True when nnU-Net would not resample all three axes alike, because the spacing is far from equal."""
        from nnunetv2.preprocessing.resampling.default_resampling import determine_do_sep_z_and_axis

        force = self.configuration.configuration[f"resampling_fn_{what}_kwargs"].get("force_separate_z")
        return bool(determine_do_sep_z_and_axis(force, spacing, new_spacing)[0])

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
                f"The weights of the model '{self.model.name}' do not fit its plans ({reason})."
            ) from error
        return network.eval()

    @property
    def _shape(self) -> Shape:
        return Shape(len(self.patch_size), self.channels, self.heads)

    def _nnunets_own(self) -> torch.nn.Module:
        from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

        network: torch.nn.Module = get_network_from_plans(
            self.configuration.network_arch_class_name,
            self.configuration.network_arch_init_kwargs,
            self.configuration.network_arch_init_kwargs_req_import,
            self.channels,
            self.heads,
            allow_init=False,
            deep_supervision=False,
        )
        return network


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
        raise ModelError(f"The model's plans name a preprocessor '{name}', which nnU-Net does not have here.")
    return known(verbose=False)

"""Plans of nnU-Net in all the forms that it reads itself, made into the one form that trained_model.py checks."""

from __future__ import annotations

import copy
import warnings
from typing import Any

from ...errors import ModelError
from ...words import tr


def standing_alone(plans: dict[str, Any], configuration: str) -> dict[str, Any]:
    """The plans with `configuration` complete in itself: what it inherits ('inherits_from') written out, and the
    network of plans of nnU-Net 2.0 to 2.3 ('UNet_class_name') described as later ones do. `plans` stays as it is.

    Both are done by nnU-Net. Raises ModelError when there is no such configuration, or nnU-Net cannot make sense of it.
    """
    try:
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
    except ImportError as missing:
        raise ModelError(
            tr("nnU-Net cannot be loaded ({missing}): install nnunetv2 2.8 or newer.", missing=missing)
        ) from missing
    configurations = plans.get("configurations")
    if not isinstance(configurations, dict) or not isinstance(configurations.get(configuration), dict):
        there = ", ".join(map(str, configurations)) if isinstance(configurations, dict) else ""
        raise ModelError(
            tr(
                "The plans have no configuration '{configuration}': choose one of {there}.",
                configuration=configuration,
                there=there or "none",
            )
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that old plans are converted
            resolved = PlansManager(copy.deepcopy(plans)).get_configuration(configuration).configuration
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            tr(
                "nnU-Net cannot read the configuration '{configuration}' of the plans ({reason}).",
                configuration=configuration,
                reason=reason,
            )
        ) from error
    resolved = {name: value for name, value in resolved.items() if name != "inherits_from"}
    return {**plans, "configurations": {**configurations, configuration: resolved}}

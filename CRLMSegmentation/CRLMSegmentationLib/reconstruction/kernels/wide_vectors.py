"""Vectors as wide as the processor has."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core.extending import intrinsic

_WIDEST = '"prefer-vector-width"="512"'


@intrinsic
def use_widest_vectors(typing_context: Any) -> Any:
    """Have the compiler use vectors of 64 bytes in the function that calls this, on processors that have them.

    LLVM takes half of that on Intel's, for the sake of those that lowered their clock for it.
    """
    return types.void(), _attribute_of_function


def _attribute_of_function(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    # a set whose add() knows no attributes of LLVM that are text
    set.add(builder.function.attributes, _WIDEST)
    return context.get_dummy_value()

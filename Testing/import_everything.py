"""Imports every module of the library for which this machine has what it needs; fails when one cannot be imported."""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module

import CRLMSegmentationLib

# What is not on every machine: these come with extras of their own, or with 3D Slicer.
OPTIONAL = {"slicer", "trame", "trame_slicer", "trame_server", "wslink", "openvino", "msgpack", "undo_stack", "aiohttp"}


def main() -> int:
    """The exit status: 1 when a module could not be imported for another reason than an optional library."""
    failed = 0
    for module in pkgutil.walk_packages(CRLMSegmentationLib.__path__, f"{CRLMSegmentationLib.__name__}."):
        try:
            import_module(module.name)
        except ModuleNotFoundError as error:
            optional = (error.name or "").split(".")[0] in OPTIONAL
            print(f"{'left out' if optional else 'FAILED'}: {module.name} ({error})")
            failed += not optional
        except Exception as error:
            print(f"FAILED: {module.name} ({type(error).__name__}: {error})")
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""BLAS in one thread, for as long as somebody waits for a picture.

The threads of NumPy's OpenBLAS wait for the next product in a loop, which keeps a processor busy for some hundredths of
a second after each one that was shared among them. The session's products are small and come at every tick: of two
processors a third went into that waiting, in a real 3D Slicer, while the views were drawn by the same two.
"""

from __future__ import annotations

import os

_VARIABLE = "OPENBLAS_NUM_THREADS"


class OneBlasThread:
    """From its making to close() the BLAS libraries of this process, also those that are loaded meanwhile and those of
    processes that are started, work in one thread, unless the environment says how many it is to be.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        self._limits = None
        if _VARIABLE not in os.environ:
            os.environ[_VARIABLE] = "1"
            self._limits = ThreadpoolController().select(user_api="blas").limit(limits=1)

    def close(self) -> None:
        """As many threads as before. Can be repeated."""
        limits, self._limits = self._limits, None
        if limits is not None:
            limits.restore_original_limits()
            os.environ.pop(_VARIABLE, None)

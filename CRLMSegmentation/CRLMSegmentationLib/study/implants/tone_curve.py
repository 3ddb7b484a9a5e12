"""How the display turns echo levels in dB into grey levels, measured from a sweep's own speckle.

The speckle of even tissue varies by the same number of dB wherever it is, so that its spread in grey levels is
the slope of the display's curve there (Wagner et al. 1983: the level of fully developed speckle has one standard
deviation). The curve's scale is what the whole grey scale stands for: the dynamic range. What the machine did to
its speckle thus needs not be known.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

GREYS = np.arange(256.0)
# Where speckle varies by less than this part of what it varies by in most tissue, the display shows its own black.
BLACK_SPREAD = 0.35


@dataclass(frozen=True, eq=False)
class ToneCurve:
    """The display's curve from echo levels to grey levels.

    spread    (256,) standard deviation of speckle in grey levels, at each mean grey level
    level_db  (256,) rising: the echo level that is shown as each grey level
    black     the grey level up to which the display shows no echoes, but its own black
    floor     no grey level gets below this one by losing echo
    """

    spread: np.ndarray
    level_db: np.ndarray
    black: float
    floor: float

    @classmethod
    def measured(cls, grey: np.ndarray, spread: np.ndarray, dynamic_range_db: float) -> ToneCurve:
        """From patches of even tissue: their mean grey levels and standard deviations, (n,) each."""
        edges = np.unique(np.quantile(grey, np.linspace(0, 1, min(13, 2 + len(grey) // 12))))
        middles, spreads = [], []
        for lower, upper in pairwise(edges):
            within = (grey >= lower) & (grey <= upper)
            middles.append(float(np.median(grey[within])))
            # Patches with something in them vary more than speckle does.
            spreads.append(float(np.quantile(spread[within], 0.3)))
        at_each = np.maximum(np.interp(GREYS, middles, spreads), 1e-3)
        # Dark patches with the edge of something bright: no display spreads its dark levels the most.
        usual = int(np.median(grey[spread >= np.median(spread)]))
        at_each[:usual] = np.minimum.accumulate(at_each[usual::-1])[:0:-1]
        least = BLACK_SPREAD * float(at_each[usual])
        black = float(np.argmax(at_each >= least))
        slopes = 1 / np.maximum(at_each, least)
        scale = dynamic_range_db / slopes[int(black) :].sum()
        level_db = np.concatenate([[0.0], np.cumsum(scale * (slopes[1:] + slopes[:-1]) / 2)])
        return cls(at_each, level_db, black, min(middles[0], black) if black > 0 else 0.0)

    def shifted(self, grey: np.ndarray, by_db: np.ndarray | float) -> np.ndarray:
        """Grey levels with another echo level, 0 to 255, of any shape."""
        result: np.ndarray = np.interp(np.interp(grey, GREYS, self.level_db) + by_db, self.level_db, GREYS)
        floored: np.ndarray = np.maximum(result, np.minimum(grey, self.floor))
        return floored

    def db(self, grey: np.ndarray) -> np.ndarray:
        """The echo level of grey levels, in dB above that of 0."""
        result: np.ndarray = np.interp(grey, GREYS, self.level_db)
        return result

    def spread_at(self, grey: np.ndarray) -> np.ndarray:
        """The standard deviation of speckle whose mean is `grey`."""
        result: np.ndarray = np.interp(grey, GREYS, self.spread)
        return result

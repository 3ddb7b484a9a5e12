"""A value over the last seconds, as points of an SVG curve of 300 x 100 units."""

from __future__ import annotations

from collections import deque

WIDTH, HEIGHT = 300.0, 100.0
_TOPS = (10, 20, 30, 50, 80, 100, 150, 200, 300, 500, 1000)


class Series:
    """The newest samples of a value; None is a gap, over which no line is drawn as though it were known.

    seconds  how far back it goes;  lowest  the value at the bottom edge when no sample is lower
    """

    def __init__(self, seconds: float = 30.0, lowest: float = 0.0):
        self.seconds, self.lowest = seconds, lowest
        self._samples: deque[tuple[float, float | None]] = deque()

    def add(self, now_s: float, value: float | None) -> None:
        self._samples.append((now_s, value))
        while self._samples and self._samples[0][0] < now_s - self.seconds:
            self._samples.popleft()

    def clear(self) -> None:
        self._samples.clear()

    @property
    def values(self) -> list[float]:
        return [value for _, value in self._samples if value is not None]

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value that the curve's edges stand for; round, so that the curve does not jump."""
        values = self.values or [0.0]
        low = min(self.lowest, *values)
        top = next((top for top in _TOPS if top >= max(values)), max(values))
        return low, float(top)

    def height_of(self, value: float) -> float:
        """Distance of a value from the upper edge, in the curve's units."""
        low, top = self.range
        return HEIGHT * (1 - (min(max(value, low), top) - low) / (top - low))

    def curves(self) -> list[str]:
        """One string of points for every stretch without a gap, newest at the right edge."""
        if not self._samples:
            return []
        newest_s = self._samples[-1][0]
        stretches: list[list[str]] = [[]]
        for sample_s, value in self._samples:
            if value is None:
                stretches.append([])
                continue
            x = WIDTH * (1 - (newest_s - sample_s) / self.seconds)
            stretches[-1].append(f"{x:.1f},{self.height_of(value):.1f}")
        return [" ".join(stretch) for stretch in stretches if stretch]

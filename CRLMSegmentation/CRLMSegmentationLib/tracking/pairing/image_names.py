"""Which of a sender's image streams is taken.

PLUS names images `<Name>_<Frame>` and may send one image several times, under its place in several frames (ImageNames
in PlusOpenIGTLinkServer): these are one stream, of which one is taken.
"""

from __future__ import annotations

_MOST_NAMES = 32
_SAME_S = 1e-6
# So many images without the embedding that is taken, and another one of the same image takes its place.
_MISSED_IMAGES = 3


class ImageNames:
    """Takes one stream: that of the name given, or else the first that sends a two-dimensional image.

    wanted     a device name, or its part before the last '_'; None for the first
    reference  of several embeddings of one image that in this frame is preferred: it carries the pose
    """

    def __init__(self, wanted: str | None, reference: str) -> None:
        self.chosen = wanted
        self._reference = reference
        self._names: dict[str, None] = {}
        self._newest: dict[str, float] = {}
        self._preferred: str | None = None
        self._since_preferred = 0

    @property
    def seen(self) -> tuple[str, ...]:
        """Device names of all that sent a two-dimensional image, in the order of arrival."""
        return tuple(self._names)

    def choose(self, name: str | None) -> None:
        """Take this stream from now on; None for the next that comes."""
        self.chosen = name
        self.begin_anew()

    def begin_anew(self) -> None:
        """The sender was found again: times may begin anew, and the stream that was chosen stays chosen."""
        self._newest.clear()
        self._preferred = None

    def may_take(self, device_name: str) -> bool:
        """False for an image that is certainly of another stream."""
        return self.chosen in (None, device_name, base_name(device_name))

    def see(self, device_name: str) -> None:
        """A two-dimensional image of this name has come."""
        if len(self._names) < _MOST_NAMES:
            self._names.setdefault(device_name)

    def take(self, device_name: str, stamp_s: float) -> tuple[bool, bool]:
        """Whether this image is taken, and whether it takes the place of one of the same time that was taken before."""
        base = base_name(device_name)
        if self.chosen is None:
            self.chosen = base
        if not self.may_take(device_name):
            return False, False
        twin = next(
            (name for name, when in self._newest.items() if name != device_name and abs(when - stamp_s) < _SAME_S), None
        )
        if len(self._newest) < _MOST_NAMES or device_name in self._newest:
            self._newest[device_name] = stamp_s
        if twin is not None and self._preferred not in (twin, device_name):
            self._preferred = device_name if device_name == f"{base}_{self._reference}" else twin
            return self._preferred == device_name, self._preferred == device_name
        self._since_preferred = 0 if device_name == self._preferred else self._since_preferred + 1
        if self._preferred not in (None, device_name):
            if self._since_preferred <= _MISSED_IMAGES * len(self._newest):
                return False, False
            self._preferred = None
        return True, twin is not None


def base_name(device_name: str) -> str:
    """'Image_Reference' as 'Image'; a name without '_' as it is."""
    return device_name.rpartition("_")[0] or device_name

"""Notices that somebody else has edited the tumor's segment: the Segment Editor, or a script."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

from .observers import observe


class SegmentationWatch:
    """Calls on_edited() for every edit that is not the session's own; the segment may be half made by then.

    edits  how many there were
    """

    def __init__(self, on_edited: Callable[[], None]):
        self.edits = 0
        self._on_edited = on_edited
        self._segmentation = None
        self._tags: list[int] = []
        self._own = 0

    def watch(self, node) -> None:
        """Watch this segmentation node, and no other any more; None for none."""
        segmentation = node.GetSegmentation() if node is not None else None
        if segmentation is self._segmentation:
            return
        self.release()
        self._segmentation = segmentation
        if segmentation is not None:
            # 3D Slicer before 5.4 called it the master representation.
            event = getattr(segmentation, "SourceRepresentationModified", None)
            event = event if event is not None else segmentation.MasterRepresentationModified
            # Undo takes the segments out and adds others.
            for one in (event, segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentModified):
                self._tags.append(observe(segmentation, one, self._look))

    def release(self) -> None:
        """Watch nothing."""
        for tag in self._tags:
            self._segmentation.RemoveObserver(tag)
        self._segmentation, self._tags = None, []

    @contextmanager
    def own_edit(self):
        """What happens in the block is the session's own doing."""
        self._own += 1
        try:
            yield
        finally:
            self._own -= 1

    def _look(self) -> None:
        if not self._own:
            self.edits += 1
            self._on_edited()

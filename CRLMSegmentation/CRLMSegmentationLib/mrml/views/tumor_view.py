"""The tumor of a session on nodes, and a hand's strokes on its segmentation back to the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...session.tumor.saved_tumor import SavedTumor
from ..observers import observe
from .tumor_nodes import TumorNodes

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...session.tumor.labelmap import Labelmap
    from ...session.tumor.tumor import TumorPart


class TumorView:
    """Shows the tumor of one session. Its segmentation is what a hand draws on; who deletes a node deletes the tumor.

    volume_node  gives the node of the volume; None when there is none
    nodes        TumorNodes
    """

    is_busy = False

    def __init__(self, part: TumorPart, scene: Any, volume_node: Callable[[], Any | None]):
        self.nodes = TumorNodes(scene)
        self._part, self._volume_node = part, volume_node
        self._watch = SegmentationWatch(part.add_stroke)
        # What the nodes hold, and whether that is not yet what they are to hold.
        self._mask_revision = part.mask_revision
        self._surface: vtkPolyData | None = None
        self._was_correcting = self._is_behind = False
        self._disconnect = part.changed.connect(self._show), part.forgotten.connect(self._forget)
        part.set_canvas(self._drawn)

    def saved(self) -> SavedTumor:
        """What the scene holds, be it that somebody has loaded it."""
        node = self.nodes.segmentation_node()
        self._surface = self.nodes.surface()
        return SavedTumor(
            self.nodes.labelmap(), self._surface, self.nodes.probability(), self.nodes.threshold(),
            is_any=node is not None or self.nodes.surface_node() is not None,
        )  # fmt: skip

    def process(self, now_s: float) -> None:
        """What could not be shown when it changed is tried again."""
        if self._is_behind:
            self._show()

    def check_nodes(self) -> None:
        """Nodes were taken out of the scene: who deletes one of the tumor's, deletes the tumor."""
        state = self._part.state
        if state is None or state.shape.surface is None or self._is_behind:
            return
        if self.nodes.segmentation_node() is None or self.nodes.surface_node() is None:
            self._part.remove()

    def hide_live(self) -> None:
        """The tumor stands where it is, whatever becomes of image and tools."""

    def close(self) -> None:
        """Watch and listen no more; the nodes stay."""
        for disconnect in self._disconnect:
            disconnect()
        self._part.set_canvas(None)
        self._watch.release()

    def _show(self) -> None:
        part, self._is_behind = self._part, True
        with self._watch.own_edit():
            self.nodes.set_color(part.color)
            # What is out of date goes first.
            if not part.was_shown:
                self.nodes.remove()
            elif part.is_stale:
                self.nodes.make_stale()
            elif part.surface is None:
                self.nodes.put_surface(None)
            if part.is_editable and part.state is not None:
                self._show_mask()
            if part.surface is not None and part.surface is not self._surface:
                self.nodes.put_surface(part.surface)
        self._surface, self._was_correcting = part.surface, part.is_correcting
        self._watch.watch(self.nodes.segmentation_node())
        self._is_behind = False

    def _show_mask(self) -> None:
        part, state = self._part, self._part.state
        assert state is not None
        if part.mask_revision != self._mask_revision:
            self.nodes.put_mask(state.mask, part.surface, state.threshold, self._volume_node())
            self.nodes.put_probability(state.probability)
            self._mask_revision = part.mask_revision
        if part.is_correcting and not self._was_correcting:
            self.nodes.make_editable(self._volume_node(), state.mask)

    def _drawn(self) -> Labelmap | None:
        """What is on the canvas."""
        if self._is_behind:
            # Else an old mask would be taken for what a hand has drawn.
            self._show()
        return self.nodes.labelmap()

    def _forget(self) -> None:
        """The nodes belong to another case: they are left as they are."""
        self._watch.release()
        self._mask_revision, self._surface = self._part.mask_revision, None
        self._was_correcting = self._is_behind = False


class SegmentationWatch:
    """Calls on_edited() for every edit of a segmentation that is not the session's own, by the Segment Editor or a
    script; the segment may be half made by then.
    """

    def __init__(self, on_edited: Callable[[], None]):
        self._on_edited = on_edited
        self._segmentation: Any | None = None
        self._tags: list[int] = []
        self._own = 0

    def watch(self, node: Any | None) -> None:
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
                self._tags.append(observe(segmentation, one, self._check))

    def release(self) -> None:
        """Watch nothing."""
        if self._segmentation is not None:
            for tag in self._tags:
                self._segmentation.RemoveObserver(tag)
        self._segmentation, self._tags = None, []

    @contextmanager
    def own_edit(self) -> Iterator[None]:
        """What happens in the block is the session's own doing."""
        self._own += 1
        try:
            yield
        finally:
            self._own -= 1

    def _check(self) -> None:
        if not self._own:
            self._on_edited()

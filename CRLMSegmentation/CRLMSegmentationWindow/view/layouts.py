"""The module's own layouts of Slicer's views, registered while the module is there and taken away with it."""

from __future__ import annotations

from collections.abc import Callable

import slicer

# Numbers of layouts must be unique in one Slicer; its own end at 100, and extensions choose their own.
NAVIGATION = 7611
PLANNING = 7612
SWEEPING = 7613
LIVE_VIEW = "LiveUltrasound"
SCENE_VIEW = "TumorScene"
PLANNING_SLICES = ("Red", "Yellow", "Green")

_LIVE = (
    f'<view class="vtkMRMLSliceNode" singletontag="{LIVE_VIEW}">'
    '<property name="orientation" action="default">Axial</property>'
    '<property name="viewlabel" action="default">US</property>'
    '<property name="viewcolor" action="default">#FFC83D</property></view>'
)
_VIEW_3D = (
    f'<view class="vtkMRMLViewNode" singletontag="{SCENE_VIEW}">'
    '<property name="viewlabel" action="default">3D</property></view>'
)


def _slice(name: str, orientation: str, color: str) -> str:
    return (
        f'<view class="vtkMRMLSliceNode" singletontag="{name}">'
        f'<property name="orientation" action="default">{orientation}</property>'
        f'<property name="viewlabel" action="default">{name[0]}</property>'
        f'<property name="viewcolor" action="default">{color}</property></view>'
    )


_DESCRIPTIONS = {
    NAVIGATION: f'<layout type="horizontal"><item>{_LIVE}</item><item>{_VIEW_3D}</item></layout>',
    SWEEPING: (
        f'<layout type="horizontal" split="true"><item splitSize="600">{_LIVE}</item><item splitSize="400">'
        f'<layout type="vertical"><item>{_VIEW_3D}</item><item>{_slice("Red", "Axial", "#F34A33")}</item></layout>'
        "</item></layout>"
    ),
    PLANNING: (
        '<layout type="vertical"><item><layout type="horizontal">'
        f"<item>{_slice('Red', 'Axial', '#F34A33')}</item><item>{_VIEW_3D}</item></layout></item>"
        '<item><layout type="horizontal">'
        f"<item>{_slice('Yellow', 'Sagittal', '#EDD54C')}</item><item>{_slice('Green', 'Coronal', '#6EB04B')}</item>"
        "</layout></item></layout>"
    ),
}


class Layouts:
    """Registers the layouts; remembers what was shown before, and gives it back.

    on_changed  called when another layout is shown, whoever chose it
    """

    def __init__(self, on_changed: Callable[[], None] = lambda: None):
        self._before, self._on_changed = None, on_changed
        self._ruled = set[str]()
        manager = slicer.app.layoutManager()
        if manager is not None:
            manager.connect("layoutChanged(int)", self._changed)
        node = self._node()
        for number, description in _DESCRIPTIONS.items():
            if node is not None and not node.AddLayoutDescription(number, description):
                node.SetLayoutDescription(number, description)

    @property
    def current(self) -> int | None:
        """The number of the layout that is shown; None without a main window."""
        node = self._node()
        return node.GetViewArrangement() if node is not None else None

    def show(self, number: int) -> None:
        """Show one of the module's layouts."""
        node = self._node()
        if node is None or self.current == number:
            return
        if self.current not in _DESCRIPTIONS:
            self._before = self.current
        slicer.app.layoutManager().setLayout(number)
        self.apply_style()

    def apply_style(self) -> None:
        """Give the module's 3D view its style again, and the planning slices a ruler and the axes of Reference: a scene
        that is closed or loaded takes them away.
        """
        if view_3d() is not None:
            darken(view_3d())
        if self.current in _DESCRIPTIONS:
            for node in _planning_nodes():
                if node.GetRulerType() == node.RulerTypeNone:
                    self._ruled.add(node.GetID())
                    show_scale(node, True)

    def restore(self) -> None:
        """Show again what was there before the module's own layouts."""
        if self.current in _DESCRIPTIONS:
            slicer.app.layoutManager().setLayout(self._before or slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        for node in _planning_nodes():
            if node.GetID() in self._ruled:
                show_scale(node, False)
        self._ruled.clear()

    def remove(self) -> None:
        """Take the layouts out of Slicer, with the views that only they have."""
        node, manager = self._node(), slicer.app.layoutManager()
        if manager is not None:
            manager.disconnect("layoutChanged(int)", self._changed)
        if node is None:
            return
        self.restore()
        for number in _DESCRIPTIONS:
            node.SetLayoutDescription(number, "")
        remove_views()

    def _changed(self, _number: int) -> None:
        self._on_changed()

    @staticmethod
    def _node() -> slicer.vtkMRMLLayoutNode | None:
        manager = slicer.app.layoutManager()
        logic = manager.layoutLogic() if manager is not None else None
        return logic.GetLayoutNode() if logic is not None else None


def live_slice_node() -> slicer.vtkMRMLSliceNode | None:
    """The slice node of the live ultrasound view; None while no layout has shown it."""
    return slicer.mrmlScene.GetSingletonNode(LIVE_VIEW, "vtkMRMLSliceNode")


def live_widget() -> slicer.qMRMLSliceWidget | None:
    """The qMRMLSliceWidget of the live ultrasound view; None while no layout has shown it."""
    manager = slicer.app.layoutManager()
    return manager.sliceWidget(LIVE_VIEW) if manager is not None else None


def planning_views() -> list[slicer.qMRMLSliceView]:
    """The views of the slices through the volume, those that there are."""
    manager = slicer.app.layoutManager()
    widgets = [manager.sliceWidget(name) for name in PLANNING_SLICES] if manager is not None else []
    return [widget.sliceView() for widget in widgets if widget is not None]


def view_3d() -> slicer.qMRMLThreeDView | None:
    """The module's own qMRMLThreeDView, dark and without box and letters; None while no layout has shown it."""
    manager = slicer.app.layoutManager()
    for number in range(manager.threeDViewCount if manager is not None else 0):
        widget = manager.threeDWidget(number)
        if widget.mrmlViewNode() is not None and widget.mrmlViewNode().GetLayoutName() == SCENE_VIEW:
            return widget.threeDView()
    return None


def blend_without_sorting() -> None:
    """The 3D view weighs what is translucent by its depth (vtkOrderIndependentTranslucentPass) instead of peeling it
    off layer by layer. Without a graphics card that takes half the time; in the picture of the sample's margin and
    image no pixel differs by more than 17 of 255.
    """
    view = view_3d()
    node = view.mrmlViewNode() if view is not None else None
    if node is not None and node.GetUseDepthPeeling():
        node.SetUseDepthPeeling(False)


def show_scale(node: slicer.vtkMRMLSliceNode, wanted: bool) -> None:
    """A ruler, which is right at every zoom, and the directions of the axes of Reference, in the view of a slice."""
    was_modifying = node.StartModify()
    node.SetRulerType(node.RulerTypeThin if wanted else node.RulerTypeNone)
    node.SetOrientationMarkerType(node.OrientationMarkerTypeAxes if wanted else node.OrientationMarkerTypeNone)
    node.SetOrientationMarkerSize(node.OrientationMarkerSizeSmall)
    node.EndModify(was_modifying)


def _planning_nodes() -> list[slicer.vtkMRMLSliceNode]:
    nodes = [slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode") for name in PLANNING_SLICES]
    return [node for node in nodes if node is not None]


def darken(view: slicer.qMRMLThreeDView) -> None:
    """Nothing in the 3D view but the scene, on a background against which the tumor and the tools stand out."""
    node = view.mrmlViewNode()
    was_modifying = node.StartModify()
    node.SetBackgroundColor(0.07, 0.08, 0.10)
    node.SetBackgroundColor2(0.16, 0.18, 0.22)
    node.SetBoxVisible(False)
    node.SetAxisLabelsVisible(False)
    node.SetOrientationMarkerType(node.OrientationMarkerTypeAxes)
    node.EndModify(was_modifying)


def remove_views() -> None:
    """Take the nodes of the module's own views out of the scene."""
    for name, class_name in ((LIVE_VIEW, "vtkMRMLSliceNode"), (SCENE_VIEW, "vtkMRMLViewNode")):
        node = slicer.mrmlScene.GetSingletonNode(name, class_name)
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)

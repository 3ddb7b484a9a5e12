"""Observers on nodes: none outlives its owner, and nothing is kept of nodes that are observed no more."""

import gc
import weakref

from CRLMSegmentationLib.mrml import observers
from CRLMSegmentationLib.mrml.observers import ObservedNode, observe
from vtkmodules.vtkCommonCore import vtkCommand, vtkObject


class Owner:
    def __init__(self):
        self.heard, self.node = 0, ObservedNode()

    def hear(self):
        self.heard += 1


def test_a_view_that_has_followed_many_nodes_keeps_what_it_follows_now():
    owner, last = Owner(), None
    for number in range(20):
        gone = vtkObject() if number % 2 else last or vtkObject()
        owner.node.observe(gone, {vtkCommand.ModifiedEvent: owner.hear})
        last = gone
        del gone
    assert len(observers._KEPT[id(owner)]) == 1
    last.Modified()
    assert owner.heard == 1


def test_an_owner_that_is_gone_is_called_no_more_and_leaves_nothing():
    owner, node = Owner(), vtkObject()
    tag, identifier, alive = observe(node, vtkCommand.ModifiedEvent, owner.hear), id(owner), weakref.ref(owner)
    assert node.GetCommand(tag) is not None
    del owner
    gc.collect()
    assert alive() is None and identifier not in observers._KEPT and node.GetCommand(tag) is None
    node.Modified()

"""Where the marks over the live image stand in its view: free of the depth scale, and of the read-out at the left."""

import numpy as np
from CRLMSegmentationLib.mrml.image_marks import ImageMarks
from CRLMSegmentationLib.values import image_plane
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkTextActor

# 0.2 mm a pixel, 80 x 60 mm, seen from the front.
POSE = np.array([[-0.2, 0, 0, 40], [0, 0, 1, 3], [0, -0.2, 0, 30], [0, 0, 0, 1.0]])
PLANE = image_plane(POSE, (400, 300))
# What the read-out takes of a view, from its left edge, with the longest of its usual lines.
READOUT_PX = 220


def texts_at(scene, size, height_mm):
    """{text: (x, y)} over a view of `size` pixels whose middle is the image's, and which is `height_mm` high."""
    node = scene.AddNewNodeByClass("vtkMRMLSliceNode")
    node.SetDimensions(*size, 1)
    node.SetFieldOfView(height_mm * size[0] / size[1], height_mm, 1)
    for row in range(4):
        for column in range(4):
            node.GetSliceToRAS().SetElement(row, column, PLANE.slice_to_reference()[row, column])
    node.UpdateMatrices()
    renderer, marks = vtkRenderer(), ImageMarks()
    assert marks.show(renderer, node, PLANE)
    props = renderer.GetViewProps()
    actors = [props.GetItemAsObject(number) for number in range(props.GetNumberOfItems())]
    return {actor.GetInput(): actor.GetPosition() for actor in actors if isinstance(actor, vtkTextActor)}


def test_in_a_narrow_view_the_marks_leave_the_read_out_its_place(session):
    texts = texts_at(session.view.scene, (355, 530), 220.0)
    assert texts["0 mm"][1] < 400, "the depth scale is far below the marks"
    assert texts["in Reference"][0] - 85 > READOUT_PX, "justified at its right end, some 85 pixels long"


def test_beside_a_depth_scale_that_begins_as_high_up_they_stand_at_its_left(session):
    texts = texts_at(session.view.scene, (900, 530), 62.0)
    numbers = [text for text in texts if text.replace(" mm", "").isdigit() and text != "20 mm"]
    assert max(texts[one][1] for one in numbers) > 400
    assert texts["in Reference"][0] < min(texts[one][0] for one in numbers)

"""Shapes of the tracked instruments, in mm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...navigation.tool_look import ToolShape

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkCommonExecutionModel import vtkAlgorithm


def tool_shape(shape: ToolShape) -> vtkPolyData:
    """vtkPolyData of a tool: its tip at the origin, its shaft along +z."""
    if shape is ToolShape.NEEDLE:
        return stylus_shape(length_mm=200.0, radius_mm=0.9, handle_share=0.15)
    if shape is ToolShape.INSTRUMENT:
        return stylus_shape(length_mm=330.0, radius_mm=2.5, handle_share=0.2)
    return ball_shape() if shape is ToolShape.BALL else stylus_shape()


def ball_shape(radius_mm: float = 2.5) -> vtkPolyData:
    """vtkPolyData of a ball about the tip, for a tool whose shaft is in the way."""
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    ball = vtkSphereSource()
    ball.SetRadius(radius_mm)
    ball.SetThetaResolution(32)
    ball.SetPhiResolution(24)
    return _joined([ball])


def stylus_shape(length_mm: float = 120.0, radius_mm: float = 1.2, handle_share: float = 0.4) -> vtkPolyData:
    """vtkPolyData of a needle-like stylus: its tip at the origin, its shaft along +z.

    The stylus points along its own -z: what lies ahead of it has negative z.
    """
    from vtkmodules.vtkFiltersSources import vtkCylinderSource

    point_mm = 8.0
    cone = _revolved([(0.0, 0.0), (radius_mm, point_mm), (radius_mm, length_mm * (1 - handle_share))])
    handle = vtkCylinderSource()
    handle.SetHeight(length_mm * handle_share)
    handle.SetRadius(3.5 * radius_mm)
    handle.SetResolution(36)
    return _joined([cone, _turned(handle, (90, 0, 0), (0, 0, length_mm * (1 - handle_share / 2)))])


def probe_shape(
    width_mm: float = 34.0, thickness_mm: float = 16.0, length_mm: float = 80.0, radius_mm: float = 45.0
) -> vtkPolyData:
    """vtkPolyData of a curvilinear probe in its image's frame, in mm.

    The middle of its face is the origin, +x the lateral and +y the depth direction of the image: the probe's body
    reaches to -y.
    """
    half, thin = width_mm / 2, thickness_mm / 2
    # Distance from the face, half width and half thickness, from the middle of the face to the end of the handle.
    face = [(0.0, share * half, share * thin) for share in (0.02, 0.3, 0.6, 0.85, 0.96)]
    body = [(1.5, half, thin), (12.0, half, thin), (22.0, 0.92 * half, thin)]
    handle = [(34.0, 0.6 * half, 0.9 * thin), (42.0, 0.55 * half, 0.9 * thin), (length_mm - 2, 0.5 * half, 0.85 * thin)]
    end = [(length_mm, share * half, share * thin) for share in (0.42, 0.02)]
    return _lofted([*face, *body, *handle, *end], radius_mm)


def _lofted(sections: Sequence[tuple[float, float, float]], radius_mm: float) -> vtkPolyData:
    """A closed skin over rounded sections across -y, bent about z as the face of the probe is."""
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkCommonExecutionModel import vtkTrivialProducer

    around = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    # A superellipse: between an ellipse and a rectangle.
    x = np.sign(np.cos(around)) * np.abs(np.cos(around)) ** 0.6
    z = np.sign(np.sin(around)) * np.abs(np.sin(around)) ** 0.6
    points, faces = vtkPoints(), vtkCellArray()
    for away_mm, half, thin in sections:
        sag = np.sqrt(radius_mm**2 - (x * half) ** 2) - radius_mm
        bend = max(0.0, 1 - away_mm / 30)
        for place in zip(x * half, bend * sag - away_mm, z * thin):
            points.InsertNextPoint(*place)
    count = len(around)
    for ring in range(len(sections) - 1):
        for number in range(count):
            following = (number + 1) % count
            first, second = ring * count, (ring + 1) * count
            faces.InsertNextCell(4)
            for corner in (first + number, second + number, second + following, first + following):
                faces.InsertCellPoint(corner)
    for ring in (0, len(sections) - 1):
        faces.InsertNextCell(count)
        for number in range(count) if ring == 0 else reversed(range(count)):
            faces.InsertCellPoint(ring * count + number)
    skin = vtkPolyData()
    skin.SetPoints(points)
    skin.SetPolys(faces)
    source = vtkTrivialProducer()
    source.SetOutput(skin)
    return _joined([source])


def _revolved(profile: Sequence[tuple[float, float]]) -> vtkAlgorithm:
    """A surface of revolution about z from (radius, z) pairs."""
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersModeling import vtkRotationalExtrusionFilter

    points = vtkPoints()
    line = vtkCellArray()
    line.InsertNextCell(len(profile))
    for number, (radius, z) in enumerate(profile):
        points.InsertNextPoint(radius, 0, z)
        line.InsertCellPoint(number)
    curve = vtkPolyData()
    curve.SetPoints(points)
    curve.SetLines(line)
    revolve = vtkRotationalExtrusionFilter()
    revolve.SetInputData(curve)
    revolve.SetResolution(36)
    revolve.CappingOff()
    return revolve


def _turned(
    source: vtkAlgorithm, angles_deg: tuple[float, float, float], position: tuple[float, float, float]
) -> vtkAlgorithm:
    from vtkmodules.vtkCommonTransforms import vtkTransform
    from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

    transform = vtkTransform()
    transform.Translate(*position)
    transform.RotateX(angles_deg[0])
    transform.RotateY(angles_deg[1])
    transform.RotateZ(angles_deg[2])
    apply = vtkTransformPolyDataFilter()
    apply.SetTransform(transform)
    apply.SetInputConnection(source.GetOutputPort())
    return apply


def _joined(filters: Sequence[vtkAlgorithm]) -> vtkPolyData:
    """One surface of several, in triangles, with normals that keep edges sharp."""
    from vtkmodules.vtkFiltersCore import vtkAppendPolyData, vtkPolyDataNormals, vtkTriangleFilter

    append = vtkAppendPolyData()
    for part in filters:
        append.AddInputConnection(part.GetOutputPort())
    triangles = vtkTriangleFilter()
    triangles.SetInputConnection(append.GetOutputPort())
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(triangles.GetOutputPort())
    normals.SetFeatureAngle(40)
    normals.Update()
    joined: vtkPolyData = normals.GetOutput()
    return joined

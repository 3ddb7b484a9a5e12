"""Shapes of the tracked instruments, in mm."""

from __future__ import annotations

import numpy as np


def stylus_shape(length_mm: float = 120.0, radius_mm: float = 1.2):
    """vtkPolyData of a needle-like stylus: its tip at the origin, its shaft along +z.

    The stylus points along its own -z: what lies ahead of it has negative z.
    """
    from vtkmodules.vtkFiltersSources import vtkCylinderSource

    point_mm = 8.0
    cone = _revolved([(0.0, 0.0), (radius_mm, point_mm), (radius_mm, length_mm * 0.6)])
    handle = vtkCylinderSource()
    handle.SetHeight(length_mm * 0.4)
    handle.SetRadius(3.5 * radius_mm)
    handle.SetResolution(36)
    return _joined([cone, _turned(handle, (90, 0, 0), (0, 0, length_mm * 0.8))])


def probe_shape(width_mm: float = 30.0, thickness_mm: float = 14.0, length_mm: float = 90.0, radius_mm: float = 60.0):
    """vtkPolyData of a curvilinear probe in its image's frame, in mm.

    The middle of its face is the origin, +x the lateral and +y the depth direction of the image: the probe's body
    reaches to -y.
    """
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersModeling import vtkLinearExtrusionFilter

    half = width_mm / 2
    across = np.linspace(-half, half, 25)
    sag = np.sqrt(radius_mm**2 - across**2) - radius_mm
    handle = half * 0.55
    outline = [*zip(across, sag)]
    outline += [(half, -0.25 * length_mm), (handle, -0.42 * length_mm), (handle, -length_mm)]
    outline += [(-handle, -length_mm), (-handle, -0.42 * length_mm), (-half, -0.25 * length_mm)]
    points = vtkPoints()
    for x, y in outline:
        points.InsertNextPoint(x, y, -thickness_mm / 2)
    faces = vtkCellArray()
    faces.InsertNextCell(len(outline))
    for number in range(len(outline)):
        faces.InsertCellPoint(number)
    flat = vtkPolyData()
    flat.SetPoints(points)
    flat.SetPolys(faces)
    extrude = vtkLinearExtrusionFilter()
    extrude.SetInputData(flat)
    extrude.SetExtrusionTypeToVectorExtrusion()
    extrude.SetVector(0, 0, 1)
    extrude.SetScaleFactor(thickness_mm)
    return _joined([extrude])


def _revolved(profile):
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


def _turned(source, angles_deg, position):
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


def _joined(filters):
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
    return normals.GetOutput()

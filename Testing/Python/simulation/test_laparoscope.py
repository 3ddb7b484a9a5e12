"""A laparoscope before a simulated liver: what it sees is where the CT has it, through transforms that are known."""

import json

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files.laparoscope.camera_file import read_camera
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import read_landmark_mask
from CRLMSegmentationLib.geometry import invert_affine, transform_points
from CRLMSegmentationLib.laparoscopy.lines.landmark_lines import lines_of_mask
from CRLMSegmentationLib.laparoscopy.pose.model_landmarks import ModelLandmarks
from CRLMSegmentationLib.laparoscopy.pose.registration import register_pose
from CRLMSegmentationLib.laparoscopy.pose.solver import moved
from CRLMSegmentationLib.laparoscopy.surface.mesh import mesh_of
from CRLMSegmentationLib.simulation.laparoscope import LANDMARKS, draw_views, views_files, write_views
from CRLMSegmentationLib.simulation.laparoscope.looks import draw_pictures
from CRLMSegmentationLib.simulation.laparoscope.views import WELL_FRAMED, how_well_framed


@pytest.fixture(scope="module")
def views(operation):
    return draw_views(operation, 2)


@pytest.fixture(scope="module")
def pictures(operation, views):
    return draw_pictures(operation, views)


def test_each_pixel_of_the_depth_lies_on_the_liver_of_the_ct(operation, views):
    for pose, depth in zip(views.camera_to_reference, views.depth_mm, strict=True):
        assert pose[:3, :3] @ pose[:3, :3].T == pytest.approx(np.eye(3), abs=1e-6)
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1, abs=1e-6)
        v, u = np.argwhere(depth > 0)[::97].T
        assert len(v) > 200
        in_camera = views.camera.unproject(np.column_stack([u, v]), depth[v, u])
        outside = operation.patient.shape.outside_mm(operation.reference_to_ct(transform_points(pose, in_camera)))
        assert np.abs(outside).max() < 1.5 and np.median(np.abs(outside)) < 0.2


def test_a_point_of_the_ct_is_found_in_the_picture(operation, views):
    """From the masks alone: a seen pixel of the ridge has a point of the CT's ridge within its line."""
    for pose, landmarks in zip(views.camera_to_reference, views.landmarks, strict=True):
        to_camera = np.linalg.inv(pose)
        for name, curve in (
            ("ridge", operation.patient.ridge),
            ("falciform ligament", operation.patient.falciform_ligament),
        ):
            places = np.linspace(0, len(curve) - 1, 20 * len(curve))
            dense = np.column_stack([np.interp(places, np.arange(len(curve)), curve[:, axis]) for axis in range(3)])
            pixels = views.camera.project(transform_points(to_camera, operation.ct_to_reference(dense)))
            found = np.argwhere(landmarks == LANDMARKS[name])[::13, ::-1]
            if name == "ridge":
                assert len(found) > 10
            for pixel in found:
                assert np.nanmin(np.abs(pixels - pixel).max(axis=1)) < 1.6


def test_a_point_goes_to_the_ct_and_back_within_a_tenth_of_a_pixel(operation, views):
    pose, depth = views.camera_to_reference[0], views.depth_mm[0]
    v, u = np.argwhere(depth > 0)[::301].T
    on_ct = operation.reference_to_ct(
        transform_points(pose, views.camera.unproject(np.column_stack([u, v]), depth[v, u]))
    )
    back = views.camera.project(transform_points(np.linalg.inv(pose), operation.ct_to_reference(on_ct)))
    assert np.abs(back - np.column_stack([u, v])).max() < 0.1


def test_the_silhouette_is_the_border_of_the_liver_and_not_of_the_picture(views):
    landmarks = views.landmarks[0]
    silhouette = np.argwhere(landmarks == LANDMARKS["silhouette"])
    assert len(silhouette) > 50
    for v, u in silhouette[::29]:
        assert (landmarks[max(v - 2, 0) : v + 3, max(u - 2, 0) : u + 3] == 0).any()


def test_a_view_is_framed_as_one_would_hold_the_camera(views):
    in_the_middle = np.zeros((540, 960), dtype=np.uint8)
    in_the_middle[100:400, 250:750] = LANDMARKS["liver"]
    in_the_middle[398:401, 260:740] = LANDMARKS["ridge"]
    in_the_middle[150:390, 500:503] = LANDMARKS["falciform ligament"]
    assert how_well_framed(in_the_middle) == WELL_FRAMED
    in_a_corner = np.roll(in_the_middle, (-100, -250), axis=(0, 1))
    assert 0 < how_well_framed(in_a_corner) < WELL_FRAMED
    without_ligament = np.where(in_the_middle == LANDMARKS["falciform ligament"], LANDMARKS["liver"], in_the_middle)
    assert how_well_framed(without_ligament) == WELL_FRAMED - 1
    assert how_well_framed(in_the_middle // 4) == 0
    assert min(how_well_framed(landmarks) for landmarks in views.landmarks) >= WELL_FRAMED - 1


def test_the_fissure_does_not_hide_the_ligament(operation):
    """The line on the surface dips into the fissure; what is fixed there stands out of it. The last of these views
    looks along the fissure: the ligament goes from the ridge to the upper end of the picture.
    """
    seen = [np.argwhere(one == LANDMARKS["falciform ligament"]) for one in draw_views(operation, 4).landmarks]
    assert seen[3][:, 0].min() < 3
    assert all(len(np.unique(pixels[:, 0])) == np.ptp(pixels[:, 0]) + 1 for pixels in seen)


def test_views_are_written_as_files_that_open_again(operation, views, pictures, tmp_path):
    write_views(views, pictures, tmp_path, {"PatientToReference": operation.patient_to_reference})
    assert all((tmp_path / name).is_file() for name in views_files(2))
    depth = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "camera" / "depth_001.png"))) * 0.01
    assert np.abs(depth - views.depth_mm[1]).max() < 0.006
    assert read_camera(tmp_path / "camera" / "camera.json").intrinsics == pytest.approx(views.camera.intrinsics)
    picture = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "camera" / "picture_001.png")))
    assert np.array_equal(picture, pictures.pictures[1])
    seen = read_landmark_mask(tmp_path / "camera" / "seen_001.png")
    assert np.array_equal(seen == 1, pictures.seen[1, 0]) and np.array_equal(seen > 0, pictures.seen[1].any(axis=0))
    text = json.loads((tmp_path / "transforms.json").read_text(encoding="utf-8"))
    assert np.array_equal(text["CameraToReference"], views.camera_to_reference) and "PatientToReference" in text


def test_the_first_views_do_not_depend_on_how_many_there_are(operation, views):
    one = draw_views(operation, 1)
    assert np.array_equal(one.depth_mm[0], views.depth_mm[0])
    with pytest.raises(ConfigurationError, match="1 to 1000"):
        draw_views(operation, 0)


def test_the_pose_is_found_from_its_landmarks(operation, views):
    """With the liver as it lies in the operation: a rigid pose cannot know how it was deformed."""
    patient, camera = operation.patient, views.camera
    curves = {"ridge": patient.ridge, "ligament": patient.falciform_ligament}
    model = ModelLandmarks(
        mesh_of(operation.in_reference(patient.surface)),
        {name: [operation.ct_to_reference(line)] for name, line in curves.items()},
    )
    masked = np.zeros(views.landmarks[0].shape, dtype=np.uint8)
    for name, ours in (("ridge", 1), ("falciform ligament", 2), ("silhouette", 3)):
        masked[views.landmarks[0] == LANDMARKS[name]] = ours
    truth = invert_affine(views.camera_to_reference[0])
    start = moved(truth, np.array([12.0, -12, 10, 8, 10, -9]), model.liver.center)
    found = register_pose(model, camera, lines_of_mask(masked), start)
    lesions = operation.ct_to_reference(np.array([lesion.center_ras for lesion in patient.lesions]))
    off = transform_points(found.model_to_camera, lesions) - transform_points(truth, lesions)
    assert found.reprojection_px < 2 and np.linalg.norm(off, axis=1).max() < 3

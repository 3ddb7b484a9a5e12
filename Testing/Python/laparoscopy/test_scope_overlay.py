"""`crlm scope overlay`: against the picture that scikit-surgeryvtk draws, and on models whose answer is known."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.files import write_surface
from CRLMSegmentationLib.files.laparoscope.camera_file import write_camera
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import read_picture, write_picture
from CRLMSegmentationLib.files.transform_file import write_transform
from CRLMSegmentationLib.geometry import LPS_TO_RAS
from CRLMSegmentationLib.laparoscopy.overlay.drawing import draw_overlay
from CRLMSegmentationLib.laparoscopy.overlay.landmark_drawing import LANDMARK_COLORS, draw_landmarks
from CRLMSegmentationLib.laparoscopy.overlay.parts import LIVER, TUMORS, ModelPart, kind_of
from CRLMSegmentationLib.laparoscopy.surface.mesh import mesh_of
from CRLMSegmentationLib.values.camera import Camera
from CRLMSegmentationLib.values.landmarks import Polyline
from scipy import ndimage
from vtkmodules.vtkFiltersSources import vtkSphereSource

CAMERA = Camera(np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]]), (320, 240), np.array([-0.2, 0.05, 0, 0]))
POSE = np.eye(4)
POSE[:3, 3] = 0, 0, 150


def ball(radius, center=(0.0, 0.0, 0.0)):
    source = vtkSphereSource()
    source.SetRadius(radius)
    source.SetCenter(*center)
    source.SetThetaResolution(40)
    source.SetPhiResolution(40)
    source.Update()
    return source.GetOutput()


def crlm(capsys, *words):
    status = main(["scope", "overlay", *(str(word) for word in words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def case(tmp_path):
    """picture, model, camera and pose, as the command takes them, and where it writes."""
    folder = tmp_path / "model" / "surfaces"
    write_surface(ball(40), folder / "liver.vtp")
    write_surface(ball(8, (10, 0, -20)), folder / "lesions.vtp")
    write_surface(ball(5, (-20, 0, 0)), folder / "portal.vtp")
    write_picture(np.full((240, 320, 3), 90, dtype=np.uint8), tmp_path / "picture.png")
    write_camera(CAMERA, tmp_path / "camera.json")
    write_transform(POSE, tmp_path / "pose.tfm")
    return tmp_path


def words(case, *more):
    return (case / "picture.png", case / "model", "--camera", case / "camera.json", "--pose", case / "pose.tfm", "-o",
            case / "out.png", *more)  # fmt: skip


def border(mask):
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def test_the_outline_is_that_of_scikit_surgeryvtk(shared_data, tmp_path, capsys):
    folder = shared_data / "laparoscopy"
    status, _, err = crlm(
        capsys, folder / "sksurgery_fig06_case1b.png", folder / "sksurgery_liver_sub.ply", "--camera",
        folder / "sksurgery_calib.left.intrinsics.txt", "--pose", folder / "sksurgery_model_to_camera.txt", "--mask",
        tmp_path / "mask.png", "-o", tmp_path / "out.png",
    )  # fmt: skip
    assert status == 0, err
    mask = read_picture(tmp_path / "mask.png") == 1
    # Theirs is of half the size, grey on white, with white spots where it shines.
    theirs = (read_picture(folder / "sksurgery_fig06_case1b_overlay.png") < 255).any(axis=-1)
    theirs = border(ndimage.binary_fill_holes(theirs))
    ours = border(mask.reshape(540, 2, 960, 2).mean(axis=(1, 3)) >= 0.5)
    assert ndimage.distance_transform_edt(~theirs)[ours].max() <= 1.5
    assert ndimage.distance_transform_edt(~ours)[theirs].max() <= 1.5
    # The picture itself is changed in and at the outline only.
    before, after = (read_picture(path) for path in (folder / "sksurgery_fig06_case1b.png", tmp_path / "out.png"))
    changed = (before != after).any(axis=-1)
    assert not (changed & ~ndimage.binary_dilation(mask, iterations=2)).any()


def test_the_parts_are_drawn_and_their_depth_is_told(case, capsys):
    status, out, _ = crlm(capsys, *words(case, "--mask", case / "mask.png", "--json"))
    parts = json.loads(out)["parts"]
    assert status == 0 and set(parts) == {"liver", "tumors", "portal vein"}
    assert parts["liver"]["nearest_mm"] == pytest.approx(110, abs=0.2)
    assert parts["tumors"]["nearest_mm"] == pytest.approx(122, abs=0.2)
    mask, drawn = read_picture(case / "mask.png"), read_picture(case / "out.png")
    center = CAMERA.project(np.array([10.0, 0, 130])).round().astype(int)
    assert mask[center[1], center[0]] == 3 and mask[120, 120] == 2 and mask[60, 160] == 1 and mask[0, 0] == 0
    red, green, blue = drawn[center[1], center[0]]
    assert red > green > blue and (drawn[0, 0] == 90).all()


def test_a_model_in_coordinates_of_its_own_goes_with_a_matrix_as_text(case, capsys):
    """The files hold LPS: what leads RAS to the camera leads these by way of RAS."""
    crlm(capsys, *words(case))
    np.savetxt(case / "pose.txt", POSE @ LPS_TO_RAS)
    status, _, _ = crlm(
        capsys, case / "picture.png", case / "model", "--camera", case / "camera.json", "--pose", case / "pose.txt",
        "-o", case / "again.png",
    )  # fmt: skip
    assert status == 0 and np.array_equal(read_picture(case / "again.png"), read_picture(case / "out.png"))


def test_a_deeper_tumor_is_fainter_and_a_weak_registration_is_drawn_weakly():
    picture = np.zeros((240, 320, 3), dtype=np.uint8)

    def brightness(depth_mm, strength=1.0):
        parts = [ModelPart(LIVER, mesh_of(ball(60))), ModelPart(TUMORS, mesh_of(ball(6, (0, 0, depth_mm - 60))))]
        return int(draw_overlay(picture, parts, CAMERA, POSE, strength).picture[120, 160].sum())

    shallow, deep, faded = brightness(10), brightness(60), brightness(10, 0.4)
    assert deep < 0.8 * shallow and 0.3 * shallow < faded < 0.5 * shallow


def test_pictures_of_more_bits_and_of_grey_are_drawn_on():
    parts = [ModelPart(LIVER, mesh_of(ball(30)))]
    for grey in (np.full((240, 320), 90, np.uint8), np.full((240, 320), 90 * 4, np.uint16)):
        assert draw_overlay(grey, parts, CAMERA, POSE).picture[0, 0].tolist() == [90, 90, 90]


def test_a_scaled_picture_takes_the_camera_with_a_doubt_and_a_stretched_one_is_refused(case, capsys):
    write_picture(np.zeros((120, 160, 3), np.uint8), case / "picture.png")
    status, out, err = crlm(capsys, *words(case))
    assert status == 0 and "scaled to 160 x 120" in out + err
    write_picture(np.zeros((120, 320, 3), np.uint8), case / "picture.png")
    status, out, err = crlm(capsys, *words(case, "--force"))
    assert status == 1 and err.count("\n") == 1 and "proportions differ" in err


@pytest.mark.parametrize("change, sentence", [
    ("behind", "Nothing of the model is in the picture"), ("stretched", "stretches or mirrors"),
    ("no pose", "no transform that can be read"), ("unnamed", "has a name that says what it is"),
    ("no surface", "There is no surface in"), ("over the picture", "would be written over"),
])  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(case, capsys, change, sentence):
    arguments = list(words(case))
    if change == "behind":
        write_transform(np.diag([1.0, -1, -1, 1]) @ POSE, case / "pose.tfm")
    elif change == "stretched":
        write_transform(np.diag([2.0, 1, 1, 1]), case / "pose.tfm")
    elif change == "no pose":
        (case / "pose.tfm").write_text("none")
    elif change in ("unnamed", "no surface"):
        for file in (case / "model" / "surfaces").iterdir():
            file.unlink() if change == "no surface" else file.rename(file.with_name(f"x{file.stem[0]}.vtp"))
    elif change == "over the picture":
        arguments[-1] = case / "picture.png"
    before = read_picture(case / "picture.png")
    status, _, err = crlm(capsys, *arguments, "--force")
    assert status == 1 and sentence in err, err
    assert np.array_equal(read_picture(case / "picture.png"), before) and not (case / "out.png").exists()


def test_names_of_surfaces_say_what_they_are():
    names = {"liver_tumours": "tumors", "lesions": "tumors", "liver_cysts": "cysts", "hepatic_veins": "hepatic veins",
             "portal": "portal vein", "artery": "arteries", "bile": "bile ducts", "vessels": "vessels",
             "Liver": "liver", "biliary_tract": "bile ducts", "gallbladder": "gallbladder"}  # fmt: skip
    assert {name: kind_of(name).name for name in names} == names and kind_of("heart") is None


def test_landmarks_are_drawn_as_over_the_whole_picture():
    """Lines that leave the picture, lie beside it, close, and cross; each over what was drawn before."""
    cv2 = pytest.importorskip("cv2")
    picture = np.random.default_rng(5).integers(0, 256, (240, 640, 3)).astype(np.uint8)
    lines = [
        Polyline("ridge", [[-20.0, 30.3], [300.6, 120], [700, 80]], 0.8),
        Polyline("ligament", [[200.0, 20], [260, 200], [150.5, 90]], 0.1, True),
        Polyline("silhouette", [[800.0, 20], [900, 30]], 1.0),
        Polyline("silhouette", [[638.0, 100], [639, 239]], 1.0),
    ]
    wanted = picture.copy()
    for line in lines:
        over, points = wanted.copy(), np.round(line.points * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(over, [points], line.is_closed, LANDMARK_COLORS[line.landmark], 2, cv2.LINE_AA, 4)
        share = max(0.35, line.confidence)
        cv2.addWeighted(over, share, wanted, 1 - share, 0, dst=wanted)
    drawn = draw_landmarks(picture, lines)
    assert np.array_equal(drawn, wanted) and (drawn != picture).any(axis=-1).sum() > 1500
    assert np.array_equal(draw_landmarks(picture[..., 0], ()), np.repeat(picture[..., :1], 3, axis=-1))

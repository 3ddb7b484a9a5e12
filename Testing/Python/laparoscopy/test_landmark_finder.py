"""From a picture to lines through a network: what the network sees, and where its lines lie in the picture."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError, ModelError
from CRLMSegmentationLib.inference.image import Prediction
from CRLMSegmentationLib.inference.models.catalogue import CatalogueEntry
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.laparoscopy.lines.landmark_lines import LineSettings
from CRLMSegmentationLib.laparoscopy.network import landmark_finder
from CRLMSegmentationLib.laparoscopy.picture import lit_part
from CRLMSegmentationLib.laparoscopy.video import pictures_of, video_source
from CRLMSegmentationLib.values.landmarks import LANDMARKS, Polyline
from small_model import exported_model  # noqa: F401

pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")

from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import write_picture
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import (
    LandmarkFinder,
    drawn,
    landmark_model,
    lines_in_picture,
)
from CRLMSegmentationLib.laparoscopy.network.network_picture import (
    LABELS,
    NETWORK_SIZE,
    label_map_of,
    lines_in,
    network_label_map,
    network_picture,
)

WIDTH, HEIGHT = NETWORK_SIZE


class Knows:
    """Answers with the probabilities that it was given, whatever it is asked about."""

    def __init__(self, probabilities):
        self.probabilities, self.seen = probabilities, None

    def predict(self, image, labels=None):
        self.seen = image
        return Prediction(self.probabilities[:, None].astype(np.float32), tuple(labels))


@pytest.fixture
def crossing():
    """(3, 320, 416): a ridge across the middle, a ligament down to it, a silhouette above; 5 pixels wide."""
    lines = np.zeros((3, HEIGHT, WIDTH))
    lines[0, 198:203, 40:380] = 0.9
    lines[1, 60:201, 198:203] = 0.8
    lines[2, 58:63, 40:380] = 0.7
    return lines


def test_wide_black_bars_are_left_out_of_what_the_network_sees(crossing):
    """A picture with bars around it, and text in them: its lines lie where they do without, moved with it."""
    picture = np.random.default_rng(3).integers(40, 200, (2 * HEIGHT, 2 * WIDTH, 3)).astype(np.uint8)
    alone, framed = Knows(crossing), Knows(crossing)
    expected = LandmarkFinder(alone).find(picture).lines
    around = np.full((2 * HEIGHT + 160, 3 * WIDTH, 3), 6, np.uint8)
    around[120 : 120 + 2 * HEIGHT, 400 : 400 + 2 * WIDTH] = picture
    around[8:14, 20:90] = 255
    found = LandmarkFinder(framed).find(around).lines
    assert np.array_equal(framed.seen.channels, alone.seen.channels)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.points, other.points + (400, 120), atol=1e-9)


@pytest.mark.parametrize("dark", [slice(0, 60), slice(None)])
def test_a_picture_with_narrow_bars_or_without_light_is_seen_whole(dark):
    picture = np.full((300, 400, 3), 90, np.uint8)
    picture[:, dark] = 4
    assert lit_part(picture) == (slice(0, 300), slice(0, 400))
    assert lit_part(picture.astype(np.uint16) << 8) == (slice(0, 300), slice(0, 400))


def test_lines_lie_where_they_are_in_the_picture(crossing):
    """Pixel centres: 200 of 416 in a picture three times as wide is 601, and not 600."""
    found = LandmarkFinder(Knows(crossing)).find(np.full((3 * HEIGHT, 3 * WIDTH, 3), 120, np.uint8))
    by_name = {line.landmark: line for line in found.lines}
    assert set(by_name) == set(LANDMARKS)
    # Their ends are those of a skeleton.
    assert np.median(by_name["ridge"].sampled(3)[:, 1]) == pytest.approx(601, abs=0.3)
    assert np.median(by_name["ligament"].sampled(3)[:, 0]) == pytest.approx(601, abs=0.3)
    assert by_name["silhouette"].confidence == pytest.approx(0.7, abs=0.01)
    assert found.network_ms > 0 and found.post_ms > 0


def test_the_network_sees_the_whole_picture_pressed_to_its_size(crossing):
    network = Knows(crossing)
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[:, 80:, 0], picture[45:, :, 2] = 200, 100
    LandmarkFinder(network).find(picture)
    red, _, blue = network.seen.channels[:, 0]
    assert red.shape == (HEIGHT, WIDTH) and network.seen.spacing_mm[1:] == (1.0, 1.0)
    assert red[:, : WIDTH // 2 - 3].max() == 0 and red[:, WIDTH // 2 + 3 :].min() == 200
    assert blue[: HEIGHT // 2 - 3].max() == 0 and blue[HEIGHT // 2 + 3 :].min() == 100
    grey, deep = np.full((50, 60), 7, np.uint8), np.full((50, 60), 7 << 2, np.uint16)
    deep[0, 0] = 1023
    assert (network_picture(grey) == 7).all() and (network_picture(deep)[20:] == 7).all()


def test_what_lies_outside_of_the_circle_is_no_landmark(crossing):
    """Pressed together the circle is an ellipse: 165 pixels are 0.31 of the height and 0.17 of the width."""
    v, u = np.ogrid[:540, :960]
    inside = (v - 270) ** 2 + (u - 480) ** 2 < 165**2
    picture = np.where(inside[..., None], 140, 3).astype(np.uint8).repeat(3, axis=-1)
    found = lines_in_picture(crossing, picture, LineSettings(threshold=0.5))
    points = np.vstack([line.points for line in found])
    away = np.hypot(points[:, 1] - 269.5, points[:, 0] - 479.5)
    assert {line.landmark for line in found} == {"ridge", "ligament"}
    assert 145 < away.max() < 165


def test_a_landmark_is_drawn_twelve_pixels_wide_in_a_picture_of_1920():
    ridge = Polyline("ridge", np.array([[200.0, 500], [1700, 500]]))
    ligament = Polyline("ligament", np.array([[960.0, 100], [960, 900]]))
    mask = drawn([ridge, ligament], (1920, 1080))
    assert 11 <= (mask[:, 400] == LANDMARKS["ridge"]).sum() <= 13
    assert mask[500, 960] == LANDMARKS["ridge"] and mask[300, 960] == LANDMARKS["ligament"]
    assert 2 <= (drawn([ridge], (300, 600))[:, 250] > 0).sum() <= 3


def test_lines_that_cross_stay_whole_in_a_label_map(crossing):
    lines = crossing > 0
    label_map = label_map_of(lines)
    assert np.array_equal(lines_in(label_map), lines) and label_map[200, 200] == 3
    for number, name in enumerate(LANDMARKS):
        assert np.array_equal(LABELS.mask(label_map, name), lines[number])
    large = np.kron(label_map, np.ones((3, 3), np.uint8))
    assert np.array_equal(network_label_map(large), label_map)


def test_without_a_model_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(landmark_finder, "model_choices", lambda task: [])
    with pytest.raises(ModelError, match="No model for landmarks is installed: give its folder with --model"):
        landmark_model(None)


def test_of_several_models_one_has_to_be_chosen(monkeypatch):
    entries = [CatalogueEntry(name, name, "", "landmarks") for name in ("one", "other")]
    monkeypatch.setattr(landmark_finder, "model_choices", lambda task: entries)
    with pytest.raises(ModelError, match="choose with --model one, other"):
        landmark_model(None)


def test_ones_own_model_comes_before_the_one_that_ships(monkeypatch):
    entries = [CatalogueEntry(name, name, "", "landmarks") for name in ("shipped", "own")]
    asked = []
    monkeypatch.setattr(landmark_finder, "model_choices", lambda task: entries)
    monkeypatch.setattr(landmark_finder, "available_models", lambda: ["shipped"])
    monkeypatch.setattr(landmark_finder, "load_model", lambda name: asked.append(name) or load_model())
    for _ in range(2):
        with pytest.raises(ModelError, match="for the task 'crop'"):
            landmark_model(None)
        entries.pop()
    assert asked == ["own", "shipped"]


def test_a_model_for_something_else_is_refused(exported_model):  # noqa: F811
    with pytest.raises(ModelError, match="is for the task 'crop', and landmarks need one for 'landmarks'"):
        landmark_model(str(exported_model))


def test_pictures_come_from_a_folder_a_picture_or_a_video(tmp_path):
    import cv2

    colors = np.zeros((48, 64, 3), np.uint8)
    colors[..., 0] = 250
    for name in ("b.png", "a.png"):
        write_picture(colors, tmp_path / name)
    assert [name for name, _ in pictures_of(video_source(tmp_path))] == ["a", "b"]
    ((name, picture),) = pictures_of(video_source(tmp_path / "a.png"))
    assert name == "a" and np.array_equal(picture, colors)

    video = tmp_path / "red.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(5):
        writer.write(np.ascontiguousarray(colors[..., ::-1]))
    writer.release()
    frames = list(pictures_of(video_source(video), every=2))
    assert [name for name, _ in frames] == ["frame_000000", "frame_000002", "frame_000004"]
    red, green, blue = frames[0][1].reshape(-1, 3).mean(axis=0)
    assert red > 230 and green < 20 and blue < 20


def test_what_is_no_video_is_reported(tmp_path):
    for name, says in (("gone.png", "does not exist"), ("notes.txt", "neither a picture nor a video")):
        if name == "notes.txt":
            (tmp_path / name).write_text("x", encoding="utf-8")
        with pytest.raises(LaparoscopeError, match=says):
            video_source(tmp_path / name)
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 400)
    with pytest.raises(LaparoscopeError, match=r"No frame of .*broken\.mp4 can be read"):
        list(pictures_of(video_source(tmp_path / "broken.mp4")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(LaparoscopeError, match="There are no pictures"):
        video_source(tmp_path / "empty")
    for ending in ("png", "bmp"):
        write_picture(np.zeros((8, 8), np.uint8), tmp_path / "empty" / f"same.{ending}")
    with pytest.raises(LaparoscopeError, match="two pictures with the name same"):
        video_source(tmp_path / "empty")

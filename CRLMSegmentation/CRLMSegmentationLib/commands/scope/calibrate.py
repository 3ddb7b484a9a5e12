"""`crlm scope calibrate`: the camera from pictures of a board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...files.laparoscope.camera_file import write_camera
from ...files.laparoscope.landmark_mask_file import read_picture
from ..options.outputs import PICTURE_ENDINGS, Output, add_force_option, check_outputs
from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar

if TYPE_CHECKING:
    from ...laparoscopy.camera.board_views import BoardCalibration
    from ...laparoscopy.camera.boards import Board

EXAMPLES = (
    "crlm scope calibrate board/*.png -o camera.json",
    "crlm scope calibrate board/ --board 8x6 --markers DICT_4X4_50 -o camera.json",
    "crlm scope calibrate laparoscope.igs.mha --sensor Laparoscope --square 8 -o camera.json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", metavar="IMAGES", nargs="+",
                        help="pictures of the board, or folders of them; or one video or recording")  # fmt: skip
    parser.add_argument("--board", metavar="COLUMNSxROWS",
                        help="its corners between squares (default: the chessboard that is found)")  # fmt: skip
    parser.add_argument("--square", type=float, default=10.0, metavar="MM",
                        help="side of a square; of it depends the place on the sensor alone (default 10)")  # fmt: skip
    parser.add_argument("--markers", metavar="DICTIONARY",
                        help="a ChArUco board with these markers, as OpenCV names them: DICT_4X4_50, ...")  # fmt: skip
    parser.add_argument("--marker-share", type=float, default=0.75, metavar="SHARE",
                        help="side of a marker over that of a square (default 0.75)")  # fmt: skip
    parser.add_argument("--sensor", default="", metavar="NAME",
                        help="of a recording with poses: the scope's sensor (default: the one that comes)")  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the camera, .json")
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    from ...laparoscopy.video import SEQUENCE_ENDINGS, VIDEO_ENDINGS

    first = Path(arguments.images[0])
    is_video = len(arguments.images) == 1 and first.suffix.lower() in (*VIDEO_ENDINGS, *SEQUENCE_ENDINGS)
    paths = [first] if is_video else _pictures(arguments.images)
    check_outputs([Output("-o", arguments.output, (".json",), by_library=False)], paths, arguments.force)
    board = _board(arguments)
    from ...laparoscopy.camera.calibration import calibrate_camera

    place: BoardCalibration | None = None
    with progress_bar("Calibrate") as progress:
        progress(0.1, "finding the board")
        if is_video:
            place = _of_video(paths[0], board, arguments)
            found = place.camera
            names = [f"picture {number}" for number in range(len(found.used) + len(found.left_out))]
        else:
            found = calibrate_camera([read_picture(path) for path in paths], board)
            names = [str(path) for path in paths]
    on_sensor = None if place is None else place.place
    write_camera(found.camera, arguments.output, on_sensor)
    doubts = found.doubts if place is None else place.doubts
    for doubt in doubts:
        print_doubt(doubt)
    left_out = [names[number] for number in found.left_out]
    print_facts(
        {
            "camera": arguments.output,
            "image_size": found.camera.image_size,
            "board": [found.board.columns, found.board.rows],
            "pictures": len(names),
            "used": len(found.used),
            "left_out": left_out,
            "error_px": found.error_px,
            "view_errors_px": {names[n]: error for n, error in zip(found.used, found.view_errors_px)},
            "camera_matrix": found.camera.intrinsics,
            "dist_coeffs": found.camera.distortion,
            "focal_std_px": found.focal_std_px,
            "center_std_px": found.center_std_px,
            "covered": found.covered,
            **_facts_of(place),
            "doubts": list(doubts),
        }
    )
    focal, center = found.camera.intrinsics[[0, 1], [0, 1]], found.camera.intrinsics[:2, 2]
    print(f"{arguments.output}: board of {found.board.columns} x {found.board.rows} corners in {len(found.used)} of "
          f"{len(names)} pictures, error {found.error_px:.3f} px")  # fmt: skip
    print(f"focal length {focal[0]:.1f}, {focal[1]:.1f} (standard deviation {found.focal_std_px.max():.2f}) px, centre "
          f"{center[0]:.1f}, {center[1]:.1f} ({found.center_std_px.max():.2f}) px")  # fmt: skip
    if left_out:
        print(f"left out, the board not found or far worse than the others: {', '.join(left_out)}")

    if place is not None and place.on_sensor is not None:
        hand_eye = place.on_sensor
        print(f"on the sensor {place.sensor}, from {len(hand_eye.used)} poses: error {hand_eye.error_px:.2f} px and "
              f"{hand_eye.error_mm:.2f} mm, known to {hand_eye.shift_std_mm:.2f} mm and {hand_eye.turn_std_deg:.2f} "
              "degrees")  # fmt: skip


def _of_video(path: Path, board: Board | None, arguments: argparse.Namespace) -> BoardCalibration:
    from ...laparoscopy.camera.board_views import MOST_OF_VIDEO, BoardViews
    from ...laparoscopy.video import tracked_pictures_of, video_source

    source, views = video_source(path), BoardViews(board, arguments.square, arguments.sensor)
    for picture, transforms in tracked_pictures_of(source, max(1, source.expected // MOST_OF_VIDEO)):
        if views.is_full:
            break
        views.add(picture, transforms)
    return views.calibrate()


def _facts_of(place: BoardCalibration | None) -> dict[str, object]:
    if place is None or place.on_sensor is None:
        return {}
    hand_eye = place.on_sensor
    return {
        "sensor": place.sensor, "camera_to_sensor": hand_eye.camera_to_sensor, "sensor_error_px": hand_eye.error_px,
        "sensor_error_mm": hand_eye.error_mm, "sensor_shift_std_mm": hand_eye.shift_std_mm,
        "sensor_turn_std_deg": hand_eye.turn_std_deg,
    }  # fmt: skip


def _pictures(given: list[str]) -> list[Path]:
    paths: list[Path] = []
    for one in map(Path, given):
        inside = (
            sorted(file for file in one.iterdir() if file.suffix.lower() in PICTURE_ENDINGS) if one.is_dir() else []
        )
        if one.is_dir() and not inside:
            raise ConfigurationError(f"There are no pictures in {one} ({', '.join(PICTURE_ENDINGS)}).")
        paths += inside or [one]
    return paths


def _board(arguments: argparse.Namespace) -> Board | None:
    from ...laparoscopy.camera.boards import Board, corners_of

    if arguments.board is None:
        if arguments.markers:
            raise ConfigurationError("--markers needs --board COLUMNSxROWS: how many corners the ChArUco board has.")
        return None
    corners = corners_of(arguments.board)
    if corners is None:
        raise ConfigurationError(f"--board is '{arguments.board}'; give corners between squares, such as 9x6.")
    return Board(*corners, arguments.square, arguments.markers, arguments.marker_share)

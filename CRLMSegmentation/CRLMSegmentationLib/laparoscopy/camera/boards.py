"""Boards that a camera is calibrated with, and where their corners are in a picture. By OpenCV."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import LaparoscopeError
from ...words import tr
from .opencv import opencv

# Of the chessboards that are looked for when nobody says which one it is.
_SMALLEST = (4, 3)
_LEAST_CHARUCO_CORNERS = 6


@dataclass(frozen=True)
class Board:
    """columns and rows of its corners between squares, and the length of a square's side in mm.

    dictionary    of a ChArUco board's markers, as OpenCV names it (DICT_4X4_50); None for a plain chessboard
    marker_share  side of a marker over that of a square
    """

    columns: int
    rows: int
    square_mm: float = 10.0
    dictionary: str | None = None
    marker_share: float = 0.75

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3 or self.columns == self.rows == 0:
            raise LaparoscopeError(
                tr(
                    "A board of {columns} x {rows} corners is too small: 3 x 3 at least.",
                    columns=self.columns,
                    rows=self.rows,
                )
            )
        if not (self.square_mm > 0 and 0 < self.marker_share < 1):
            raise LaparoscopeError(tr("A square's side must be greater than 0, and a marker's share between 0 and 1."))

    def points_mm(self) -> np.ndarray:
        """(n, 3) float32: the corners on the board, z = 0, row by row."""
        places = np.stack(np.meshgrid(np.arange(self.columns), np.arange(self.rows)), axis=-1).reshape(-1, 2)
        return np.pad(places * self.square_mm, ((0, 0), (0, 1))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class BoardView:
    """points_mm (n, 3) on the board and the pixels (n, 2) at which they are seen, both float32."""

    points_mm: np.ndarray
    pixels: np.ndarray


def corners_of(text: str) -> tuple[int, int] | None:
    """Columns and rows of a board's corners between squares, of '9x6'; None for what is no such text."""
    match = re.fullmatch(r"(\d{1,3})[xX](\d{1,3})", text)
    return None if match is None else (int(match[1]), int(match[2]))


def board_of(text: str, square_mm: float) -> Board | None:
    """The board that a person means: '9x6' is a chessboard with so many corners between squares, '8x6 DICT_4X4_50' a
    ChArUco board with these markers; '' the chessboard that is found: None where its squares' size does not matter.

    Raises LaparoscopeError for what is none of these.
    """
    words = text.split()
    if not words:
        return None
    corners = corners_of(words[0])
    if corners is None or len(words) > 2:
        raise LaparoscopeError(
            tr(
                "'{text}' is no board: give its corners between squares, such as 9x6, and of a ChArUco "
                "board its markers, too, such as 8x6 DICT_4X4_50.",
                text=text[:40],
            )
        )
    return Board(*corners, square_mm, words[1] if len(words) == 2 else None)


def find_chessboard_size(pictures: Sequence[np.ndarray]) -> tuple[int, int]:
    """Columns and rows of corners of the chessboard that most of `pictures` (v, u) uint8 show.

    Raises LaparoscopeError when none is found.
    """
    cv2 = opencv()
    found: Counter[tuple[int, int]] = Counter()
    for picture in pictures:
        flags = cv2.CALIB_CB_LARGER | cv2.CALIB_CB_EXHAUSTIVE
        is_there, _, meta = cv2.findChessboardCornersSBWithMeta(picture, _SMALLEST, flags)
        if is_there:
            rows, columns = meta.shape[:2]
            found[max(columns, rows), min(columns, rows)] += 1
    if not found:
        raise LaparoscopeError(
            tr(
                "No chessboard was found in any of the {pictures} pictures: show all of it, sharp and "
                "with a white border, or say which board it is.",
                pictures=len(pictures),
            )
        )
    return found.most_common(1)[0][0]


def view_of(picture: np.ndarray, board: Board) -> BoardView | None:
    """The corners of `board` in `picture` (v, u) uint8, to a fraction of a pixel; None when it is not seen."""
    if board.dictionary is not None:
        return _charuco_view(picture, board)
    cv2 = opencv()
    flags = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY
    is_there, corners = cv2.findChessboardCornersSB(picture, (board.columns, board.rows), flags=flags)
    if not is_there:
        return None
    return BoardView(board.points_mm(), np.asarray(corners, dtype=np.float32).reshape(-1, 2))


def _charuco_view(picture: np.ndarray, board: Board) -> BoardView | None:
    cv2 = opencv()
    number = getattr(cv2.aruco, str(board.dictionary), None)
    if number is None or not str(board.dictionary).startswith("DICT_"):
        raise LaparoscopeError(
            tr("'{dictionary}' is no dictionary of markers; one is DICT_4X4_50.", dictionary=board.dictionary)
        )
    squares = (board.columns + 1, board.rows + 1)
    markers = cv2.aruco.getPredefinedDictionary(number)
    charuco = cv2.aruco.CharucoBoard(squares, board.square_mm, board.square_mm * board.marker_share, markers)
    corners, numbers, _, _ = cv2.aruco.CharucoDetector(charuco).detectBoard(picture)
    if numbers is None or len(numbers) < _LEAST_CHARUCO_CORNERS:
        return None
    which = np.asarray(numbers).reshape(-1)
    return BoardView(board.points_mm()[which], np.asarray(corners, dtype=np.float32).reshape(-1, 2))

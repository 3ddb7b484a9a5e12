"""Sequence files: what goes in comes out, and damaged ones say so."""

import zlib

import numpy as np
import pytest
from CRLMSegmentationLib.errors import CRLMError, GeometryError, SequenceFileError, TransformError
from CRLMSegmentationLib.sweep import (
    Pose,
    SequenceReader,
    SequenceWriter,
    Sweep,
    TrackedFrame,
    describe_sequence,
    read_plus_configuration,
    read_poses,
    read_sweep,
    write_sweep,
)
from hypothesis import given, settings
from hypothesis import strategies as st

IMAGE_TO_PROBE = np.diag([0.1, 0.2, 1.0, 1.0])


def translation(x, y, z):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def make_sweep(count=3, width=7, height=5, dtype=np.uint8):
    random = np.random.default_rng(1)
    return Sweep(
        [
            TrackedFrame(
                random.integers(0, 200, (height, width)).astype(dtype),
                translation(number / 3, -1, 2) @ IMAGE_TO_PROBE,
                10 + number / 7,
                valid=number != 1,
                transforms={
                    "StylusToReference": Pose(
                        translation(0, 0, number), number != 2, "OK" if number != 2 else "OUT_OF_VIEW"
                    )
                },
            )
            for number in range(count)
        ],
        "test",
    )


@pytest.mark.parametrize("name", ["sweep.igs.mha", "sweep.igs.nrrd"])
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_sweep_reads_back_as_it_was_written(tmp_path, name, compressed, dtype):
    sweep = make_sweep(dtype=dtype)
    back = read_sweep(write_sweep(sweep, tmp_path / name, compressed))
    assert len(back) == 3 and back.frames[0].pixels.dtype == dtype
    for written, read in zip(sweep.frames, back.frames):
        np.testing.assert_array_equal(read.pixels, written.pixels)
        np.testing.assert_array_equal(read.image_to_reference, written.image_to_reference)
        assert (read.timestamp, read.valid) == (written.timestamp, written.valid)
        stylus = read.transforms["StylusToReference"]
        np.testing.assert_array_equal(stylus.matrix, written.transforms["StylusToReference"].matrix)
    assert [frame.transforms["StylusToReference"].status for frame in back.frames] == ["OK", "OK", "OUT_OF_VIEW"]
    assert [path.name for path in tmp_path.iterdir()] == [name], "no parts may be left beside the file"


@given(
    matrix=st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=12),
    timestamp=st.floats(0, 1e10),
    pixels=st.binary(min_size=6, max_size=6),
)
@settings(max_examples=30, deadline=None)
def test_every_double_survives(tmp_path_factory, matrix, timestamp, pixels):
    pose = np.vstack([np.reshape(matrix, (3, 4)), [0, 0, 0, 1]])
    path = tmp_path_factory.mktemp("doubles") / "a.igs.mha"
    frame = TrackedFrame(np.frombuffer(pixels, np.uint8).reshape(2, 3), np.diag([1.0, 1, 1, 1]), timestamp,
                         transforms={"StylusToReference": Pose(pose)})  # fmt: skip
    read = read_sweep(write_sweep(Sweep([frame]), path)).frames[0]
    np.testing.assert_array_equal(read.transforms["StylusToReference"].matrix, pose)
    assert read.timestamp == timestamp and read.pixels.tobytes() == pixels


def plus_like_file(path, orientation="MF", image=None, frame_lines=None, dim_size=None, extra=(), data=None):
    """A MetaImage sequence written by hand as PLUS writes it, independent of our writer."""
    image = np.arange(6, dtype=np.uint8).reshape(2, 3) if image is None else image
    frame_lines = frame_lines or [
        "Seq_Frame0000_ProbeToTrackerTransform = 1 0 0 10 0 1 0 0 0 0 1 0 0 0 0 1",
        "Seq_Frame0000_ProbeToTrackerTransformStatus = OK",
        "Seq_Frame0000_ReferenceToTrackerTransform = 1 0 0 4 0 1 0 0 0 0 1 0 0 0 0 1",
        "Seq_Frame0000_ReferenceToTrackerTransformStatus = OK",
        "Seq_Frame0000_Timestamp = 1.5",
    ]
    header = [
        "ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False",
        f"DimSize = {dim_size or f'{image.shape[1]} {image.shape[0]}            1     '}", "ElementSpacing = 1 1 1",
        "ElementType = MET_UCHAR", "Kinds = domain domain list", f"UltrasoundImageOrientation = {orientation}",
        *extra, *frame_lines, "ElementDataFile = LOCAL",
    ]  # fmt: skip
    path.write_bytes("\n".join(header).encode() + b"\n" + (image.tobytes() if data is None else data))
    return path


def test_the_chain_of_transforms_is_walked_with_inverses(tmp_path):
    path = plus_like_file(tmp_path / "chain.mha")
    frame = read_sweep(path, {"ImageToProbe": IMAGE_TO_PROBE}).frames[0]
    # Tracker x = 10 + 0.1 u, Reference x = Tracker x - 4: worked out by hand.
    np.testing.assert_allclose(frame.image_to_reference, translation(6, 0, 0) @ IMAGE_TO_PROBE)
    assert frame.valid and frame.timestamp == 1.5


def test_one_bad_status_on_the_path_makes_the_frame_invalid_but_keeps_it(tmp_path):
    path = plus_like_file(tmp_path / "status.mha")
    path.write_bytes(
        path.read_bytes().replace(
            b"ReferenceToTrackerTransformStatus = OK", b"ReferenceToTrackerTransformStatus = MISSING"
        )
    )
    sweep = read_sweep(path, {"ImageToProbe": IMAGE_TO_PROBE})
    assert len(sweep) == 1 and not sweep.frames[0].valid and sweep.valid_frames == []


def test_a_pose_of_nan_or_zeros_is_invalid_not_fatal(tmp_path):
    for zeros in ("nan " * 16, "0 " * 16):
        path = plus_like_file(tmp_path / "nan.mha", frame_lines=[f"Seq_Frame0000_ImageToReferenceTransform = {zeros}"])
        assert read_sweep(path).valid_frames == []


@pytest.mark.parametrize(
    "orientation, expected",
    [
        ("MF", [[0, 1, 2], [3, 4, 5]]),
        ("MFA", [[0, 1, 2], [3, 4, 5]]),
        ("MN", [[3, 4, 5], [0, 1, 2]]),
        ("UF", [[2, 1, 0], [5, 4, 3]]),
        ("UFD", [[2, 1, 0], [5, 4, 3]]),
        ("UN", [[5, 4, 3], [2, 1, 0]]),
    ],
)
def test_images_come_in_working_orientation(tmp_path, orientation, expected):
    path = plus_like_file(tmp_path / "o.mha", orientation)
    assert read_sweep(path, {"ImageToProbe": IMAGE_TO_PROBE}).frames[0].pixels.tolist() == expected


@pytest.mark.parametrize("orientation", ["XX", "MNA", "UFA", "sideways"])
def test_orientations_that_igsio_refuses_are_refused(tmp_path, orientation):
    with pytest.raises(SequenceFileError, match="orientation"):
        read_sweep(plus_like_file(tmp_path / "o.mha", orientation), {"ImageToProbe": IMAGE_TO_PROBE})


def test_color_becomes_grey_and_four_axes_are_understood(tmp_path):
    image = np.zeros((2, 3, 3), np.uint8)
    image[..., 0] = 100
    path = plus_like_file(tmp_path / "rgb.mha", image=image, extra=["ElementNumberOfChannels = 3"], dim_size="3 2 1")
    assert read_sweep(path, {"ImageToProbe": IMAGE_TO_PROBE}).frames[0].pixels.tolist() == [[30] * 3] * 2
    path = plus_like_file(tmp_path / "four.mha", dim_size="3 2 1 1")
    path.write_bytes(path.read_bytes().replace(b"Kinds = domain domain list", b"Kinds = domain domain domain list"))
    assert read_sweep(path, {"ImageToProbe": IMAGE_TO_PROBE}).image_size == (3, 2)


def test_detached_pixels_and_big_endian(tmp_path):
    path = plus_like_file(tmp_path / "d.mhd", image=np.array([[1, 258]], ">u2"), dim_size="2 1 1", data=b"")
    text = path.read_bytes().replace(b"LOCAL", b"d.raw").replace(b"MET_UCHAR", b"MET_USHORT")
    path.write_bytes(text.replace(b"ByteOrderMSB = False", b"ByteOrderMSB = True"))
    (tmp_path / "d.raw").write_bytes(b"\x00\x01\x01\x02")
    assert read_sweep(path, {"ImageToProbe": IMAGE_TO_PROBE}).frames[0].pixels.tolist() == [[1, 258]]
    path.write_bytes(path.read_bytes().replace(b"d.raw", b"../d.raw"))
    with pytest.raises(SequenceFileError, match="another folder"):
        read_sweep(path)


def test_without_a_calibration_the_reader_says_what_is_missing(tmp_path):
    with pytest.raises(TransformError, match="ImageToProbe"):
        read_sweep(plus_like_file(tmp_path / "a.mha"))


def test_images_without_transforms_are_no_sweep(tmp_path):
    path = plus_like_file(tmp_path / "a.mha", frame_lines=["Seq_Frame0000_Timestamp = 1"])
    with pytest.raises(TransformError, match="without transforms"):
        read_sweep(path)


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.eye(3)])
def test_a_bad_calibration_is_refused(tmp_path, matrix):
    with pytest.raises(GeometryError):
        read_sweep(plus_like_file(tmp_path / "a.mha"), {"ImageToProbe": matrix})


@pytest.mark.parametrize("name", ["cut.igs.mha", "cut.igs.nrrd"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_cut_anywhere_gives_a_sentence(tmp_path, name, compressed):
    whole = write_sweep(make_sweep(count=4, width=32, height=16), tmp_path / name, compressed).read_bytes()
    for length in [*range(0, len(whole) - 40, 97), len(whole) - 20]:
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(CRLMError) as caught:
            read_sweep(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_rubbish_after_a_plausible_start_never_crashes(tmp_path_factory, rubbish):
    path = tmp_path_factory.mktemp("rubbish") / "r.mha"
    for start in (b"ObjectType = Image\nDimSize = ", b"NRRD0004\nsizes: "):
        path.write_bytes(start + rubbish)
        with pytest.raises(CRLMError):
            read_sweep(path)


def test_a_header_that_claims_a_terabyte_is_refused_before_memory_is_taken(tmp_path):
    data = zlib.compress(b"\0" * 1000)
    path = plus_like_file(tmp_path / "big.mha", dim_size="60000 60000 300", extra=["CompressedData = True"], data=data)
    with pytest.raises(SequenceFileError, match="cannot hold"):
        read_sweep(path)


def test_frames_are_read_one_at_a_time(tmp_path):
    sweep = make_sweep(count=50, width=64, height=64)
    reader = iter(SequenceReader(write_sweep(sweep, tmp_path / "a.igs.mha")))
    np.testing.assert_array_equal(next(reader).pixels, sweep.frames[0].pixels)


def test_poses_are_read_without_the_pixels_in_memory(tmp_path):
    sweep = make_sweep(5)
    path = write_sweep(sweep, tmp_path / "a.igs.mha")
    poses, whole = read_poses(path), read_sweep(path)
    assert len({frame.pixels.__array_interface__["data"] for frame in poses.frames}) == 1, "one image for all"
    assert not poses.frames[0].pixels.any() and poses.image_size == whole.image_size
    for one, other in zip(poses.frames, whole.frames):
        np.testing.assert_array_equal(one.image_to_reference, other.image_to_reference)
        assert (one.timestamp, one.valid, one.fields) == (other.timestamp, other.valid, other.fields)


def test_frames_of_different_sizes_are_refused_and_nothing_is_left_behind(tmp_path):
    small, large = make_sweep(1).frames[0], make_sweep(1, width=9).frames[0]
    with pytest.raises(SequenceFileError, match="one size"):
        Sweep([small, large])
    with pytest.raises(SequenceFileError, match="one type"):
        Sweep([small, make_sweep(1, dtype=np.uint16).frames[0]])
    with pytest.raises(SequenceFileError, match="one size"), SequenceWriter(tmp_path / "a.igs.mha") as writer:
        writer.add(small)
        writer.add(large)
    assert list(tmp_path.iterdir()) == []


def test_text_from_outside_cannot_add_header_lines(tmp_path):
    frame = make_sweep(1).frames[0].with_changes(fields={"Note\nDimSize": "1\nElementDataFile = /etc/passwd"})
    read = read_sweep(write_sweep(Sweep([frame]), tmp_path / "a.igs.mha"))
    assert len(read) == 1 and read.image_size == (7, 5)


def test_the_real_recording_is_read_with_its_configuration(shared_data):
    calibration = read_plus_configuration(shared_data / "SpinePhantom.xml").transforms
    sweep = read_sweep(shared_data / "SpinePhantomFreehand.igs.mha", calibration)
    assert len(sweep) == 21 and sweep.image_size == (820, 616) and len(sweep.valid_frames) == 21
    frame = sweep.frames[0]
    chain = (
        np.linalg.inv(frame.transforms["ReferenceToTracker"].matrix)
        @ frame.transforms["ProbeToTracker"].matrix
        @ calibration["ImageToProbe"]
    )
    np.testing.assert_allclose(frame.image_to_reference, chain, atol=1e-9)
    assert describe_sequence(shared_data / "SpinePhantomFreehand.igs.mha")["frames_per_second"] == pytest.approx(
        10.84, abs=0.01
    )

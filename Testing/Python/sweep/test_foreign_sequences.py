"""Sequence files as other programs write them: read right, or refused with the true reason; pixels never move."""

import gzip
import zlib

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, NoImagesError, NotASequenceError, SequenceFileError
from CRLMSegmentationLib.sweep import describe_sequence, read_plus_configuration, read_sweep
from CRLMSegmentationLib.sweep.sequence_files.sequence_formats import detached_data_file

WIDTH, HEIGHT, FRAMES = 6, 5, 4
# [n, v, u], no two pixels alike
IMAGES = np.arange(FRAMES * HEIGHT * WIDTH, dtype=np.uint8).reshape(FRAMES, HEIGHT, WIDTH) + 3


def frame_fields(separator, numbers=range(FRAMES), matrix="0.5 0 0 0 0 0.5 0 0 0 0 1 {} 0 0 0 1", time="{}"):
    lines = []
    for place, number in enumerate(numbers):
        lines += [
            f"Seq_Frame{number:04d}_ImageToReferenceTransform{separator}{matrix.format(place)}",
            f"Seq_Frame{number:04d}_ImageToReferenceTransformStatus{separator}OK",
        ]
        if time is not None:
            lines.append(f"Seq_Frame{number:04d}_Timestamp{separator}{time.format(place)}")
    return lines


def metaimage(path, data, *extra, sizes=(WIDTH, HEIGHT, FRAMES), kinds="domain domain list", element="MET_UCHAR",
              data_file="LOCAL", fields=None):  # fmt: skip
    lines = [
        "ObjectType = Image", f"NDims = {len(sizes)}", "BinaryData = True", f"DimSize = {' '.join(map(str, sizes))}",
        f"ElementType = {element}", *([f"Kinds = {kinds}"] if kinds else []), *extra,
        *(frame_fields(" = ") if fields is None else fields), f"ElementDataFile = {data_file}",
    ]  # fmt: skip
    path.write_bytes("\n".join(lines).encode() + b"\n" + (data if data_file == "LOCAL" else b""))
    if data_file != "LOCAL":
        (path.parent / data_file).write_bytes(data)
    return path


def nrrd(path, data, *extra, sizes=(WIDTH, HEIGHT, FRAMES), kinds="domain domain list", encoding="raw"):
    lines = [
        "NRRD0004", "type: uchar", f"dimension: {len(sizes)}", f"sizes: {' '.join(map(str, sizes))}",
        f"kinds: {kinds}", f"encoding: {encoding}", *extra, *frame_fields(":="),
    ]  # fmt: skip
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + data)
    return path


def check(path, images=IMAGES):
    sweep = read_sweep(path)
    np.testing.assert_array_equal([frame.pixels for frame in sweep.frames], images)
    assert [frame.image_to_reference[2, 3] for frame in sweep.frames] == list(range(len(images)))


RAW = IMAGES.tobytes()


@pytest.mark.parametrize("size, data_file", [(7, "a.raw"), (-1, "a.raw"), (-1, "LOCAL"), (0, "LOCAL")])
def test_a_header_size_is_skipped(tmp_path, size, data_file):
    check(metaimage(tmp_path / "a.mhd", b"skipped"[: abs(size) * 7] + RAW, f"HeaderSize = {size}", data_file=data_file))


def test_a_header_size_that_cannot_be_is_named(tmp_path):
    for path in (
        metaimage(tmp_path / "a.mha", RAW, "HeaderSize = 4"),
        metaimage(tmp_path / "b.mha", RAW, "HeaderSize = -3"),
        metaimage(tmp_path / "c.mha", zlib.compress(RAW), "HeaderSize = -1", "CompressedData = True"),
    ):
        with pytest.raises(SequenceFileError, match="HeaderSize"):
            read_sweep(path)


@pytest.mark.parametrize(
    "fields, before",
    [
        (["byte skip: 7"], b"skipped"),
        (["byteskip: -1"], b"skipped"),
        (["line skip: 2"], b"one line\nand another\n"),
        (["lineskip: 1", "byte skip: 7"], b"a line\nskipped"),
    ],
)
def test_nrrd_skips_lines_and_bytes(tmp_path, fields, before):
    check(nrrd(tmp_path / "a.nrrd", before + RAW, *fields))


@pytest.mark.parametrize("skip", [7, -1])
def test_nrrd_counts_skipped_bytes_after_decompression_and_lines_before(tmp_path, skip):
    packed = b"a line\n" + gzip.compress(b"skipped" + RAW)
    check(nrrd(tmp_path / "a.nrrd", packed, "line skip: 1", f"byte skip: {skip}", encoding="gzip"))


def test_compressed_pixels_in_several_parts_or_of_the_other_kind_are_read(tmp_path):
    # PLUS opens its .nrrd for appending, which begins a new gzip member; MetaIO reads gzip as well as zlib.
    parts = b"".join(gzip.compress(image.tobytes()) for image in IMAGES)
    check(nrrd(tmp_path / "a.nrrd", parts, encoding="gzip"))
    check(metaimage(tmp_path / "a.mha", gzip.compress(RAW), "CompressedData = True"))
    with pytest.raises(NotASequenceError, match="gunzip"):
        (tmp_path / "a.mha.gz").write_bytes(gzip.compress((tmp_path / "a.mha").read_bytes()))
        read_sweep(tmp_path / "a.mha.gz")


@pytest.mark.parametrize(
    "kinds, order",
    [("list domain domain", (1, 2, 0)), ("domain list domain", (1, 0, 2)), ("time space space", (1, 2, 0))],
)
def test_frames_may_lie_along_any_axis(tmp_path, kinds, order):
    stored = IMAGES.transpose(order)  # slowest first
    sizes = stored.shape[::-1]
    check(metaimage(tmp_path / "a.mha", stored.tobytes(), sizes=sizes, kinds=kinds))
    packed = zlib.compress(stored.tobytes())
    check(metaimage(tmp_path / "b.mha", packed, "CompressedData = True", sizes=sizes, kinds=kinds))
    check(nrrd(tmp_path / "a.nrrd", stored.tobytes(), sizes=sizes, kinds=kinds))


@pytest.mark.parametrize(
    "sizes, kinds, axis",
    [
        ((3, WIDTH, HEIGHT, FRAMES), "RGB-color domain domain list", 3),
        ((WIDTH, HEIGHT, 3, FRAMES), "domain domain RGB-color list", 1),
        ((WIDTH, HEIGHT, FRAMES, 3), "domain domain list vector", 0),
    ],
)
def test_colors_may_lie_along_any_axis(tmp_path, sizes, kinds, axis):
    color = np.stack([IMAGES, IMAGES // 2, IMAGES // 3], axis=axis)
    expected = np.rint(0.299 * IMAGES + 0.587 * (IMAGES // 2) + 0.114 * (IMAGES // 3)).astype(np.uint8)
    check(nrrd(tmp_path / "a.nrrd", color.tobytes(), sizes=sizes, kinds=kinds), expected)


def test_transparency_is_left_aside(tmp_path):
    color = np.stack([IMAGES, IMAGES, IMAGES, 255 - IMAGES], axis=3)
    sizes = (4, WIDTH, HEIGHT, FRAMES)
    check(nrrd(tmp_path / "a.nrrd", color.tobytes(), sizes=sizes, kinds="RGBA-color domain domain list"))
    with pytest.raises(SequenceFileError, match="2 values a pixel"):
        read_sweep(nrrd(tmp_path / "b.nrrd", color.tobytes(), sizes=(2, *sizes[1:]), kinds="vector domain domain list"))


def test_axes_without_kinds_are_taken_for_frames_only_where_it_is_sure(tmp_path):
    check(metaimage(tmp_path / "a.mha", RAW, kinds=None))
    check(metaimage(tmp_path / "b.mha", RAW, kinds="domain domain domain"))
    # As many frames as the first axis is long: they may well lie along it.
    with pytest.raises(SequenceFileError, match="along which"):
        read_sweep(metaimage(tmp_path / "c.mha", RAW, sizes=(FRAMES, WIDTH, HEIGHT), kinds=None))


def test_one_image_is_a_sequence_as_plus_writes_it(tmp_path):
    one = metaimage(tmp_path / "a.mha", RAW[: WIDTH * HEIGHT], sizes=(WIDTH, HEIGHT), kinds="domain domain",
                    fields=frame_fields(" = ", [0]))  # fmt: skip
    check(one, IMAGES[:1])
    assert describe_sequence(one)["frames_per_second"] is None
    volume = metaimage(tmp_path / "v.mha", RAW, kinds="domain domain domain", fields=["Seq_Frame0000_ImageStatus = OK"])
    with pytest.raises(NotASequenceError):
        read_sweep(volume)


def test_frame_numbers_of_a_part_of_a_longer_recording_count_from_its_first(tmp_path):
    check(metaimage(tmp_path / "a.mha", RAW, fields=frame_fields(" = ", range(1, FRAMES + 1))))
    check(metaimage(tmp_path / "b.mha", RAW, fields=frame_fields(" = ", range(40, 40 + FRAMES))))


@pytest.mark.parametrize("numbers", [range(FRAMES + 1), [1, 2, FRAMES], [0, 1, 2, 9]])
def test_fields_that_fit_no_frame_for_sure_are_refused(tmp_path, numbers):
    with pytest.raises(SequenceFileError, match="which pose belongs to which image"):
        read_sweep(metaimage(tmp_path / "a.mha", RAW, fields=frame_fields(" = ", numbers)))


@pytest.mark.parametrize("nan", ["-nan(ind)", "nan(snan)", "1.#QNAN", "-1.#IND00", "NaN", "-1.#INF", "inf"])
def test_numbers_that_are_none_in_the_words_of_microsoft_make_a_pose_invalid(tmp_path, nan):
    fields = frame_fields(" = ")
    fields[3] = fields[3].replace("0.5", nan)
    frames = read_sweep(metaimage(tmp_path / "a.mha", RAW, fields=fields)).frames
    assert [frame.valid for frame in frames] == [True, False, True, True]
    times = frame_fields(" = ", time="-nan(ind)")
    timeless = read_sweep(metaimage(tmp_path / "b.mha", RAW, fields=times))
    assert all(np.isnan(frame.timestamp) for frame in timeless.frames)


@pytest.mark.parametrize(
    "element, sizes",
    [("MET_OTHER", (0, 0, 3)), ("MET_UCHAR", (0, 0, 3)), ("MET_OTHER", (0, 0)), ("MET_UCHAR", (1, 1, 3))],
)
def test_a_recording_of_a_tracker_alone_is_whole_and_says_what_it_is(tmp_path, element, sizes):
    count = sizes[2] if len(sizes) == 3 else 1
    path = metaimage(
        tmp_path / "a.mha", bytes(3), "UltrasoundImageOrientation = XX", sizes=sizes, element=element,
        kinds="domain domain list" if count > 1 else "domain domain", fields=frame_fields(" = ", range(count)),
    )  # fmt: skip
    described = describe_sequence(path)
    assert described["frames"] == count and described["valid_frames_by_transform"] == {"ImageToReference": count}
    with pytest.raises(NoImagesError, match="tracking data without images"):
        read_sweep(path)


def test_an_unknown_type_of_pixels_is_named(tmp_path):
    with pytest.raises(SequenceFileError, match="MET_LONG_LONG"):
        read_sweep(metaimage(tmp_path / "a.mha", RAW, element="MET_LONG_LONG"))


@pytest.mark.parametrize("name", ["LIST", "slice%03d.raw 1 4 1"])
def test_pixels_in_several_files_are_refused_as_such(tmp_path, name):
    with pytest.raises(SequenceFileError, match="several files"):
        read_sweep(metaimage(tmp_path / "a.mhd", b"", data_file=name))


@pytest.mark.parametrize(
    "time, doubt",
    [(None, "no time"), ("7", "time of the frame before"), ("-{}", "backwards"), ("{}0000", "milliseconds")],
)
def test_times_that_cannot_be_relied_on_are_reported(tmp_path, time, doubt):
    path = metaimage(tmp_path / "a.mha", RAW, fields=frame_fields(" = ", time=time))
    assert any(doubt in sentence for sentence in describe_sequence(path)["doubts_about_times"])
    check(path)


def test_negative_times_are_as_good_as_others(tmp_path):
    fields = []
    for number in range(FRAMES):
        fields += frame_fields(" = ", [number], time=f"{number - 9}.5")
    path = metaimage(tmp_path / "a.mha", RAW, fields=fields)
    described = describe_sequence(path)
    assert described["duration_s"] == 3 and described["frames_per_second"] == 1 and not described["doubts_about_times"]


def test_the_pixels_beside_a_header_are_found(tmp_path):
    path = metaimage(tmp_path / "a.mhd", RAW, data_file="pixels.bin")
    assert detached_data_file(path) == tmp_path / "pixels.bin"
    assert detached_data_file(metaimage(tmp_path / "b.mhd", RAW)) is None
    assert detached_data_file(tmp_path / "missing.mhd") is None


def test_a_plus_configuration_without_transforms_is_one(tmp_path):
    (tmp_path / "a.xml").write_text('<PlusConfiguration version="2.9"><DataCollection/></PlusConfiguration>')
    assert read_plus_configuration(tmp_path / "a.xml").transforms == {}
    (tmp_path / "b.xml").write_text("<html/>")
    with pytest.raises(ConfigurationError, match="no PLUS configuration"):
        read_plus_configuration(tmp_path / "b.xml")

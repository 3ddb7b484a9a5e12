"""PLUS configurations as settings."""

from xml.etree import ElementTree

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.reconstruction import ClipRectangle, Fan, read_plus_settings, settings_from_plus

STICK = '<HoleFilling><HoleFillingElement Type="STICK" StickLengthLimit="7" NumberOfSticksToUse="2"/></HoleFilling>'


def element(attributes, inside=""):
    return ElementTree.fromstring(f"<VolumeReconstruction {attributes}>{inside}</VolumeReconstruction>")


def read(attributes, inside="", **changes):
    return settings_from_plus(element(attributes, inside), **changes)


def test_everything_at_once():
    settings = read(
        'OutputSpacing="0.5 0.4 0.3" ClipRectangleOrigin="192 16" ClipRectangleSize="420 580" Interpolation="Linear" '
        'Optimization="Partial" CompoundingMode="MAXIMUM" FanAnglesDeg="-45 40" FanOriginPixel="380 20.5" '
        'FanRadiusStartPixel="120" FanRadiusStopPixel="360" SkipInterval="3" NumberOfThreads="2" FillHoles="ON" '
        'PixelRejectionThreshold="12"',
        STICK,
    )
    assert settings.spacing_mm == (0.5, 0.4, 0.3)
    assert settings.clip_rectangle == ClipRectangle(192, 16, 420, 580)
    assert settings.fan == Fan((380.0, 20.5), (-45.0, 40.0), 120.0, 360.0)
    assert (settings.interpolation, settings.optimization, settings.compounding) == ("linear", "partial", "maximum")
    assert (settings.fill, settings.stick_length_voxels, settings.sticks_used) == ("stick", 7, 2)
    assert (settings.skip_interval, settings.threads, settings.pixel_rejection_threshold) == (3, 2, 12)


@pytest.mark.parametrize(
    "attributes, compounding",
    [
        ('Compounding="ON"', "mean"),
        ('Compounding="OFF"', "latest"),
        ('Calculation="MAXIMUM" Compounding="ON"', "maximum"),
        ('Calculation="WEIGHTED_AVERAGE"', "mean"),
        ('CompoundingMode="LATEST" Calculation="MAXIMUM"', "latest"),
        ("", "mean"),
    ],
)
def test_older_names_of_compounding(attributes, compounding):
    assert read(attributes).compounding == compounding


def test_older_names_of_the_fan():
    assert read('FanAngles="-30 30" FanOrigin="10 20" FanDepth="300"').fan == Fan((10, 20), (-30, 30), 0, 300)


def test_no_fan_and_no_clip_when_they_are_zero():
    settings = read('FanAnglesDeg="0 0" ClipRectangleOrigin="0 0" ClipRectangleSize="0 0"')
    assert settings.fan is None and settings.clip_rectangle is None


@pytest.mark.parametrize(
    "attributes, inside, sentence",
    [
        ('OutputSpacing="0.5 0.5"', "", "OutputSpacing.*3 numbers"),
        ('OutputSpacing="a b c"', "", "OutputSpacing.*3 numbers"),
        ('Interpolation="CUBIC"', "", "Interpolation.*NEAREST_NEIGHBOR, LINEAR"),
        ('CompoundingMode="IMPORTANCE_MASK"', "", "CompoundingMode.*not offered"),
        ('FillHoles="ON"', "", "needs a HoleFilling"),
        ('FillHoles="ON"', STICK.replace("STICK", "GAUSSIAN"), "GAUSSIAN is not offered"),
        ('FillHoles="ON"', STICK.replace('StickLengthLimit="7"', ""), "needs StickLengthLimit"),
        ('FanAnglesDeg="-45 45" EnableFanAnglesAutoDetect="TRUE"', "", "EnableFanAnglesAutoDetect.*not offered"),
    ],
)
def test_what_cannot_be_had_is_said(attributes, inside, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        read(attributes, inside)


GAUSSIAN = STICK.replace("STICK", "GAUSSIAN")


@pytest.mark.parametrize(
    "attributes, inside, changes",
    [
        ('FillHoles="ON"', GAUSSIAN, {"fill": "stick"}),
        ('FillHoles="ON"', STICK.replace('"7"', '"1000"'), {"fill": "none"}),
        ('CompoundingMode="IMPORTANCE_MASK"', "", {"compounding": "mean"}),
        ('Interpolation="CUBIC"', "", {"interpolation": "linear"}),
        ('OutputSpacing="0 0 0"', "", {"spacing_mm": (0.5, 0.5, 0.5)}),
        ('OutputSpacing="nan nan nan"', "", {"spacing_mm": (0.5, 0.5, 0.5)}),
        ('FanAnglesDeg="-45 45" EnableFanAnglesAutoDetect="TRUE"', "", {"fan": None}),
        ('NumberOfThreads="inf"', "", {"threads": 2}),
    ],
)
def test_only_a_setting_that_is_used_is_refused(attributes, inside, changes):
    ((name, value),) = changes.items()
    attributes = f'SkipInterval="2" {attributes}'
    assert getattr(read(attributes, inside, **changes), name) == value
    assert read(attributes, inside, **changes).skip_interval == 2

    parsed = read_plus_settings(element(attributes, inside))
    assert list(parsed.unsupported) == [name] and parsed.settings.skip_interval == 2
    with pytest.raises(ConfigurationError) as refused:
        parsed.used(skip_interval=3)
    assert str(refused.value) == parsed.unsupported[name]

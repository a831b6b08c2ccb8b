"""The connector's icon, and `tools/icon.py`, which renders it."""

import io
import re
from xml.etree import ElementTree as ET

import pytest
from calendly_connector.catalog.manifest import manifest
from PIL import Image, ImageChops, ImageStat

import icon

SVG = "{http://www.w3.org/2000/svg}"


def png():
    return Image.open(io.BytesIO(manifest().icon.png))


def test_the_drawing_is_square_and_needs_no_script_font_or_network():
    root = ET.fromstring(manifest().icon.svg)  # noqa: S314 - our own file
    assert root.tag == f"{SVG}svg"
    left, top, width, height = map(float, root.get("viewBox").split())
    assert (left, top) == (0, 0)
    assert width == height
    assert {element.tag for element in root.iter()} <= {f"{SVG}{name}" for name in ("svg", "path")}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not any(re.search(r"href|style|^on", name) for name in attributes)
    assert manifest().icon.svg.count(b"://") == 1  # the namespace


def test_the_picture_is_small_square_and_transparent_at_its_corners():
    assert len(manifest().icon.png) < 10_000
    with png() as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (icon.SIZE, icon.SIZE))
        corners = [picture.getpixel((x, y)) for x in (0, icon.SIZE - 1) for y in (0, icon.SIZE - 1)]
    assert {alpha for *_, alpha in corners} == {0}


@pytest.mark.parametrize("background", ["white", "black"])
@pytest.mark.parametrize("size", [16, 32])
def test_the_icon_stands_out_when_it_is_small(background, size):
    with png() as picture:
        small = picture.resize((size, size), Image.Resampling.LANCZOS)
    shown = Image.new("RGBA", small.size, background)
    shown.alpha_composite(small)
    empty = Image.new("RGB", small.size, background)
    differences = ImageChops.difference(shown.convert("RGB"), empty).convert("L")
    visible = sum(differences.point(lambda value: value > 60).histogram()[1:])
    assert visible > size * size / 2


@pytest.mark.usefixtures("chromium")
def test_the_picture_is_rendered_from_the_drawing(tmp_path):
    drawing = tmp_path / "icon.svg"
    drawing.write_bytes(manifest().icon.svg)
    with png() as picture:
        difference = ImageChops.difference(icon.render(drawing), picture)
    assert max(ImageStat.Stat(difference).mean) < 0.5  # of 255; versions of Chromium smooth edges differently

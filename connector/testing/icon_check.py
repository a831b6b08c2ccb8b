"""What is wrong with an icon: an SVG that runs or loads something, or a PNG of another size. Pure."""

import re
import struct
from collections.abc import Iterator
from xml.etree import ElementTree as ET

_SVG = "{http://www.w3.org/2000/svg}"
_ACTIVE = frozenset({"script", "foreignObject", "iframe", "image", "animate", "set"})
_REFERENCE = re.compile(r"url\(\s*['\"]?(?!#)|@import|javascript:", re.IGNORECASE)
_PNG = b"\x89PNG\r\n\x1a\n"
_SIDE = 256  # pixels


def svg_problems(svg: bytes) -> Iterator[str]:
    """Yield why a page can't show an SVG as it is: it isn't a square one, or it does more than draw."""
    if b"<!DOCTYPE" in svg or b"<!ENTITY" in svg:
        yield "the SVG has a document type, which may load something"
        return
    try:
        root = ET.fromstring(svg)  # noqa: S314 - the connector's own file, and without entities
    except ET.ParseError as error:
        yield f"the SVG isn't well-formed: {error}"
        return
    if root.tag != f"{_SVG}svg":
        yield f"the SVG's root element is {root.tag!r}"
    box = root.get("viewBox", "").replace(",", " ").split()
    if len(box) != len("xywh") or box[2] != box[3]:
        yield "the SVG needs a viewBox that is a square"
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        yield from (f"the SVG's <{name}> {problem}" for problem in _element_problems(name, element))


def _element_problems(name: str, element: ET.Element) -> Iterator[str]:
    if name in _ACTIVE:
        yield "isn't a shape"
    if _REFERENCE.search(element.text or ""):
        yield "refers to something outside the SVG"
    for attribute, value in element.attrib.items():
        plain = attribute.rpartition("}")[2]
        if plain.startswith("on"):
            yield f"has the attribute {plain}"
        if (plain in {"href", "src"} and not value.startswith("#")) or _REFERENCE.search(value):
            yield f"refers to {value!r}"


def png_problems(png: bytes) -> Iterator[str]:
    """Yield why a PNG isn't one of 256 by 256 pixels."""
    if not png.startswith(_PNG) or png[12:16] != b"IHDR":
        yield "it isn't a PNG"
        return
    width, height = struct.unpack(">II", png[16:24])
    if (width, height) != (_SIDE, _SIDE):
        yield f"the PNG has {width} by {height} pixels, not {_SIDE} by {_SIDE}"

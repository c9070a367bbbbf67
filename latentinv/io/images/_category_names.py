"""Names of categories as GDAL writes them, in a GeoTIFF's tag for metadata or in ``NAME.tif.aux.xml`` beside it.

The file beside may hold a list of names by value, or a table of attributes with a column of names; the tag holds the
names that latentinv writes, ``facies_1`` is ``sand``. Of both only the first band is read. The XML may be from
anywhere: it is read only if it is small and declares nothing, so that it has no entities.
"""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

MOST_BYTES = 2**20
DECLARATION = re.compile(r"<!(?!--)")
OURS = re.compile(r"facies_(-?\d{1,9})")
VALUES, NAMES = ("0", "5"), "2"
"""Usages of columns in a table of attributes: values that classes have (generic in some files), and their names."""


def category_names(path: Path, metadata: str = "") -> dict[int, str]:
    """Names of the values of a GeoTIFF's first band; empty where nothing tells.

    Parameters
    ----------
    path
        The GeoTIFF.
    metadata
        What its tag for GDAL's metadata holds.
    """
    own = _root(metadata)
    named = {} if own is None else _own_names(own)
    beside = path.with_name(f"{path.name}.aux.xml")
    if named or not beside.is_file() or beside.stat().st_size > MOST_BYTES:
        return named
    root = _root(beside.read_bytes().decode("utf-8", errors="replace"))
    band = None if root is None else next((one for one in root.iter("PAMRasterBand") if _is_first(one)), None)
    if band is None:
        return {}
    return _listed(band) or _tabled(band)


def _root(text: str) -> ET.Element | None:
    """The outermost element; None where the text is no XML or not to be trusted."""
    text = text.strip().strip("\0")
    if not text or len(text) > MOST_BYTES or DECLARATION.search(text):
        return None
    try:
        return ET.fromstring(text)
    except (ET.ParseError, ValueError):
        return None


def _own_names(root: ET.Element) -> dict[int, str]:
    items = [one for one in root.iter("Item") if one.get("sample", "0") == "0"]
    pairs = [(OURS.fullmatch(one.get("name", "")), (one.text or "").strip()) for one in items]
    return {int(found[1]): name for found, name in pairs if found is not None and name}


def _is_first(band: ET.Element) -> bool:
    return band.get("band", "1") == "1"


def _listed(band: ET.Element) -> dict[int, str]:
    names = [(one.text or "").strip() for one in band.iterfind("CategoryNames/Category")]
    return {code: name for code, name in enumerate(names) if name}


def _tabled(band: ET.Element) -> dict[int, str]:
    """Names from a table of attributes."""
    table = band.find("GDALRasterAttributeTable")
    columns = [] if table is None else table.findall("FieldDefn")
    usages = [(one.findtext("Usage") or "").strip() for one in columns]
    titles = [(one.findtext("Name") or "").strip().lower() for one in columns]
    value = next((at for at, pair in enumerate(zip(usages, titles, strict=True)) if _holds_values(*pair)), None)
    if table is None or value is None or NAMES not in usages:
        return {}
    name, found = usages.index(NAMES), {}
    for row in table.iterfind("Row"):
        cells = [(one.text or "").strip() for one in row.iterfind("F")]
        if len(cells) == len(columns) and re.fullmatch(r"-?\d{1,9}(\.0*)?", cells[value]) and cells[name]:
            found[int(float(cells[value]))] = cells[name]
    return found


def _holds_values(usage: str, title: str) -> bool:
    return usage == VALUES[1] or (usage == VALUES[0] and title in ("value", "code", "class"))

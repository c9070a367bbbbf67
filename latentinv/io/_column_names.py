"""Which column of a table is meant by a name: upper and lower case are the same, and so are the field's usual words.

A unit in brackets behind a name, such as ``x [m]`` or ``easting (ft)``, is looked at: coordinates are in metres.
"""

import re
from collections.abc import Mapping, Sequence

from latentinv.errors import InputError

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "x": ("easting", "east", "x_utm", "utm_x", "utm_e", "utm_easting", "x_coord", "coord_x", "xcoord", "x_coordinate"),
    "y": (
        "northing",
        "north",
        "y_utm",
        "utm_y",
        "utm_n",
        "utm_northing",
        "y_coord",
        "coord_y",
        "ycoord",
        "y_coordinate",
    ),
    "z": ("elevation", "elev", "altitude", "z_coord", "coord_z", "zcoord", "z_coordinate"),
    "facies": ("lith", "lithology", "lithofacies", "litho", "facies_code", "lith_code", "rock_type", "rocktype"),
    "hole": ("hole_id", "holeid", "bhid", "borehole", "borehole_id", "well", "well_id", "wellname", "id", "name"),
    "from": ("depth_from", "from_depth", "top", "from_m"),
    "to": ("depth_to", "to_depth", "bottom", "base", "to_m"),
    "depth": ("md", "measured_depth"),
    "inclination": ("incl", "inc", "deviation"),
    "azimuth": ("azi", "azim"),
    "sd": ("std", "stdev", "std_dev", "sigma", "standard_deviation"),
}
"""Other names of a column, by its own; blanks, dots and hyphens count as underscores."""
METRES = ("m", "metre", "metres", "meter", "meters")
LENGTHS = ("x", "y", "z")
"""Columns of coordinates; so are those whose names begin with one of these and an underscore."""


def find_columns(file: str, header: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Positions of the columns that are there, by the names that are looked for.

    Raises
    ------
    InputError
        If a name can mean several columns, or coordinates are not in metres.
    """
    plain = [_plain(cell) for cell in header]
    found = {}
    for name in names:
        own = [n for n, (word, _) in enumerate(plain) if word == name]
        others = [n for n, (word, _) in enumerate(plain) if word in SYNONYMS.get(name, ())]
        places = own or others
        if len(places) > 1:
            columns = " and ".join(f"'{header[n].strip()}'" for n in places)
            raise InputError(f"{file} has more than one column for {name}: {columns}; keep one of them.")
        if places:
            _check_unit(file, header[places[0]].strip(), name, plain[places[0]][1])
            found[name] = places[0]
    return found


def _plain(cell: str) -> tuple[str, str]:
    """A column's name in lower case with underscores, and its unit."""
    match = re.fullmatch(r"(.*?)\s*[\[(]([^\])]*)[\])]", cell.strip())
    name, unit = match.groups() if match else (cell.strip(), "")
    return re.sub(r"[\s.\-]+", "_", name.lower()), unit.strip().lower()


def _check_unit(file: str, cell: str, name: str, unit: str) -> None:
    if unit and name.split("_")[0] in LENGTHS and unit not in METRES:
        raise InputError(
            f"{file} has the column '{cell}', but coordinates are in metres; convert it and name it '{name}'."
        )

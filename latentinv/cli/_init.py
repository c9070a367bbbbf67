"""`latentinv init`: look at files and write a commented study for them, to be read and changed before it is run."""

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from latentinv.errors import InputError

from ._console import make_console

if TYPE_CHECKING:
    import numpy as np

CELLS = 128
"""Cells along the longer side of the grid that is proposed."""
MARGIN = 0.05
"""Of the wells' extent, on each side."""
PICTURES = (".png", ".tif", ".tiff", ".npz", ".npy", ".asc", ".gslib", ".sgems")
HOLES: dict[str, tuple[str, ...]] = {
    "intervals": ("hole", "from", "to", "facies"),
    "survey": ("hole", "depth", "inclination", "azimuth"),
    "collars": ("hole", "x", "y", "z"),
}
"""Columns of the tables of boreholes."""
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "blocks": (("mean", "sd"), ("x_min", "x_max"), ("y_min", "y_max")),
    "rays": (("value", "sd"), ("source_x", "receiver_x"), ("source_y", "receiver_y")),
    "wells": (("facies",), ("x",), ("y",)),
    "heads": (("value", "sd"), ("x",), ("y",)),
}
"""Columns by which the kind of a table is known, in the order in which kinds are tried, and those of x and of y."""
HEADER = """\
# A study, written by `latentinv init` from the files it was pointed at. Read it, change what is not so, then:
#   latentinv run {name} --dry     says what would be done
#   latentinv run {name}           does it
[study]
prior = {prior}
{grid:<35} # CHANGE: rows, columns; proposed from the places of the data
{spacing:<35} # CHANGE: metres along x and y, as large as the cells of the training image{cells}
{origin:<35} # CHANGE: x and y of the south-west corner, metres
rotation = 0.0                      # degrees from x towards y
seed = 0
# target = "thresholded"            # every certain well is honoured exactly
# draws = 64

# [algorithm]                       # chosen for the data unless named; `latentinv algorithms` lists them
# name = "smc"
"""
SECTION = 'axes = "xz"                         # CHANGE: a section, x and z; "yz", or a grid of three axes\n'
TABLES = {
    "wells": "\n[[wells]]                           # x, y, facies; codes or names that the prior has\nfile = {file}\n",
    "blocks": "\n[[blocks]]                          # shares of a facies (a code or name) in boxes\nfile = {file}\n",
    "rays": "\n[[rays]]                            # travel times along straight rays\nfile = {file}\n"
    "of_facies = {velocities}  # CHANGE: velocity of each facies, in the unit of metres over time\n",
    "boreholes": "\n[[boreholes]]                       # cells get the facies with the longest log in them\n"
    "collars = {collars}\n{logged}{survey}",
    "simulators": "\n[[simulators]]                      # data of a program; `run --dry` shows what will run\n"
    "template = {file}  # {{{{property}}}} in it becomes the property of the cells, southernmost row first\n"
    'command = ["program", "argument"]   # CHANGE: run in a copy of the template, without a shell\n'
    'output = "output.txt"               # CHANGE: the file that it writes, a number for each datum\n'
    '# column = "head"                   # if that file is a table: the column of the data\n'
    "of_facies = {conductivities}  # CHANGE: property of each facies, as the program takes it\n"
    "{observed}"
    'unit = "m"                          # CHANGE: of what the program gives, and of the values\n'
    "processes = 1                       # programs at a time\n"
    "timeout = 600.0                     # seconds that the program may take\n",
    "heads": "\n[[heads]]                           # steady heads, confined; x, y, value, sd\nfile = {file}\n"
    "of_facies = {conductivities}  # CHANGE: conductivity of each facies, m/s\n"
    "fixed = {{west = 1.0, east = 0.0}}    # CHANGE: heads in metres along sides\n"
    "# pumping = [[60.0, 40.0, -0.001]]  # x, y and m³/s of each pumped well\n"
    "thickness = 1.0                     # CHANGE: saturated thickness, metres\n",
}


SAID = {"simulators": "a simulator's template", "observed": "what was observed of what a simulator predicts"}
"""Roles in words, where their names are not enough."""
OBSERVED = "values = [0.0]                      # CHANGE: what was observed, in the order of the output\n"
IN_A_FILE = "file = {file}  # CHANGE: value and sd, in the order of the output\n"
SD = "sd = 1.0                            # CHANGE: standard deviation of noise and of the program's error\n"
TEMPLATE_BYTES = 2**22
"""Larger files are not searched for a placeholder."""


class Found(NamedTuple):
    """What a file is."""

    path: Path
    role: str
    """Of its data; ``prior`` and ``image`` for these."""
    places: "np.ndarray | None" = None


def init(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A prior (.h5) or a training image; tables of wells, blocks, heads, rays or boreholes; logs (.las); "
            "a simulator's template: a file or folder with {{property}} where the numbers belong."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Study file to write (.toml).")] = Path("study.toml"),
) -> None:
    """Look at files and write a commented study for them."""
    from latentinv.storage import atomic_file, require_new

    from ._parse import check_extension

    check_extension(output, ".toml")
    require_new(output)
    found = [_look_at(path) for path in files]
    text = _study(found, output)
    with atomic_file(output) as file:
        file.write(text.encode())
    console = make_console()
    for one in found:
        console.print(f"{one.path.name}: {SAID.get(one.role, one.role)}", soft_wrap=True)
    image = next((one for one in found if one.role == "image"), None)
    if image is not None:
        console.print(f"First make the prior: latentinv train {image.path} --output {_prior_of(image)}", soft_wrap=True)
    console.print(
        f"{output}; read it, change what is marked CHANGE, then: latentinv run {output} --dry", soft_wrap=True
    )


def _look_at(path: Path) -> Found:
    """Tell what a file is."""
    from latentinv.errors import StorageError

    if not path.exists() and not path.suffix:
        from latentinv.priors import find_prior

        path = find_prior(str(path))
    if path.is_dir():
        return _template(path)
    if not path.is_file():
        raise StorageError(f"There is no file {path}; check the path.")
    if path.suffix == ".h5":
        from latentinv.storage import format_of

        if format_of(path) != "latentinv-prior":
            raise InputError(f"{path} is no prior; give a prior, a training image, or tables of data.")
        return Found(path, "prior")
    if path.suffix.lower() == ".las":
        return Found(path, "log")
    if path.suffix.lower() in PICTURES:
        return Found(path, "image")
    return Found(path, "simulators") if _has_placeholder(path) else _look_at_table(path)


def _template(folder: Path) -> Found:
    """A folder of a simulator's input files."""
    if not any(_has_placeholder(path) for path in folder.rglob("*") if path.is_file()):
        raise InputError(
            f"{folder} is a folder, and none of its files holds {{{{property}}}}; put that where a simulator's input "
            "has the numbers of the property, or give files."
        )
    return Found(folder, "simulators")


def _has_placeholder(path: Path) -> bool:
    from latentinv.simulators import PLACEHOLDER

    return path.stat().st_size <= TEMPLATE_BYTES and PLACEHOLDER.encode() in path.read_bytes()


def _look_at_table(path: Path) -> Found:
    import numpy as np

    from latentinv.io import read_table, table_header

    header = table_header(path)
    for kind, needed in HOLES.items():
        if all(map(header.has, needed)):
            return Found(path, kind, _ends(path, kind))
    for kind, (others, along_x, along_y) in KINDS.items():
        if all(map(header.has, (*others, *along_x, *along_y))):
            columns = read_table(path, (*along_x, *along_y)).columns
            places = [np.concatenate([columns[name] for name in names]) for names in (along_x, along_y)]
            return Found(path, kind, np.array(places))
    if header.has("value") and header.has("sd"):
        return Found(path, "observed")
    raise InputError(
        f"It is not known what {path.name} is, by its columns {', '.join(header.names)}; expected wells (x, y, "
        "facies), heads (x, y, value, sd), blocks (x_min, y_min, x_max, y_max, mean, sd) or rays (source_x, …, "
        "receiver_x, …, value, sd)."
    )


def _study(found: Sequence[Found], output: Path) -> str:
    """The study's text."""
    priors = [one for one in found if one.role in ("prior", "image")]
    if len(priors) != 1:
        raise InputError(f"{len(priors)} priors and training images were given; give one of either.")
    data, observed = _with_observed([one for one in found if one.role in (*TABLES, "observed")])
    holes = [one for one in found if one.role in (*HOLES, "log")]
    if not data and not holes:
        raise InputError("No data were given; give tables of wells, heads, blocks, rays or boreholes too.")
    if data and holes:
        raise InputError("Boreholes need a grid with z, the other data are on a map; make a study for each of the two.")

    def beside(path: Path) -> str:
        return json.dumps(str(os.path.relpath(path, output.parent)))

    prior = priors[0].path if priors[0].role == "prior" else Path(_prior_of(priors[0]))
    size = _cell_size(priors[0])
    boreholes = _boreholes(holes, beside) if holes else ""
    located = [*data, *([] if observed is None else [observed])]
    shape, spacing, origin = _extent(located or [_along_section(holes)], size)

    head = HEADER.format(
        name=output.name,
        prior=_shipped_name(prior) or beside(prior),
        grid=f"grid = [{shape[0]}, {shape[1]}]",
        spacing=f"spacing = {json.dumps(spacing)}",
        cells="" if size is None else ": cells of the image; times coarsen, if its recipe has that",
        origin=f"origin = {json.dumps(origin)}",
    )
    if holes:
        head = head.replace("rotation = 0.0 ", SECTION + "# rotation = 0.0 ")
    count = _facies_count(priors[0])
    seen = (
        OBSERVED + SD
        if observed is None
        else f"file = {beside(observed.path)}  # CHANGE: value, sd; in the order of the output\n"
    )
    values = {
        "velocities": ", ".join(["1.0"] * count),
        "conductivities": ", ".join(f"1e-{max(2, 1 + 2 * count - 2 * k)}" for k in range(1, count + 1)),
    }
    each = {name: f"[{text}]" for name, text in values.items()}
    each["observed"] = seen
    return head + boreholes + "".join(TABLES[one.role].format(file=beside(one.path), **each) for one in data)


def _shipped_name(prior: Path) -> str | None:
    """The name of a shipped prior, as a study gives it."""
    from latentinv.priors import shipped_priors

    return next((json.dumps(name) for name, path in shipped_priors().items() if path == prior), None)


def _with_observed(data: list[Found]) -> tuple[list[Found], Found | None]:
    """Data without the table that holds what was observed of a simulator's data, and that table, if there is one."""
    simulators = [one for one in data if one.role == "simulators"]
    tables = [one for one in data if one.role == "observed"]
    if tables and not simulators:
        raise InputError(
            f"{tables[0].path.name} has value and sd but no places; give x and y too, or the template of the simulator "
            "that predicts these data."
        )
    tables = tables or [one for one in data if one.role == "heads"]
    observed = tables[0] if len(simulators) == len(tables) == 1 else None
    return [one for one in data if one is not observed and one.role in TABLES], observed


def _facies_count(prior: Found) -> int:
    """How many facies a prior or a training image has; two where that is not told."""
    try:
        if prior.role == "prior":
            from latentinv.priors import load_prior

            model = load_prior(prior.path).facies_model
            return 2 if model is None else len(model.categories)
        from latentinv.training import read_training_image

        return len(read_training_image(prior.path).categories)
    except InputError:
        return 2


def _boreholes(holes: Sequence[Found], beside: Callable[[Path], str]) -> str:
    """The table of boreholes: collars, and either intervals or logs with their curve."""
    by_role = {role: [one.path for one in holes if one.role == role] for role in (*HOLES, "log")}
    if len(by_role["collars"]) != 1 or bool(by_role["intervals"]) == bool(by_role["log"]):
        raise InputError(
            "Boreholes need one table of collars (hole, x, y, z), and either intervals (hole, from, to, facies) or "
            "logs (.las); give these."
        )
    if by_role["intervals"]:
        logged = f"intervals = {beside(by_role['intervals'][0])}\n"
    else:
        files = ", ".join(beside(path) for path in by_role["log"])
        logged = f'logs = [{files}]\ncurve = "LITH"                      # CHANGE: the curve of facies\n'
    survey = "".join(f"survey = {beside(path)}\n" for path in by_role["survey"])
    collars = beside(by_role["collars"][0])
    return TABLES["boreholes"].format(collars=collars, logged=logged, survey=survey)


def _ends(path: Path, kind: str) -> "np.ndarray | None":
    """Of collars x and z, of intervals their depths, as rows."""
    import numpy as np

    from latentinv.io import read_table

    if kind == "survey":
        return None
    if kind == "intervals":  # facies may be names, and are not looked at
        columns = read_table(path, ("from", "to")).columns
        return np.stack([columns["from"], columns["to"]])
    return read_table(path, ("x", "z")).points(("x", "z")).T


def _along_section(holes: Sequence[Found]) -> Found:
    """Ends of the holes on a section: x, and z upwards, straight down from the collars."""
    import numpy as np

    (collars,) = (one for one in holes if one.role == "collars")
    assert collars.places is not None
    depths = [one.places for one in holes if one.role == "intervals" and one.places is not None]
    length = max((float(one.max()) for one in depths), default=float(np.ptp(collars.places[0])) or 1.0)
    below = collars.places - np.array([[0.0], [length]])
    return Found(collars.path, "boreholes", np.concatenate([collars.places, below], axis=1))


def _prior_of(image: Found) -> str:
    return str(image.path.with_suffix(".h5").name)


def _cell_size(prior: Found) -> tuple[float, ...] | None:
    """Edges of the cells of a training image along x and y, where its file states them."""
    from latentinv.io.grids import cell_size

    size = cell_size(prior.path) if prior.role == "image" else None
    return None if size is None or len(size) != 2 else size


def _extent(data: Sequence[Found], size: tuple[float, ...] | None) -> tuple[tuple[int, int], list[float], list[float]]:
    """Shape, spacing and origin of a grid around all places: cells of a size, or square ones of a round length."""
    import numpy as np

    known = [one.places for one in data if one.places is not None]
    if not known:  # a simulator alone
        return (CELLS // 2, CELLS // 2), list(size or (1.0, 1.0)), [0.0, 0.0]
    places = np.concatenate(known, axis=1)
    low, high = places.min(axis=1), places.max(axis=1)
    lengths = np.maximum(high - low, 1.0) * (1 + 2 * MARGIN)
    edge = np.full(2, _round(float(lengths.max()) / CELLS)) if size is None else np.array(size)
    origin = np.floor((low - MARGIN * (high - low)) / edge) * edge
    counts = np.maximum(1, np.ceil((high + MARGIN * (high - low) - origin) / edge)).astype(int)
    return (int(counts[1]), int(counts[0])), edge.tolist(), [float(x) for x in origin]


def _round(length: float) -> float:
    """1, 2, 2.5 or 5 times a power of ten, at least the length."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= length * (1 - 1e-9))

"""A small map that has no symmetry, and how others write it: each file format by other means than the package's.

The map is the letter F as it is read on a map, north up: its stem in the west, its bars in the north. Arrays have the
least y in row 0, so they hold it upside down.
"""

import numpy as np
from PIL import Image

PRINTED = """\
.......
.#####.
.#.....
.###...
.#.....
.#.....
.......
.......
"""
"""North up, as it is read."""
F = np.array([[character == "#" for character in line] for line in PRINTED.split()], np.uint8)[::-1]
"""Rows from south to north."""


def gslib_text(array, title=None, variables=("facies",)):
    """GSLIB text written value by value, x fastest, then y, then z; other variables count up."""
    volume = array if array.ndim == 3 else array[None]
    nz, ny, nx = volume.shape
    lines = [title or f"{nx} {ny} {nz}", str(len(variables)), *variables]
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                lines.append(" ".join([f"{volume[z, y, x]}", *(str(k) for k in range(len(variables) - 1))]))
    return "\n".join(lines) + "\n"


def write_picture(path, array):
    """A picture that shows the map north up; layers, from the lowest on, become pages."""
    pages = [Image.fromarray(np.flipud(layer)) for layer in (array if array.ndim == 3 else array[None])]
    pages[0].save(path, **({"save_all": True, "append_images": pages[1:]} if len(pages) > 1 else {}))


def write_esri(path, array):
    """An Esri ASCII grid, which begins in the north."""
    rows = [" ".join(str(value) for value in row) for row in np.flipud(array)]
    header = [f"ncols {array.shape[1]}", f"nrows {array.shape[0]}", "xllcorner 0", "yllcorner 0", "cellsize 1"]
    path.write_text("\n".join([*header, *rows]) + "\n", encoding="utf-8")


WRITERS = {
    ".asc": write_esri,
    ".npz": lambda path, array: np.savez(path, facies=array),
    ".npy": lambda path, array: np.save(path, array),
    ".png": write_picture,
    ".tif": write_picture,
    ".tiff": write_picture,
    **dict.fromkeys(
        (".gslib", ".sgems", ".dat", ".txt"), lambda path, array: path.write_text(gslib_text(array), encoding="utf-8")
    ),
}
"""By ending: write an array [row, column] or [layer, row, column] as the format has it."""


def write_image(path, array):
    """Write an array to a file by its ending."""
    WRITERS[path.suffix](path, array)
    return path

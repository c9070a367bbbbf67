"""Images that no recipe was tuned for: two made here, and how the published ones are cut.

Both are level sets of Gaussian fields on a torus, filtered in wave numbers: rough where the power falls slowly.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from benchmarks._data import data_file

Shape = tuple[int, int]


def gaussian_field(
    rng: np.random.Generator,
    shape: Shape,
    power: Callable[[Float[np.ndarray, "*grid"]], Float[np.ndarray, "*grid"]],
    stretch: float = 1.0,
) -> Float[np.ndarray, "row column"]:
    """A Gaussian field of unit variance whose spectrum is a function of the wave number, stretched along x."""
    rows, columns = (np.fft.fftfreq(n) for n in shape)
    wave = np.hypot(rows[:, None], stretch * columns[None, :])
    amplitude = np.sqrt(power(np.where(wave > 0, wave, np.inf)))
    field = np.fft.ifft2(amplitude * np.fft.fft2(rng.standard_normal(shape))).real
    return field / field.std()


def thin_lines(seed: int = 0, shape: Shape = (420, 520)) -> Int[np.ndarray, "row column"]:
    """Connected lines two to four cells wide: where either of two smooth fields is nearly zero."""
    rng = np.random.default_rng(seed)
    fields = [gaussian_field(rng, shape, lambda k: np.exp(-((k / 0.012) ** 2)), stretch) for stretch in (1.0, 2.0)]
    slopes = [np.hypot(*np.gradient(field)) for field in fields]
    lines = [np.abs(field) < 1.4 * slope for field, slope in zip(fields, slopes, strict=True)]
    return np.any(lines, axis=0).astype(int)


def ragged_islands(seed: int = 0, shape: Shape = (450, 450)) -> Int[np.ndarray, "row column"]:
    """Islands of three facies with ragged shores in a fourth, some of them touching."""
    rng = np.random.default_rng(seed)

    def rough(k: np.ndarray) -> np.ndarray:
        return (k**2 + 0.02**2) ** -1.7

    scores = np.stack([gaussian_field(rng, shape, rough) - least for least in (0.9, 1.0, 1.2)])
    return np.where(scores.max(axis=0) > 0, 1 + np.argmax(scores, axis=0), 0)


def published(name: str) -> Int[np.ndarray, "row column"]:
    """A published training image; of a volume, the middle layer across its first axis."""
    with np.load(data_file(f"training_images/{name}.npz"), allow_pickle=False) as file:
        facies = file["facies"].astype(int)
    return facies if facies.ndim == 2 else facies[len(facies) // 2]


SIMULATORS: dict[str, Callable[[int], Int[np.ndarray, "row column"]]] = {
    "thin_lines": thin_lines,
    "ragged_islands": ragged_islands,
}
"""Of the images made here, from a seed."""
IMAGES: dict[str, Callable[[], Int[np.ndarray, "row column"]]] = {
    "strebelle_250": lambda: published("strebelle_250"),
    "braided_400": lambda: published("braided_400"),
    "fold_slice": lambda: published("fold_3d"),
    "thin_lines": thin_lines,
    "ragged_islands": ragged_islands,
}

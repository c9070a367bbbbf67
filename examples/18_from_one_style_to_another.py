"""18 From one style to another: a simulator's channels as those of an image, with the wells kept.

Left, channels of our simulator, with ten wells: ribbons that cross each other and never fork. Beside them their coarse
map: a block of 8 × 16 cells has sand if any of its cells does. That is all that the prior `strebelle` is told, and from
it and the wells it draws fields in the style of its own image, whose channels fork and join. Nothing was trained for
this pair of styles: what both share is the map, by rule. Every translation has exactly the map of its field, and so has
a translation back, by a prior of the other style; every well is honoured, and within blocks each draw is another.

This is not a cycle-consistent network (Zhu and others 2017, arXiv:1703.10593), which learns from unpaired images of two
styles what to keep. Gained is that there is nothing to train or to balance, that the map and the wells are kept
exactly, and that there are as many translations as one likes. Lost is all but the presence of sand in blocks: how wide
a channel is, or that two ribbons run side by side through the same blocks, the prior cannot know. Look at where the map
is unlike the image's: the blocks of crossing ribbons become a broad body or a net of forks, some channels end blindly
in a block that a ribbon only touched, which hardly one of the image does, and here and there a single cell of sand
stands for its block. Larger blocks leave more to the image, smaller ones keep more of the ribbons.

Latents that honour wells are not equally likely, so each translation is one of 32, chosen by weight; `latentinv
translate` draws them by `smc`, in minutes. Prints what is kept, beside what unrelated fields have in common.

Writes output/translated.png.
"""

from pathlib import Path

import jax
import numpy as np
from common import OUTPUT, Panel, draw
from jaxtyping import Array, Float, Int

from latentinv import Grid, HardData, Posterior, load_prior
from latentinv.posterior import map_batched
from latentinv.priors import AbstractPrior, coarse_map, translation_prior
from latentinv.training import ChannelSimulator


@jax.jit
def proposed(posterior: Posterior, latents: Float[Array, "proposal latent"]) -> tuple[Array, Array]:
    """Facies and logarithms of weights of latents, by one program for all fields."""
    predictions = map_batched(posterior.predict_exact, latents, 8)
    return predictions.realization, jax.vmap(posterior.exact_log_likelihood)(predictions)


def row(prior: AbstractPrior, size: tuple[int, int], grid: Grid, seed: int) -> list[Panel]:
    """A field, its coarse map and two translations, with its wells."""
    rng = np.random.default_rng(seed)
    field = ChannelSimulator(width=7.0).simulate(rng, grid.shape).astype(int)
    cells = np.stack(np.unravel_index(rng.choice(grid.size, 10, replace=False), grid.shape), axis=1)
    wells = HardData(grid, grid.centres(cells), field[tuple(cells.T)], prior.facies_model)
    posterior = Posterior(translation_prior(prior, field, size), grid, [wells])
    translations: list[Int[np.ndarray, "row column"]] = []
    for key in jax.random.split(jax.random.key(seed), 2):
        draws, logs = proposed(posterior, jax.random.normal(key, (32, posterior.latent_size)))
        translations.append(np.asarray(draws[jax.random.categorical(key, logs)]))
    blocks = coarse_map(prior, field, size)
    shown = np.kron(blocks, np.ones(size))[: grid.shape[0], : grid.shape[1]]
    panels = {"simulated": field, "coarse map": shown, "translated": translations[0], "again": translations[1]}
    kept = np.mean([coarse_map(prior, one, size) == blocks for one in translations])
    print(f"blocks kept {kept:.3f}, cells kept {np.mean([one == field for one in translations]):.2f}")
    return [Panel(name, values, wells=np.c_[wells.coordinates, wells.codes]) for name, values in panels.items()]


def main(style: str = "strebelle", size: tuple[int, int] = (8, 16), cells: int = 96, output: Path = OUTPUT) -> None:
    """Translate three fields and draw them."""
    prior, grid = load_prior(style), Grid((cells, cells))
    panels = [panel for seed in range(3) for panel in row(prior, size, grid, seed)]
    by_chance = np.mean([one.values == other.values for one, other in zip(panels[::4], panels[6::4], strict=False)])
    print(f"cells that unrelated fields have in common {by_chance:.2f}")
    output.mkdir(parents=True, exist_ok=True)
    draw(output / "translated.png", panels)


if __name__ == "__main__":
    main()

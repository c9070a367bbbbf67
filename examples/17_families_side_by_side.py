"""17 Families side by side: what each makes of its image, or without one.

A row for each family of priors, fields as they come, none chosen. The first eight rows begin with a piece of the image
that the prior learned from. A *sequential* prior draws cell after cell, by odds learned from the image, and is what
`latentinv train` gives: `braided` has three facies, `strebelle` two. A *generator* turns noise into a map at once
(`meanders`), and a *cycle* puts another prior's fields into the style of its image (`meanders_as_strebelle`). A
*conditional* generator is also told wells and here a proportion, another in each field; a *flow* goes there in some
steps; a *SinGAN* learned from a single image of 256 × 256 cells; an *autoencoder* also finds the latents of a given
map (`channels_vae`). The others need no image: a *plurigaussian* prior cuts Gaussian fields into facies, a
*hierarchical* one puts a property into them, a *spectral* one is a property alone, and a *mixture* draws one of two
scenarios. A *DCGAN* draws fields of one size only, and volumes have pictures of their own; neither is here.

Look at what a geologist would: do channels keep their width, do they end, do bodies touch those that they touch in
the image? The layers of `braided` and the channels of `strebelle` have the thickness of their image's, but a few
channels end blindly, which hardly one of the image does. Those of `meanders` are too wide where they meet, and a few
end. Their translations are as thin as the channels of `strebelle`, and more of them end. Those of `singan` fork, and
those of `meanders_flow` have rough banks, for it learned for ten minutes only. `channels_vae` draws bodies of sand
rather than channels: it is for finding given maps, not for drawing new ones. What the eye judges here, `python -m
benchmarks.families` measures. Published images are shown where they are found (`LATENTINV_DATA`), and their place is
white elsewhere, as on this page.

Writes output/families.png.
"""

from pathlib import Path

import jax
import numpy as np
from common import OUTPUT, Panel, draw, piece_of_image

from latentinv import Covariance, Cut, FaciesProperty, Grid, HierarchicalPrior, PlurigaussianPrior, SpectralPrior
from latentinv.priors import AbstractPrior, MixturePrior, TruncationRule, load_prior

LEARNED = (
    *("braided", "strebelle", "meanders", "meanders_as_strebelle", "meanders_conditional", "meanders_flow", "singan"),
    "channels_vae",
)


def classic() -> dict[str, AbstractPrior]:
    """Priors that need no image."""
    long = SpectralPrior(Covariance("gaussian", (30.0, 9.0), azimuth=80.0))
    coarse, gentle = SpectralPrior(Covariance("exponential", 20.0)), SpectralPrior(Covariance("gaussian", 10.0))
    three = TruncationRule(Cut(0, 0, Cut(1, 1, 2)), {0: 0.5, 1: 0.3, 2: 0.2})
    two = PlurigaussianPrior([long], TruncationRule(Cut(0, 0, 1), {0: 0.7, 1: 0.3}))
    return {
        "three facies": PlurigaussianPrior([long, coarse], three),
        "porosity in two facies": HierarchicalPrior(two, coarse),
        "porosity": coarse,
        "long or round": MixturePrior([long, gentle]),
    }


def row(name: str, prior: AbstractPrior, grid: Grid) -> list[Panel]:
    """A piece of the image if it learned from one, and fields; porosities are of our making."""
    learned = "recipe" in prior.provenance
    z = jax.random.normal(jax.random.key(1), (4 if learned else 5, prior.latent_size(grid)))
    fields = jax.vmap(lambda one: prior.generate(one, grid))(z)
    shown, kind = 0.2 + 0.05 * fields, ("porosity", 0.4)
    if isinstance(prior, HierarchicalPrior):
        shown = FaciesProperty(prior.facies_model, (0.1, 0.25), log_standard_deviations=(0.2, 0.2)).exact(fields)
    elif prior.facies_model is not None:
        shown, kind = prior.facies_model.index(fields), ("", len(prior.facies_model.categories) - 1.0)
    first, title = ([piece_of_image(prior, grid.shape)], ", its image") if learned else ([], "")
    panels = [Panel("", values, *kind) for values in (*first, *np.asarray(shown))]
    return [panels[0]._replace(title=f"{prior.family}: {name}{title}"), *panels[1:]]


def main(cells: int = 96, learned: tuple[str, ...] = LEARNED, output: Path = OUTPUT) -> None:
    """Draw the sheet."""
    priors = {name: load_prior(name) for name in learned} | classic()
    panels = [panel for name, prior in priors.items() for panel in row(name, prior, Grid((cells, cells)))]
    output.mkdir(parents=True, exist_ok=True)
    draw(output / "families.png", panels, columns=5)


if __name__ == "__main__":
    main()

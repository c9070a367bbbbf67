"""06 NumPyro around a prior: unknowns that are not in the ground.

How precise are the instruments, and what is the mean velocity of the rock? Such numbers are seldom known, and a guess
of the noise decides how much the data may change the map. `Posterior.as_numpyro_model()` gives the prior, with any data
it already has, as one part of a larger NumPyro model; the model below adds the standard deviation of the travel times
and the mean velocity as unknowns of their own, and NUTS samples all of them together. The times were measured with 0.5
ns, and ground of this kind has a mean of 0.07 m/ns. But a site is a small sample of its kind: this one happens to be
faster, 0.076 m/ns, by 2.6 standard deviations of such sites, and the site is all that the times can see. Gradients go
through the field, so the model is the soft one wherever facies are read; this prior is of a continuous property, and
nothing is softened.

Writes output/numpyro.png.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from common import OUTPUT, histogram
from jaxtyping import Array, Float
from numpyro.infer import MCMC, NUTS

from latentinv import Covariance, Grid, Posterior, SpectralPrior
from latentinv.forward import StraightRays


def main(draws: int = 400, warmup: int = 400, cells: int = 24, output: Path = OUTPUT) -> dict[str, Array]:
    """Invent the times, and infer field, noise and mean velocity together."""
    grid, prior = Grid((cells, cells)), SpectralPrior(Covariance("gaussian", 8.0), waves=64)
    ends = np.stack(np.meshgrid(np.arange(0.5, cells, 2), np.arange(0.5, cells, 2)), axis=-1).reshape(-1, 2)
    sources, receivers = np.insert(ends[:, :1], 0, 0.0, axis=1), np.insert(ends[:, 1:], 0, cells, axis=1)
    rays, around = StraightRays(grid, sources, receivers), Posterior(prior, grid, []).as_numpyro_model()

    def times(field: Float[Array, "row column"], mean: float | Array) -> Float[Array, "ray"]:
        return rays.predict(mean * jnp.exp(0.1 * field))  # m/ns

    def model(observed: Float[Array, "ray"]) -> None:
        field = around()
        mean = numpyro.sample("mean velocity", dist.LogNormal(jnp.log(0.08), 0.2))
        sd = numpyro.sample("sd of the times", dist.LogNormal(0.0, 1.0))
        numpyro.sample("times", dist.Normal(times(field, mean), sd), obs=observed)

    truth = prior.generate(jax.random.normal(jax.random.key(1), (prior.latent_size(grid),)), grid)
    observed = times(truth, 0.07) + 0.5 * jax.random.normal(jax.random.key(2), (len(ends),))
    chain = MCMC(NUTS(model), num_warmup=warmup, num_samples=draws, progress_bar=False)
    chain.run(jax.random.key(3), observed)
    samples = chain.get_samples()
    for name in ("sd of the times", "mean velocity"):
        print(f"{name}: {samples[name].mean():.3g} ± {samples[name].std():.2g}")
    panels = {"sd of the times": ("ns", 0.5), "mean velocity": ("m/ns", 0.07)}
    histogram(output / "numpyro.png", {name: (samples[name], *more) for name, more in panels.items()})
    return samples


if __name__ == "__main__":
    main()

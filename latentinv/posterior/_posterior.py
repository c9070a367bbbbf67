"""The posterior: a prior, a grid and observations, as one function of the latent vector.

    p(z | d) ∝ exp(−½‖z‖²) ∏ p(d_i | F_i(G(z)))

The *target* states which posterior is meant. ``thresholded`` reads fields as facies, so hard data are honoured or not;
``soft`` reads them through each observation's stated soft model, which has gradients. A posterior without facies has
one reading and its target is ``soft``. Whatever the target, the soft path from no information (inverse temperature 0)
to the stated model (1) and beyond is there for algorithms that need gradients.

What algorithms compile with `Posterior.jit` takes the observed numbers as arguments, so that other numbers for the same
wells, blocks and sensors (`Posterior.observe`) need no other program: hundreds of replicates of a study run on one.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Shaped

from latentinv.data import check_agreement
from latentinv.data.core import AbstractObservation, Report
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.priors.core import AbstractPrior

Target = Literal["thresholded", "soft"]


class Predictions(NamedTuple):
    """What a field predicts for each observation, read both ways; small enough to store for every draw."""

    soft: tuple[Float[Array, "datum"], ...]
    exact: tuple[Float[Array, "datum"], ...]


class Posterior:
    """A prior conditioned to observations.

    Parameters
    ----------
    prior
        The map from latents to fields.
    grid
        Where the fields live.
    observations
        Any number of observations with distinct names.
    target
        ``thresholded`` or ``soft``; by default ``thresholded`` for a facies prior.

    Raises
    ------
    InputError
        If an observation does not fit the prior or the grid, two have the same name or contradict each other, the grid
        has too many cells, or the target is unknown.
    """

    def __init__(
        self,
        prior: AbstractPrior,
        grid: Grid,
        observations: Sequence[AbstractObservation],
        *,
        target: Target | None = None,
    ) -> None:
        for what, given, kind in (("prior", prior, AbstractPrior), ("grid", grid, Grid)):
            if not isinstance(given, kind):
                raise InputError(f"The posterior's {what} is a {type(given).__name__}; expected a {kind.__name__}.")
        if isinstance(observations, AbstractObservation):
            raise InputError(f"The observations are one alone, '{observations.name}'; give a list of them.")
        self.prior = prior
        self.grid = grid
        self.observations = tuple(observations)
        self.target: Target = target or ("thresholded" if prior.facies_model is not None else "soft")
        if self.target not in ("thresholded", "soft"):
            raise InputError(f"The target is '{target}'; expected 'thresholded' or 'soft'.")
        if self.target == "thresholded" and prior.facies_model is None:
            raise InputError(
                "The prior is of a continuous property, so there is nothing to threshold; use target 'soft'."
            )
        grid.check_whole()
        self.latent_size = prior.latent_size(grid)
        names = [observation.name for observation in self.observations]
        for name in names:
            if names.count(name) > 1:
                raise InputError(
                    f"Two observations are called '{name}'; give each its own name "
                    "(a file's data are called after the file)."
                )
        for observation in self.observations:
            observation.check(prior, grid)
        check_agreement(self.observations)

    @property
    def has_gradient(self) -> bool:
        """Whether the soft model has gradients: all but that of a simulator which knows none."""
        return all(observation.has_gradient for observation in self.observations)

    @property
    def external(self) -> bool:
        """Whether a simulator outside JAX predicts some of the data."""
        return any(observation.external for observation in self.observations)

    def field(self, z: Float[Array, "latent"]) -> Float[Array, "*grid"]:
        """The field of a latent vector."""
        return self.prior.generate(z, self.grid)

    def predict(self, z: Float[Array, "latent"]) -> Predictions:
        """Predict every datum from one generated field, softly and exactly."""
        return self.predict_field(self.field(z))

    def predict_soft(self, z: Float[Array, "latent"]) -> Predictions:
        """Predict every datum softly only, which is all that a gradient needs; the exact predictions are left out."""
        field = self.field(z)
        return Predictions(tuple(observation.predict(field) for observation in self.observations), ())

    def predict_exact(self, z: Float[Array, "latent"]) -> Predictions:
        """Predict every datum exactly only; the soft predictions are left out."""
        field = self.field(z)
        return Predictions((), tuple(observation.predict_exact(field) for observation in self.observations))

    def predict_field(self, field: Float[Array, "*grid"]) -> Predictions:
        """Predict every datum from a field, softly and exactly."""
        both = [observation.predict_both(field) for observation in self.observations]
        return Predictions(tuple(soft for soft, _ in both), tuple(exact for _, exact in both))

    def predict_softly(
        self, z: Float[Array, "latent"], sharpness: float | Float[Array, ""]
    ) -> tuple[Float[Array, "datum"], ...]:
        """Soft predictions where facies are read by `sharpness` times the stated slopes: the lower, the smoother."""
        field = self.field(z)
        return tuple(observation.predict(field, sharpness) for observation in self.observations)

    def tempered_log_likelihood(
        self, predictions: Predictions, inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Log-likelihood of the soft predictions on the path from no information (0) to the stated soft model (1)."""
        parts = zip(self.observations, predictions.soft, strict=True)
        return sum((o.tempered_log_likelihood(p, inverse_temperature) for o, p in parts), jnp.zeros(()))

    def exact_log_likelihood(self, predictions: Predictions) -> Float[Array, ""]:
        """Log-likelihood of the exact predictions."""
        parts = zip(self.observations, predictions.exact, strict=True)
        return sum((o.exact_log_likelihood(p) for o, p in parts), jnp.zeros(()))

    def log_likelihood(self, z: Float[Array, "latent"]) -> Float[Array, ""]:
        """Log-likelihood of a latent vector under the target."""
        predictions = self.predict(z)
        if self.target == "thresholded":
            return self.exact_log_likelihood(predictions)
        return self.tempered_log_likelihood(predictions, 1.0)

    def log_density(self, z: Float[Array, "latent"]) -> Float[Array, ""]:
        """Log-density of the target, without the evidence; the prior's part is −½‖z‖²."""
        return log_prior(z) + self.log_likelihood(z)

    def soft_log_density(
        self, z: Float[Array, "latent"], inverse_temperature: float | Float[Array, ""] = 1.0
    ) -> Float[Array, ""]:
        """Log-density of the soft model, differentiable whatever the target."""
        return log_prior(z) + self.tempered_log_likelihood(self.predict_soft(z), inverse_temperature)

    def report(self, z: Float[Array, "latent"]) -> list[Report]:
        """Say how well the field of a latent vector agrees with each observation."""
        field = self.field(z)
        return [observation.report(field) for observation in self.observations]

    @property
    def observed(self) -> tuple[Shaped[Array, "datum"], ...]:
        """The observed numbers of each observation."""
        return tuple(jnp.asarray(observation.observed) for observation in self.observations)

    def observe(self, data: Sequence[Shaped[Array, "datum"]]) -> None:
        """Put other observed numbers in the place of those there are; programs made by `jit` stay valid.

        Parameters
        ----------
        data
            As many for each observation as it has, such as `simulate` gives.
        """
        pairs = zip(self.observations, data, strict=True)
        self.observations = tuple(observation.with_data(np.asarray(numbers)) for observation, numbers in pairs)

    def simulate(self, key_noise: Array, z: Float[Array, "latent"]) -> tuple[Shaped[Array, "datum"], ...]:
        """Draw what would be observed in the field of a latent vector, under the target.

        Raises
        ------
        InputError
            If an observation's soft model is no law of what is observed.
        """
        return self.simulate_field(key_noise, self.field(z))

    def simulate_field(self, key_noise: Array, field: Float[Array, "*grid"]) -> tuple[Shaped[Array, "datum"], ...]:
        """Draw what would be observed in a field, under the target."""
        keys = jax.random.split(key_noise, max(1, len(self.observations)))
        exact = self.target == "thresholded"
        return tuple(o.simulate(key, field, exact=exact) for o, key in zip(self.observations, keys, strict=False))

    def jit(self, function: Callable[..., Any], *, static_argnames: str | Sequence[str] = ()) -> Callable[..., Any]:
        """Compile a function that uses this posterior, with the observed numbers as arguments of the program."""

        def with_data(data: tuple[Array, ...], *arguments: Any, **options: Any) -> Any:
            held = self.observations
            self.observations = tuple(o.with_data(numbers) for o, numbers in zip(held, data, strict=True))
            try:
                return function(*arguments, **options)
            finally:
                self.observations = held

        compiled = jax.jit(with_data, static_argnames=static_argnames)
        return lambda *arguments, **options: compiled(self.observed, *arguments, **options)

    def as_numpyro_model(self) -> Callable[[], Float[Array, "*grid"]]:
        """Give the soft posterior as a NumPyro model, to sample or to build upon.

        Returns
        -------
        A model with the site ``z`` and a factor ``data NAME`` for each observation, which gives the field back. A model
        of the user's own calls it once, and adds what is unknown besides the latents: with ``field = model()``, a
        forward model of the field and a noise whose standard deviation is a site of its own, say. Observations whose
        noise or property is unknown belong into that model, not into the posterior. Gradients need the soft model,
        whatever the target.
        """
        import numpyro
        import numpyro.distributions as dist

        def model() -> Float[Array, "*grid"]:
            z = numpyro.sample("z", dist.Normal(0.0, 1.0).expand([self.latent_size]).to_event(1))
            field = self.field(z)
            for observation in self.observations:
                numpyro.factor(f"data {observation.name}", observation.log_likelihood(field))
            return field

        return model


def log_prior(z: Float[Array, "latent"]) -> Float[Array, ""]:
    """Log-density of the standard normal prior, without its constant."""
    return -0.5 * jnp.sum(z**2)


def each(function: Callable[[Predictions], Array], predictions: Predictions, count: int) -> Float[Array, "draw"]:
    """Apply a function to the predictions of each of `count` draws, which are empty where there are no data."""
    return jax.vmap(function, axis_size=count)(predictions)


def map_batched(function: Callable[..., Any], arguments: Any, batch_size: int) -> Any:
    """Apply a function over the leading axis in batches, so that memory stays flat.

    Outputs without any numbers, as where there are no data, are made beside `lax.map`, which refuses them.

    Parameters
    ----------
    function
        Function of one element.
    arguments
        A tree of arrays with a common leading axis.
    batch_size
        Elements evaluated at once; one by one, branches and loops cost no more than each element needs.
    """
    count = len(jax.tree.leaves(arguments)[0])
    outputs, structure = jax.tree.flatten(jax.eval_shape(function, jax.tree.map(lambda x: x[0], arguments)))

    def filled(one: Any) -> list[Array]:
        return [leaf for leaf in jax.tree.leaves(function(one)) if leaf.size]

    mapped = iter(lax.map(filled, arguments, batch_size=batch_size if batch_size > 1 else None))
    whole = [next(mapped) if leaf.size else jnp.zeros((count, *leaf.shape), leaf.dtype) for leaf in outputs]
    return jax.tree.unflatten(structure, whole)

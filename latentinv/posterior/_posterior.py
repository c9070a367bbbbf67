"""The posterior: a prior, a grid and observations, as one function of the latent vector.

    p(z | d) ∝ exp(−½‖z‖²) ∏ p(d_i | F_i(G(z)))

The *target* says which posterior is sampled. ``thresholded`` reads fields as facies, so hard data are honoured or not;
``soft`` reads them through each observation's stated soft model, which has gradients. Without facies both readings are
the same, and the target is ``soft``. Whatever the target, algorithms that need gradients can use the soft path from no
information (inverse temperature 0) to the stated model (1) and beyond.

A posterior is a frozen pytree: weights of the prior, operators and observed numbers are its leaves. Compiled programs
take it as an argument, so that other data for the same wells, blocks and sensors (`Posterior.with_data`) need no new
program: the hundreds of replicates of a study share one.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Shaped

from latentinv.data import AbstractObservation, Report, check_agreement
from latentinv.errors import InputError
from latentinv.grid import Grid
from latentinv.html import representation
from latentinv.priors import AbstractPrior
from latentinv.pytrees import pytree, replace

Target = Literal["thresholded", "soft"]


class Predictions(NamedTuple):
    """What users see of a field, and its predictions; small enough to store for every draw."""

    soft: tuple[Float[Array, "datum"], ...]
    """Soft prediction of each observation; empty if not requested."""
    exact: tuple[Float[Array, "datum"], ...]
    """Exact prediction of each observation; empty if not requested."""
    realization: Shaped[Array, "*grid"] | tuple[()] = ()
    """Facies codes, or values of a continuous property; empty if not requested."""


@final
@pytree("prior", "observations", "honoured")
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
        has too many cells, the target is unknown, or the prior or an observation is of a class that is no pytree.
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
            raise InputError(f"Given the single observation '{observations.name}'; expected a list of observations.")
        grid.check_whole()
        self.prior = prior.on(grid)
        self.grid = grid
        stated = tuple(observations)
        usual: Target = "thresholded" if prior.facies_model is not None else "soft"
        self.target: Target = usual if target is None else target
        _check_target(self.target, prior)
        self.latent_size = prior.latent_size(grid)
        _check_names([observation.name for observation in stated])
        for observation in stated:
            observation.check(prior, grid)
        check_agreement(stated, self.prior.facies_model)
        _check_pytrees((prior, *stated))
        parts = _honoured(self.prior, stated) if self.target == "thresholded" else (stated, None)
        self.observations: tuple[AbstractObservation, ...] = parts[0]
        self.honoured: Any = parts[1]

    @property
    def conditioned(self) -> AbstractPrior:
        """The prior that maps latents of the posterior to fields: as it is, or made to honour certain facies."""
        if self.honoured is None:
            return self.prior
        facies = [jnp.asarray(one.observed) for one in self.observations if one.by_prior]
        return self.prior.honouring(self.honoured, jnp.concatenate(facies))

    @property
    def has_gradient(self) -> bool:
        """Whether the soft model has gradients; False only if a simulator has no adjoint, a user says so, or the prior
        jumps.
        """
        return self.prior.has_gradient and all(observation.has_gradient for observation in self.observations)

    @property
    def external(self) -> bool:
        """Whether a simulator outside JAX predicts some of the data."""
        return any(observation.external for observation in self.observations)

    @property
    def certain(self) -> bool:
        """Whether the target excludes fields that miss a certain datum."""
        return self.target == "thresholded" and any(observation.certain for observation in self.observations)

    @property
    def count(self) -> int:
        """Number of data of all observations."""
        return sum(observation.count for observation in self.observations)

    @jax.jit
    def field(self, z: Float[Array, "latent"]) -> Float[Array, "*grid"]:
        """The field of a latent vector."""
        return self.conditioned.generate(z, self.grid)

    def predict(self, z: Float[Array, "latent"]) -> Predictions:
        """Predict every datum from one generated field, softly and exactly."""
        return self.predict_field(self.field(z))

    @jax.jit
    def predict_soft(self, z: Float[Array, "latent"]) -> Predictions:
        """Predict every datum softly only, which is all that a gradient needs."""
        field = self.field(z)
        return Predictions(tuple(observation.predict(field) for observation in self.observations), ())

    @jax.jit
    def predict_exact(self, z: Float[Array, "latent"]) -> Predictions:
        """Predict every datum exactly only, with the realization."""
        field = lax.optimization_barrier(self.field(z))
        exact = tuple(observation.predict_exact(field) for observation in self.observations)
        return Predictions((), exact, self.prior.realization(field))

    @jax.jit
    def predict_field(self, field: Float[Array, "*grid"]) -> Predictions:
        """Predict every datum from a field, softly and exactly, with the realization.

        Facies and predictions are read from the same numbers: a compiler that computed the field once for each could
        round a value at a threshold to either side.
        """
        field = lax.optimization_barrier(field)
        both = [observation.predict_both(field) for observation in self.observations]
        realization = self.prior.realization(lax.stop_gradient(field))
        return Predictions(tuple(soft for soft, _ in both), tuple(exact for _, exact in both), realization)

    def predict_softly(
        self, z: Float[Array, "latent"], sharpness: float | Float[Array, ""]
    ) -> tuple[Float[Array, "datum"], ...]:
        """Soft predictions with facies read at `sharpness` times the stated slopes: the lower, the smoother."""
        field = self.field(z)
        return tuple(observation.predict(field, sharpness) for observation in self.observations)

    def tempered_log_likelihood(
        self, predictions: Predictions, inverse_temperature: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Log-likelihood of the soft predictions on the path from no information (0) to the stated soft model (1)."""
        parts = zip(self.observations, predictions.soft, strict=True)
        return sum((o.tempered_log_likelihood(p, inverse_temperature) for o, p in parts), jnp.zeros(()))

    def tempered_change(
        self, predictions: Predictions, before: float | Float[Array, ""], after: float | Float[Array, ""]
    ) -> Float[Array, ""]:
        """Change of the tempered log-likelihood between two inverse temperatures.

        Where the path scales an observation's log-likelihood, the log-likelihood is multiplied by the difference of the
        temperatures: subtracting two large numbers would lose all digits where data are precise.
        """
        change = jnp.zeros(())
        for observation, prediction in zip(self.observations, predictions.soft, strict=True):
            if observation.sharpens:
                change += observation.tempered_log_likelihood(prediction, after)
                change -= observation.tempered_log_likelihood(prediction, before)
            else:
                step = jnp.minimum(after, 1.0) - jnp.minimum(before, 1.0)
                whole = observation.tempered_log_likelihood(prediction, 1.0)
                change += jnp.where(step == 0, 0.0, step * whole)
        return change

    def exact_log_likelihood(self, predictions: Predictions) -> Float[Array, ""]:
        """Log-likelihood of the exact predictions."""
        parts = zip(self.observations, predictions.exact, strict=True)
        return sum((o.exact_log_likelihood(p) for o, p in parts), jnp.zeros(()))

    def log_likelihood_parts(self, predictions: Predictions) -> tuple[Float[Array, ""], ...]:
        """Contribution of each observation to the log-likelihood under the target."""
        if self.target == "thresholded":
            exact = zip(self.observations, predictions.exact, strict=True)
            return tuple(observation.exact_log_likelihood(p) for observation, p in exact)
        soft = zip(self.observations, predictions.soft, strict=True)
        return tuple(observation.tempered_log_likelihood(p, 1.0) for observation, p in soft)

    def log_likelihood(self, z: Float[Array, "latent"]) -> Float[Array, ""]:
        """Log-likelihood of a latent vector under the target."""
        return sum(self.log_likelihood_parts(self.predict(z)), jnp.zeros(()))

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
        exact = self.predict_exact(z).exact
        return [o.report(np.asarray(data)) for o, data in zip(self.observations, exact, strict=True)]

    @property
    def observed(self) -> tuple[Shaped[Array, "datum"], ...]:
        """The observed numbers of each observation."""
        return tuple(jnp.asarray(observation.observed) for observation in self.observations)

    def with_data(self, data: Sequence[Shaped[Array | np.ndarray, "datum"]]) -> "Posterior":
        """The same posterior with other observed numbers; it uses the same compiled programs.

        Parameters
        ----------
        data
            As many for each observation as it has, such as `simulate` gives.
        """
        pairs = zip(self.observations, data, strict=True)
        return replace(self, observations=tuple(observation.with_data(numbers) for observation, numbers in pairs))

    def differentiable_part(self) -> "Posterior":
        """The posterior without data whose forward model has no gradients."""
        return replace(self, observations=tuple(o for o in self.observations if o.has_gradient))

    def simulate(self, key_noise: Array, z: Float[Array, "latent"]) -> tuple[Shaped[Array, "datum"], ...]:
        """Draw what would be observed in the prior's field of a latent vector, under the target.

        Raises
        ------
        InputError
            If an observation's soft model does not define a distribution of the data.
        """
        return self.simulate_field(key_noise, self.prior.generate(z, self.grid))

    def simulate_field(self, key_noise: Array, field: Float[Array, "*grid"]) -> tuple[Shaped[Array, "datum"], ...]:
        """Draw what would be observed in a field, under the target."""
        keys = jax.random.split(key_noise, max(1, len(self.observations)))
        exact = self.target == "thresholded"
        return tuple(o.simulate(key, field, exact=exact) for o, key in zip(self.observations, keys, strict=False))

    def _repr_html_(self) -> str:
        prior = f"family {self.prior.to_record().family}, {self.latent_size:,} latents"
        rows = {"prior": prior, "grid": f"{self.grid.words()['Grid']}; {self.grid.describe()}"}
        for one in self.observations:
            rows[one.name] = f"{one.count} data ({one.kind.replace('_', ' ')})" + (
                f" in {one.unit}" if one.unit else ""
            )
        return representation("Posterior", rows | {"target": self.target})

    def as_numpyro_model(self) -> Callable[[], Float[Array, "*grid"]]:
        """Give the soft posterior as a NumPyro model, to sample or to build upon.

        Returns
        -------
        A model with the site ``z`` and a factor ``data NAME`` for each observation, which returns the field. The user's
        own model calls it once and adds other unknowns: for example, with ``field = model()``, a forward model of the
        field and a noise whose standard deviation is a site of its own. Observations with unknown noise or property
        belong in that model, not in the posterior. Gradients need the soft model,
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


def _honoured(
    prior: AbstractPrior, observations: tuple[AbstractObservation, ...]
) -> tuple[tuple[AbstractObservation, ...], Any]:
    """Leave certain facies to a prior that can be made to honour them, and give their cells as it keeps them."""
    able = [observation.honoured_by_prior(prior.honoured_margin) for observation in observations]
    cells = [np.asarray(one.cells) for one in able if one is not None]
    if not cells or (honoured := prior.honoured_cells(np.concatenate(cells))) is None:
        return observations, None
    pairs = zip(observations, able, strict=True)
    return tuple(one if other is None else other for one, other in pairs), honoured


def _check_target(target: str, prior: AbstractPrior) -> None:
    if target not in ("thresholded", "soft"):
        raise InputError(f"The target is '{target}'; expected 'thresholded' or 'soft'.")
    if target == "thresholded" and prior.facies_model is None:
        raise InputError("The prior has a continuous property, so there is nothing to threshold; use target 'soft'.")


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"Two observations are called '{name}'; give each its own name "
                "(a file's data are called after the file)."
            )


def _check_pytrees(parts: Sequence[Any]) -> None:
    """Refuse objects that are no pytrees, which cannot be arguments of compiled programs."""
    for part in parts:
        for leaf in jax.tree.leaves(part):
            if not isinstance(leaf, np.ndarray | np.generic | jax.Array | float | int):
                raise InputError(
                    f"A {type(leaf).__name__} cannot be an argument of compiled programs; decorate the class with "
                    "@latentinv.pytrees.pytree, and name the attributes that hold numbers."
                )

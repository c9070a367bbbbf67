"""An observation: the total of a field over the whole grid, with a Gaussian error."""

from typing import final

import jax.numpy as jnp
import numpy as np

from latentinv.data import OBSERVATIONS, AbstractObservation, GaussianNoise, GaussianView, Report
from latentinv.errors import InputError
from latentinv.pytrees import pytree, replace


@final
@OBSERVATIONS.register("toy_total")
@pytree("observed", "noise", words=("name",))
class Total(AbstractObservation):
    """One datum."""

    kind, fulfilled, linear, count = "toy_total", "totals within two sd", True, 1

    def __init__(self, grid, total, sd, name="total"):
        self.grid, self.name = grid, name
        self.observed, self.noise = np.array([total], float), GaussianNoise(sd)

    @property
    def gaussian_noise(self):
        return self.noise

    def check(self, prior, grid):
        if grid != self.grid:
            raise InputError(f"The total '{self.name}' is of another grid; give that of the posterior.")

    def predict(self, field, sharpness=1.0):
        return field.sum()[None]

    predict_exact = predict

    def tempered_log_likelihood(self, prediction, inverse_temperature):
        return jnp.minimum(inverse_temperature, 1.0) * self.exact_log_likelihood(prediction)

    def exact_log_likelihood(self, prediction):
        return self.noise.log_likelihood(jnp.asarray(self.observed, prediction.dtype) - prediction)

    def as_gaussian(self, facies_sd):
        return GaussianView(lambda _, soft: soft, jnp.asarray(self.observed), self.noise, surrogate=False)

    def with_data(self, data):
        return replace(self, observed=data)

    def simulate(self, key_noise, field, *, exact):
        return self.predict(field) + self.noise.simulate(key_noise, 1)

    def seen(self):
        return np.ones(self.grid.shape, bool)

    def marks(self):
        return ()

    def report(self, exact):
        error = abs(float(exact[0] - self.observed[0]))
        within = int(error <= 2 * float(self.noise.spread(1)[0]))
        return Report(self.name, f"{self.name}: off by {error:.3g}", within, 1, error)

    def misfits(self, exact):
        return []

    def to_arrays(self):
        return {"total": np.asarray(self.observed), "sd": np.asarray(self.noise.spread(1))}

    @classmethod
    def from_arrays(cls, name, arrays, grid, prior, *, forward=None):
        return cls(grid, float(arrays["total"][0]), float(arrays["sd"][0]), name)

"""Posterior predictive checks: whether the draws would have given data like those observed.

The noise of the data is added to what each draw predicts, as it was recorded. Of each datum the central 50, 80 and 95 %
of these numbers are compared with what was observed; of each data set the p-value is the share of draws whose simulated
data fit no better than the observed ones (`latentinv.calibration.PredictiveCheck`).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from latentinv.calibration import PredictiveCheck
from latentinv.data import AbstractNoise, AbstractObservation
from latentinv.html import Html, join, tag
from latentinv.keys import from_seed, named
from latentinv.plotting import draw_crossplot

from ._parts import Section, figure, note, paragraph, percent, side_by_side, wide
from ._subject import Subject, spread_over

MOST_DRAWS = 1000
LEVELS = (0.5, 0.8, 0.95)


def predictive(subject: Subject) -> Section:
    """Compare what was observed with what the draws would give."""
    title = "Would the draws have given these data?"
    observations = subject.run.posterior.observations
    if not observations or not subject.spread_counts:
        why = subject.without_spread() if observations else "The run has no data."
        return Section("predictive", title, note(why))
    rows, words, figures = [], [], []
    for observation in observations:
        exact = np.asarray(subject.run.predicted[observation.name], float)
        exact = exact[np.isfinite(exact).all(axis=1)]
        if observation.noise is None or not len(exact):
            words.append(_hard(observation, exact))
            continue
        exact = exact[spread_over(len(exact), MOST_DRAWS)]
        simulated = exact + _noise(observation.noise, observation, len(exact))
        rows.append([observation.name, str(observation.count), *_coverage(observation, simulated)])
        check = PredictiveCheck(observation.name, _p_value(observation, observation.noise, exact, simulated))
        words.append(check.sentence)
        figures.append(_picture(observation, simulated))
    parts = [paragraph(sentence) for sentence in words]
    if rows:
        head = ["data set", "data", *(f"inside {percent(level)}" for level in LEVELS)]
        parts.append(wide(rows, head, "Share of the data inside the central ranges of what the draws predict"))
        parts.append(
            paragraph(
                "About as many data as the range promises should lie inside, or somewhat more, as the draws were "
                "fitted "
                "to them. Far fewer mean that the noise is understated, or that the prior or the forward model is "
                "wrong."
            )
        )
    return Section("predictive", title, join([*parts, side_by_side(figures)]))


def _hard(observation: AbstractObservation, exact: Float[np.ndarray, "draw datum"]) -> str:
    """Observed facies beside how many of them should be right."""
    if observation.reliability is None or not len(exact):
        return f"The data '{observation.name}' are no measured numbers, so there is no range to compare them with."
    wrong = (1 - np.asarray(observation.reliability)) / 2
    honoured = exact.sum(axis=1)
    low, high = np.quantile(honoured, [0.025, 0.975])
    range_ = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
    found = f"the draws honour {range_} of {observation.count} (the central 95 % of the draws)"
    if not wrong.any():
        return f"The data '{observation.name}' are certain: {found}."
    expected = observation.count - float(wrong.sum())
    return f"Of the data '{observation.name}' about {expected:.1f} should be right by their error probability; {found}."


def _noise(noise: AbstractNoise, observation: AbstractObservation, draws: int) -> Float[np.ndarray, "draw datum"]:
    keys = jax.random.split(named(from_seed(0, "report"), observation.name), draws)
    return np.asarray(jax.jit(jax.vmap(lambda key: noise.simulate(key, observation.count)))(keys), float)


def _coverage(observation: AbstractObservation, simulated: Float[np.ndarray, "draw datum"]) -> list[str]:
    data = np.asarray(observation.observed, float)
    said = []
    for level in LEVELS:
        low, high = np.quantile(simulated, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        said.append(percent(float(np.mean((low <= data) & (data <= high)))))
    return said


def _p_value(
    observation: AbstractObservation,
    noise: AbstractNoise,
    exact: Float[np.ndarray, "draw datum"],
    simulated: Float[np.ndarray, "draw datum"],
) -> float:
    """Share of draws whose simulated data fit no better than the observed ones."""
    data = np.asarray(observation.observed, float)
    density = jax.jit(jax.vmap(noise.log_likelihood))
    observed, drawn = (
        np.asarray(density(jnp.asarray(residuals, jnp.float32))) for residuals in (data - exact, simulated - exact)
    )
    return float(np.mean((drawn < observed) + 0.5 * (drawn == observed)))


def _picture(observation: AbstractObservation, simulated: Float[np.ndarray, "draw datum"]) -> Html:
    data = np.asarray(observation.observed, float)
    low, middle, high = np.quantile(simulated, [0.025, 0.5, 0.975], axis=0)
    inside = int(np.sum((low <= data) & (data <= high)))
    words = f"{inside} of {observation.count} data of '{observation.name}' lie inside the central 95 %"
    caption = tag("span", f"{words} of what the draws predict, noise included; those outside are red.")
    return figure(
        draw_crossplot(data, low, middle, high, observation.unit), f"Predicted over observed: {words}.", caption
    )

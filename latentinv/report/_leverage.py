"""What each datum did to the map, for measured data with independent Gaussian noise."""

import jax.numpy as jnp
import numpy as np

from latentinv.data import AbstractObservation
from latentinv.decisions import leverage
from latentinv.html import Html, join

from ._parts import listed, note, paragraph, signed, wide
from ._subject import LEAST_DRAWS, Subject, spread_over

MOST_DRAWS = 1000
MOST_DATA = 200
"""Data of one set that are weighed."""
ROWS = 12


def leverage_of_data(subject: Subject) -> Html:
    """Say how the map would change without each datum."""
    if subject.number < LEAST_DRAWS:
        return note(f"Left out: {subject.number} draws are too few; at least {LEAST_DRAWS} are needed.")
    found, left_out = [], []
    for observation in subject.run.posterior.observations:
        why = _why_not(subject, observation)
        if why:
            left_out.append(f"{observation.name}: {why}")
        else:
            found.append(_table(subject, observation))
    if not subject.run.posterior.observations:
        return note("The run has no data.")
    words = paragraph(
        "How far the mean map would move, as the root mean square over all cells, if one datum were left out. The "
        "draws "
        "are weighted for it; where the shape k of the weights exceeds 0.7, the datum moved the draws so far that they "
        "cannot tell: run again without it."
    )
    rest = [paragraph("Left out: "), listed(left_out)] if left_out else []
    return join([*([words, *found] if found else []), *rest])


def _why_not(subject: Subject, observation: AbstractObservation) -> str:
    if observation.certain:
        return "certain wells are honoured by every draw, so the draws cannot tell where the map would be without them."
    if observation.noise is None or not _independent(observation):
        return "only data with independent Gaussian noise can be left out one by one."
    if observation.count > MOST_DATA:
        return f"{observation.count} data are too many for this page; see latentinv.decisions.leverage."
    if not np.isfinite(subject.run.predicted[observation.name]).all():
        return "the forward model failed for some draws."
    return ""


def _independent(observation: AbstractObservation) -> bool:
    """Whether whitening only divides by the standard deviation."""
    noise = observation.noise
    if noise is None or not noise.gaussian:
        return False
    spread = noise.spread(observation.count)
    probe = spread * np.cos(np.arange(observation.count))
    return bool(np.allclose(np.asarray(noise.whiten(jnp.asarray(probe, jnp.float32))), probe / spread, atol=1e-3))


def _trust(*, trusted: bool, known: bool) -> str:
    if not known:
        return "not known: the draws differ too little"
    return "yes" if trusted else "no: run again without it"


def _table(subject: Subject, observation: AbstractObservation) -> Html:
    assert observation.noise is not None
    run, model = subject.run, subject.model
    chosen = spread_over(subject.number, MOST_DRAWS)
    values = run.realizations[chosen]
    cells = values if model is None else values == subject.categories[-1]
    spread = observation.noise.spread(observation.count)
    weighed = leverage(cells, run.predicted[observation.name][chosen], np.asarray(observation.observed, float), spread)
    labels = observation.labels or tuple(f"datum {i + 1}" for i in range(observation.count))
    order = np.argsort(-weighed.moved, kind="stable")[:ROWS]
    rows = [
        [
            labels[i],
            signed(weighed.misfit[i]),
            f"{weighed.moved[i]:.3g}",
            "–" if np.isnan(weighed.shape[i]) else f"{weighed.shape[i]:.2f}",
            _trust(trusted=bool(weighed.trusted[i]), known=not np.isnan(weighed.shape[i])),
        ]
        for i in order
    ]
    what = "mean" if model is None else f"probability of {model.label(subject.categories[-1])}"
    head = ["datum", "misfit (sd)", f"the {what} moves by", "k", "can be trusted"]
    return wide(rows, head, f"{observation.name}: the data that moved the map most")

"""Maps of a run: what its draws say of each cell.

For facies the probability of each, the most probable one and the entropy of these probabilities in bits; for a
continuous property mean, standard deviation, and the values below which a tenth, half and nine tenths of the draws lie.
"""

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError
from latentinv.io.maps import Maps

from ._subject import RunLike


def run_maps(run: RunLike, *, realizations: bool = True) -> Maps:
    """Maps of a run, with its realizations or without.

    Raises
    ------
    InputError
        If the run has no draw.
    """
    draws, model = run.realizations, run.posterior.prior.facies_model
    if not len(draws):
        raise InputError("The run has no draw, so there is nothing to export; `latentinv show` says why.")
    if model is None:
        low, middle, high = np.quantile(draws, [0.1, 0.5, 0.9], axis=0).astype(np.float32)
        layers = {
            "mean": draws.mean(axis=0, dtype=float).astype(np.float32),
            "standard deviation": draws.std(axis=0, dtype=float).astype(np.float32),
            "P10": low,
            "P50": middle,
            "P90": high,
        }
    else:
        shares = np.stack([(draws == code).mean(axis=0) for code in model.categories])
        layers = {
            f"probability of {name}": share.astype(np.float32)
            for name, share in zip(model.names or model.categories, shares, strict=True)
        }
        layers["most probable facies"] = np.asarray(model.categories)[np.argmax(shares, axis=0)].astype(np.int32)
        layers["entropy"] = _entropy(shares).astype(np.float32)
    origin = {"algorithm": run.algorithm, "prior": run.posterior.prior.fingerprint(), "made_by": "latentinv"}
    names = {} if model is None else dict(zip(model.categories, model.names, strict=False))
    return Maps(run.posterior.grid, layers, draws if realizations else None, origin, names)


def _entropy(shares: Float[np.ndarray, "facies *grid"]) -> Float[np.ndarray, "*grid"]:
    return np.abs(np.sum(shares * np.log2(np.where(shares > 0, shares, 1.0)), axis=0))

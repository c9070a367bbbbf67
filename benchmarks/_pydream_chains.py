"""DREAM(ZS) chains by PyDREAM, which asks for likelihoods; run by `benchmarks.samplers` with PyDREAM's own Python.

``python _pydream_chains.py SOCKET LATENTS CHAINS ITERATIONS RESULT.npy`` samples N(0, I) times a likelihood. Each of
its processes sends a latent vector as float64 numbers over the local socket and gets the log-likelihood back, so that
the asker counts and computes all of them. Settings are PyDREAM's own but for the seeds of its archive. It writes
``[chain, iteration, latent]``, prints its version, and imports nothing of latentinv.
"""

import importlib.metadata
import os
import sys
from multiprocessing.connection import Client, Connection

import numpy as np
from pydream.core import run_dream
from pydream.parameters import SampledParam
from scipy.stats import norm

CONNECTIONS: dict[int, Connection] = {}
"""By process: chains are forked, and each needs its own."""


def log_likelihood(z: np.ndarray) -> float:
    """Ask for the log-likelihood of a latent vector."""
    process = os.getpid()
    if process not in CONNECTIONS:
        CONNECTIONS[process] = Client(sys.argv[1], "AF_UNIX")
    CONNECTIONS[process].send_bytes(np.asarray(z, np.float64).tobytes())
    return float(np.frombuffer(CONNECTIONS[process].recv_bytes(), np.float64)[0])


def main() -> None:
    """Sample, and write the chains."""
    latents, chains, iterations = (int(word) for word in sys.argv[2:5])
    prior = SampledParam(norm, loc=np.zeros(latents), scale=np.ones(latents))
    sampled, _ = run_dream(
        [prior],
        log_likelihood,
        nchains=chains,
        niterations=iterations,
        nseedchains=max(10 * latents, 2 * chains),
        verbose=False,
        save_history=False,
    )
    np.save(sys.argv[5], np.asarray(sampled))
    print(importlib.metadata.version("pydream"))


if __name__ == "__main__":
    main()

"""The posterior: prior and observations as one function of the latent vector."""

from ._batching import each as each
from ._batching import map_batched as map_batched
from ._posterior import Posterior as Posterior
from ._posterior import Predictions as Predictions
from ._posterior import Target as Target
from ._posterior import log_prior as log_prior

"""A model behind UM-Bridge as a simulator: whatever language it is written in, wherever it runs.

UM-Bridge (Seelinger et al. 2023, doi:10.21105/joss.04748) is a protocol for models that are served over HTTP. A server
offers models by name; each takes vectors and a configuration, and gives vectors, the gradient of a weighted sum of
these if it can, and more that is not needed here. The property becomes the only vector of the input, its cells in the
order of the array ``[row, column]`` (``[layer, row, column]``), columns fastest and row 0 in the south; the vectors of
the output become the data, one after the other.

Requests may be made from several threads, and servers behind a balancer (HyperQueue, Slurm) answer as many at once as
they have models. A server that reports an error, that is not there, or whose answer cannot be read has failed that
simulation. Cost of a call beside the model itself: the
property as text, some 20 ms of a processor for 10 000 cells with a server in Python.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
from jaxtyping import Float

from latentinv.errors import InputError

from ._simulator import SimulationFailure

LONGEST_ANSWER = 60
_Adjoint = Callable[[Float[np.ndarray, "*grid"], Float[np.ndarray, "datum"]], Float[np.ndarray, "*grid"]]


@final
class UMBridge:
    """A model of an UM-Bridge server as a simulator.

    Parameters
    ----------
    url
        Of the server or of its balancer, such as ``http://localhost:4242``.
    model
        The model's name there.
    config
        What the model is to be told besides the property: names and values that JSON has.
    identity
        A text that names the model's results in caches and run files; URL, name and configuration unless given. Give
        one if the address changes from one job to the next; in any case change it, or the cache, when the model
        changes.

    Raises
    ------
    InputError
        If the package ``umbridge`` is missing, no server answers, or it has no such model.
    """

    def __init__(
        self, url: str, model: str, config: Mapping[str, Any] | None = None, *, identity: str | None = None
    ) -> None:
        self.url, self.model, self.config = url.rstrip("/"), model, dict(config or {})
        try:
            told = json.dumps(self.config, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The config of the model '{model}' cannot be sent ({error}); give texts, numbers, lists and tables."
            ) from error
        self.identity = f"{self.url} {model} {told}" if identity is None else identity
        self._served = _served(self.url, model)
        self.input_sizes, self.output_sizes = self._sizes()

    @property
    def adjoint(self) -> _Adjoint | None:
        """The adjoint, if the server has gradients."""
        return self._pull_back if self._served.supports_gradient() else None

    def simulate(self, property: Float[np.ndarray, "*grid"]) -> Float[np.ndarray, "datum"]:
        """Evaluate the model.

        Raises
        ------
        SimulationFailure
            If the server reports an error, or does not answer.
        """
        return np.concatenate(self._asked(self._served, [property.ravel().tolist()], self.config))

    def describe(self) -> dict[str, str]:
        """What a run file keeps about it."""
        return {"server": self.url, "model": self.model, "config": json.dumps(self.config, sort_keys=True)}

    def states(self) -> str:
        """What is asked of which server, in words."""
        config = f" with {json.dumps(self.config)}" if self.config else ""
        return f"asks the model '{self.model}'{config} of {self.url}"

    def _pull_back(
        self, property: Float[np.ndarray, "*grid"], residual: Float[np.ndarray, "datum"]
    ) -> Float[np.ndarray, "*grid"]:
        """The gradient of ``residual · simulate(property)``, a sum over the vectors of the output."""
        parameters, total = [property.ravel().tolist()], np.zeros(property.size)
        parts = np.split(residual, np.cumsum(self.output_sizes)[:-1])
        for number, part in enumerate(parts):
            total += self._asked(self._served.gradient, number, 0, parameters, part.tolist(), self.config)
        return total.reshape(property.shape)

    def _sizes(self) -> tuple[list[int], list[int]]:
        """Lengths of the vectors that the model takes and gives."""
        try:
            return self._served.get_input_sizes(self.config), self._served.get_output_sizes(self.config)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"The server at {self.url} does not say what sizes the model '{self.model}' has with the config "
                f"{self.config} ({_said(error)}); look at what the server printed."
            ) from error

    def _asked(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """What the server answers."""
        from requests import ConnectionError, JSONDecodeError, RequestException

        try:
            return call(*arguments)
        except JSONDecodeError as error:
            answer = (error.doc.splitlines() or [""])[0][:LONGEST_ANSWER]  # an error's page, or "nan" among numbers
            raise SimulationFailure("no output", f"the answer of {self.url} is no JSON: '{answer}'") from error
        except ConnectionError as error:
            raise SimulationFailure("no output", f"no server answers at {self.url}") from error
        except RequestException as error:
            raise SimulationFailure("crashed", f"{self.url}: {_said(error)}") from error
        except Exception as error:  # which the client raises as such, for what the server reports
            raise SimulationFailure("crashed", str(error)) from error


def _served(url: str, model: str) -> Any:
    """The model of a server."""
    try:
        import umbridge
    except ImportError:
        needed = 'which is not installed: pip install "latentinv[umbridge]"'
        raise InputError(f"A server's model is asked through the package umbridge, {needed}.") from None
    if not url.startswith(("http://", "https://")):
        raise InputError(f"The url of the UM-Bridge server is '{url}'; expected one such as http://localhost:4242.")
    try:
        names = umbridge.supported_models(url)
        served = umbridge.HTTPModel(url, model) if model in names else None
    except (OSError, KeyError, TypeError, ValueError, RuntimeWarning) as error:
        raise InputError(
            f"No UM-Bridge server answers at {url} ({_said(error)}); start it first, or correct the url."
        ) from error
    if served is None:
        raise InputError(f"The server at {url} has no model '{model}'; expected one of {', '.join(names)}.")
    if not served.supports_evaluate():
        raise InputError(f"The model '{model}' of {url} cannot be evaluated; choose another one.")
    return served


def _said(error: Exception) -> str:
    """A short reason; what the client says of a connection that was refused is long."""
    return type(error).__name__ if len(str(error)) > 100 else f"{type(error).__name__}: {error}"

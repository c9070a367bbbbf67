"""Coarse fields of a refined prior by flow matching: block means flow from noise, so nothing has to be balanced."""

from typing import Any, final

from jaxtyping import Array, Float

from latentinv.networks import VelocityArchitecture
from latentinv.priors.learned import Calibration, FlowPrior

from ._coarse import COARSE, AbstractCoarse, coarse_recipe
from ._flow_matching import FlowLosses, FlowState, initial_flow, make_flow_step
from ._method import Task
from ._step import View


@final
@COARSE.register("flow")
class CoarseFlow(AbstractCoarse):
    """A velocity network on block means."""

    def __init__(self, task: Task) -> None:
        self._recipe = coarse_recipe(task.recipe)
        flow = self._recipe.flow
        self.architecture = VelocityArchitecture(task.image.facies.ndim, task.channels, flow.widths, flow.middle)
        self._step = make_flow_step(self._recipe, self.architecture)

    def initial_state(self) -> FlowState:
        """Random weights."""
        return initial_flow(self._recipe, self.architecture)._replace(best=None)

    def step(
        self, state: FlowState, means: Float[Array, "batch *blocks channel"], rate: Float[Array, ""], view: View
    ) -> tuple[FlowState, FlowLosses]:
        """A step of the network, which judges no cells."""
        del view
        return self._step(state, means, rate)

    def prior(self, parameters: Any, calibration: Calibration, provenance: dict[str, Any]) -> FlowPrior:
        """The network, to be taken in the recipe's number of steps."""
        return FlowPrior(
            self.architecture, parameters, calibration, steps=self._recipe.flow.steps, provenance=provenance
        )

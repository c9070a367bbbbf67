"""What facies are called on the page."""

from latentinv.priors import AbstractFaciesModel


def facies_label(model: AbstractFaciesModel, code: int) -> str:
    """What a facies is called: its code."""
    del model
    return f"facies {code}"

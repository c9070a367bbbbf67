"""Approximations of a posterior: Laplace, randomised maximum likelihood, variational and Stein methods."""

from ._laplace import Laplace as Laplace
from ._randomised_maximum_likelihood import RandomisedMaximumLikelihood as RandomisedMaximumLikelihood
from ._stein import SteinVariational as SteinVariational
from ._variational import Variational as Variational

"""Tests whether posteriors are right: studies with known truths, calibration, checks of data, evidence."""

from ._calibration import Calibration as Calibration
from ._calibration import Estimate as Estimate
from ._calibration import calibrate as calibrate
from ._evidence import EvidenceComparison as EvidenceComparison
from ._evidence import compare_evidence as compare_evidence
from ._expected_coverage import ExpectedCoverage as ExpectedCoverage
from ._expected_coverage import expected_coverage as expected_coverage
from ._predictive import PredictiveCheck as PredictiveCheck
from ._predictive import posterior_predictive_checks as posterior_predictive_checks
from ._scores import interval_coverage as interval_coverage
from ._scores import ranked_probability_score as ranked_probability_score
from ._simulation_based import RankTest as RankTest
from ._simulation_based import rank_test as rank_test
from ._study import Study as Study
from ._study_recipe import read_study as read_study

"""Reports of fields, in tests of observations."""


def reported(observation, field):
    """How well a field agrees with an observation, from its exact predictions."""
    return observation.report(observation.predict_exact(field))

"""`latentinv priors` lists what is shipped."""

from latentinv.priors import shipped_priors


def test_that_shipped_priors_are_listed_with_what_their_cards_say(latentinv):
    outcome = latentinv("priors")
    assert outcome.code == 0, outcome.err
    assert all(name in outcome.out for name in shipped_priors())
    assert "Meandering sand channels in clay" in outcome.out
    assert "no card: kept for comparison" in outcome.out

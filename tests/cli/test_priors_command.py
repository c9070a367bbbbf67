"""`latentinv priors` lists what is shipped."""

import json

from latentinv.priors import shipped_priors


def test_that_shipped_priors_are_listed_with_what_their_cards_say(latentinv):
    outcome = latentinv("priors")
    assert outcome.code == 0, outcome.err
    assert all(name in outcome.out for name in shipped_priors())
    listed = {each["name"]: each for each in json.loads(latentinv("priors", "--json").out)}
    assert listed["meanders"]["card"].startswith("Meandering sand channels in clay")
    assert listed["seed_sgan"]["card"] == "no card: kept for comparison, not for use"
    assert listed["meanders"]["names"] == ["clay", "sand"]

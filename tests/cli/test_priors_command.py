"""`latentinv priors` lists what is shipped."""

import json

from latentinv.priors import find_prior, shipped_priors


def test_that_shipped_priors_are_listed_with_what_their_cards_say(latentinv):
    outcome = latentinv("priors")
    assert outcome.code == 0, outcome.err
    assert all(name in outcome.out for name in shipped_priors())
    listed = {each["name"]: each for each in json.loads(latentinv("priors", "--json").out)}
    assert listed["meanders"]["card"].startswith("Meandering sand channels in clay")
    assert listed["seed_sgan"]["card"] == "no card: kept for comparison, not for use"
    assert listed["meanders"]["names"] == ["clay", "sand"]
    assert listed["meanders"]["family"] == "generator"


def test_that_a_sheet_of_each_is_drawn_and_no_file_is_replaced(latentinv, tmp_path, monkeypatch):
    monkeypatch.setattr("latentinv.priors.shipped_priors", lambda: {"meanders": find_prior("meanders")})
    outcome = latentinv("priors", "--pictures", str(tmp_path / "sheets"))
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "sheets" / "meanders.png").stat().st_size > 10_000
    again = latentinv("priors", "--pictures", str(tmp_path / "sheets"))
    assert again.code != 0
    assert "meanders.png" in again.err

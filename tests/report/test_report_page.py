"""The page about a run: whole, well-formed, self-contained, and honest about what it leaves out."""

import hashlib
import html.parser
import itertools
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from latentinv import Grid, InputError, StorageError, load_run
from latentinv.html import VOID, tag
from latentinv.plotting import views_of
from latentinv.priors import FaciesModel
from latentinv.report import _parts, _training_image, write_report
from latentinv.report._markdown import from_markdown
from latentinv.report._prior import _beside_image
from latentinv.report._training_image import _middle
from tests.report.conftest import HOSTILE

SECTIONS = (
    "short",
    "asked",
    "data",
    "realizations",
    "maps",
    "decisions",
    "predictive",
    "diagnosis",
    "prior",
    "provenance",
)
KINDS = ("facies", "rays", "continuous", "body", "best fits", "empty")


class Outline(html.parser.HTMLParser):
    """Elements and texts of a page; fails where an element is not closed or an id is used twice."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.ids, self.texts = [], [], set(), []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        attributes = dict(attributes)
        self.elements.append((name, attributes))
        if "id" in attributes:
            assert attributes["id"] not in self.ids
            self.ids.add(attributes["id"])
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.texts.append(data)

    def all(self, name):
        return [attributes for found, attributes in self.elements if found == name]

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(params=KINDS)
def page(request, pages):
    return pages[request.param]


def test_that_every_page_is_whole_and_accessible(page):
    outline = Outline(page.text)
    assert [one["id"] for one in outline.all("section")] == list(SECTIONS)
    assert outline.all("html") == [{"lang": "en"}]
    assert f"Report on {page.run.name}" in outline.texts
    levels = [int(name[1]) for name, _ in outline.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(len(image["alt"]) > 20 for image in outline.all("img"))
    assert all(header["scope"] in ("row", "col") for header in outline.all("th"))
    assert {link["href"].removeprefix("#") for link in outline.all("a")} <= outline.ids


def test_that_a_page_fetches_nothing(page):
    outline = Outline(page.text)
    for _, attributes in outline.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,"))
    assert not re.search(r"https?://|@import|url\(", page.text)
    assert any(one.get("content", "").startswith("default-src 'none'") for one in outline.all("meta"))
    assert len(page.text) < 8e6


def test_that_names_of_users_do_not_become_markup(pages):
    text = pages["facies"].text
    outline = Outline(text)
    assert text.count("<script") == 1
    assert HOSTILE not in text
    assert HOSTILE in outline.words
    assert "<b>" not in pages["empty"].text
    assert tag("p", "<", title='"') == '<p title="&quot;">&lt;</p>'


def test_that_wells_and_blocks_are_told_in_users_words(pages):
    words = Outline(pages["facies"].text).words
    run = load_run(pages["facies"].run)
    share = 100 * np.mean(run.predicted[HOSTILE][:, 0])
    assert f"{share:.0f} %" in words
    assert "wrong with probability 0 to 0.1" in words
    assert "10 rows × 12 columns, 120 cells: a map, x east and y north" in words
    assert "120 m × 100 m: x 500–620 m, y 200–300 m" in words
    assert "well 1 and well 2" in words
    assert "can be trusted" in words
    assert "Best place (diamond)" in words
    assert "inside 95 %" in words


def test_that_quantiles_of_the_share_are_those_of_the_draws(pages):
    words = Outline(pages["facies"].text).words
    shares = 100 * np.mean(load_run(pages["facies"].run).realizations == 1, axis=(1, 2))
    low, middle, high = np.quantile(shares, [0.1, 0.5, 0.9])
    assert f"fills {middle:.1f} % of the grid (P10 {low:.1f} %, P90 {high:.1f} %)" in words


def test_that_measured_data_are_shown_in_their_unit_and_an_approximation_says_so(pages):
    words = Outline(pages["rays"].text).words
    assert "observed (ns)" in words
    assert "sd 15 ns, stated" in words
    assert "end of a ray" in words
    assert "a vertical section along x, z is a depth" in words
    assert "The algorithm approximates the posterior" in words


def test_that_a_continuous_property_has_quantiles_and_no_facies(pages):
    words = Outline(pages["continuous"].text).words
    assert "mean of the property over the grid" in words
    assert {"P10", "P50", "P90", "Standard deviation"} <= set(Outline(pages["continuous"].text).texts)
    assert "the prior is of a continuous property" in words
    assert "The algorithm approximates" not in words  # it is exact here


def test_that_three_dimensions_are_shown_in_three_planes(pages):
    outline = Outline(pages["body"].text)
    assert "layer 2 of 4, z 3 m" in outline.words
    assert "section 3 of 6 along y, y 25 m" in outline.words
    assert "section 3 of 8 along x, x 25 m" in outline.words
    assert "4 draws are too few" in outline.words


def test_that_best_fits_are_not_taken_for_draws(pages):
    words = Outline(pages["best fits"].text).words
    assert "These are best fits, found from different starts, and not draws of the posterior." in words
    assert words.count("Left out: these are best fits") == 3
    assert "One start failed." in words


def test_that_data_that_could_not_be_met_are_named(pages):
    words = Outline(pages["empty"].text).words
    assert "No field was found that meets the data." in words
    assert "well 1 <b>: honoured in 0 %" in words


def test_that_the_program_on_the_page_repeats_the_run(pages, monkeypatch):
    page = pages["continuous"]
    monkeypatch.chdir(page.run.parent)
    code = next(text for text in Outline(page.text).texts if text.startswith("from latentinv import load_run"))
    exec(code, {})
    again = load_run(f"{page.run.stem}-again.h5")
    np.testing.assert_array_equal(again.latents, load_run(page.run).latents)
    (page.run.parent / f"{page.run.stem}-again.h5").unlink()


def test_that_a_page_is_not_replaced_and_another_prior_is_refused(pages, tmp_path):
    page = pages["facies"]
    with pytest.raises(StorageError, match="exists already"):
        write_report(page.run, page.file)
    with pytest.raises(InputError, match="is not the prior that the run was made with"):
        write_report(page.run, tmp_path / "other.html", prior="meanders")
    assert not (tmp_path / "other.html").exists()


def test_that_the_card_of_the_same_prior_beside_the_run_is_shown(pages, tmp_path):
    run = load_run(pages["facies"].run)
    shutil.copy(pages["facies"].run, tmp_path / "run.h5")
    run.posterior.prior.save(tmp_path / "delta.h5")
    (tmp_path / "delta.md").write_text("Its verdict is here.")
    (tmp_path / "broken.h5").write_bytes(b"no file of ours")
    write_report(tmp_path / "run.h5", tmp_path / "run.html")
    assert "Its verdict is here." in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_that_a_part_of_the_training_image_is_shown_where_the_image_is_the_same(tmp_path, monkeypatch):
    image = np.repeat(np.repeat(np.arange(30).reshape(5, 6) % 2, 4, axis=0), 4, axis=1).astype(np.uint8)
    np.save(tmp_path / "delta.npy", image)
    provenance = {"recipe": '[image]\nfile = "delta.npy"\n', "image": "delta", "image_shape": [20, 24]}
    provenance["image_sha256"] = hashlib.sha256(image.tobytes()).hexdigest()
    found = _middle(provenance, (10, 12), tmp_path)
    np.testing.assert_array_equal(found, image[5:15, 6:18])
    np.testing.assert_array_equal(_middle(provenance, (30, 12), tmp_path), image[:, 6:18])

    posterior = SimpleNamespace(prior=SimpleNamespace(provenance=provenance), grid=Grid((10, 12)))
    subject = SimpleNamespace(
        run=SimpleNamespace(posterior=posterior),
        path=tmp_path / "run.h5",
        model=FaciesModel((0, 1), (0.0,)),
        categories=(0, 1),
    )
    monkeypatch.setattr(_training_image, "content_of", lambda subject, field: "facies")
    shown, name = _training_image.training_image_part(subject, None, None)
    assert name == "delta"
    assert "Part of the training image delta" in shown
    assert shown.count("<img") == 1

    others = [{"image_sha256": "0" * 64}, {"recipe": '[image]\nfile = "../delta.npy"\n'}, {"recipe": "no TOML ["}]
    assert [_middle(provenance | other, (10, 12), tmp_path) for other in others] == [None] * 3
    assert _middle(provenance, (4, 10, 12), tmp_path) is None
    np.save(tmp_path / "delta.npy", 1 - image)
    assert _middle(provenance, (10, 12), tmp_path) is None


def test_that_wide_tables_become_cards_whose_cells_say_what_they_are():
    rows = [["block 1 (x 500–540 m, y 200–240 m)", "0.4 ± 0.1", "+1.00"]]
    wide = _parts.wide(rows, ["datum", "observed", "residual (sd)"], "blocks")
    assert 'class="wide cards"' in wide
    assert '<td data-label="observed">' in wide
    assert 'class="wide"' in _parts.wide([["well 1", "15 %"]], ["", "facies 0"], "connection")


def test_that_a_card_becomes_html_and_nothing_else():
    card = "# A `name`\n\nText **strong**\nand <img src=x>.\n\n| | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n\n"
    card += "## More\nend"
    found = from_markdown(card)
    Outline(f"<div>{found}</div>")
    assert "<h4>A <code>name</code></h4><p>Text <strong>strong</strong> and &lt;img src=x&gt;.</p>" in found
    assert '<tr><th scope="row">1</th><td data-label="b">2</td></tr>' in found
    assert "<ul><li>one</li><li>two</li></ul><h5>More</h5><p>end</p>" in found


def test_that_sections_go_through_the_cells_that_were_seen():
    grid = Grid((4, 6, 8), 2.0, rotation=30.0)
    views = views_of(grid, np.array([[1, 2, 2], [2, 2, 5], [1, 4, 5]]))
    assert [view.layer for view in views] == [1, 2, 5]
    field = np.arange(4 * 6 * 8).reshape(4, 6, 8)
    np.testing.assert_array_equal(views[1].plane(field), field[:, 2])
    np.testing.assert_array_equal(views[2].plane(field), field[:, :, 5])
    places = grid.centres(np.array([[0, 2, 7], [0, 3, 7], [0, 0, 5]]))
    assert views[1].shows(places, places).tolist() == [True, False, False]
    assert views[2].shows(places, places).tolist() == [False, False, True]


def test_that_the_sheet_of_a_training_is_shown_where_it_lies_beside_the_prior(tmp_path):
    prior = tmp_path / "delta.h5"
    assert _beside_image(None) == _beside_image(prior) == []
    Image.new("L", (7, 5)).save(tmp_path / "delta.samples.png")
    heading, picture = map(str, _beside_image(prior))
    assert "Beside its training image" in heading
    assert 'width="3"' in picture  # half of it, for screens of twice the density
    (tmp_path / "delta.samples.png").write_bytes(b"<svg onload=alert(1)>")
    assert _beside_image(prior) == []

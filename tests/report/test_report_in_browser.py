"""The page in a browser, where Chromium is installed: it fits a telephone and a desk, and axe finds no fault.

axe-core is looked for where the environment variable LATENTINV_AXE says (axe.min.js of the npm package axe-core).
"""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
WIDTHS = (390, 1280)
MEASURE = """
<script>onload = () => {
  const widths = [...document.querySelectorAll("iframe")].map((one) => one.contentDocument.documentElement.scrollWidth);
  document.body.dataset.found = JSON.stringify(widths);
};</script>"""
CHECK = """
<script>axe.run().then((found) => {
  const faults = found.violations.map((one) => one.id + ": " + one.nodes[0].html.slice(0, 120));
  document.body.dataset.found = JSON.stringify(faults);
});</script>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def browse(folder, page, *settings):
    """What the browser says of a page."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [CHROMIUM, *QUIET, profile, *settings, file.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def found(folder, page):
    """What the page's script left."""
    said = browse(folder, page, "--virtual-time-budget=20000", "--dump-dom")
    return json.loads(html.unescape(re.search(r'data-found="([^"]*)"', said)[1]))


def test_that_a_page_fits_a_telephone_and_a_desk(pages, tmp_path):
    frames = "".join(
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(pages["facies"].text)}"></iframe>'
        for width in WIDTHS
    )
    assert found(tmp_path, f"<!doctype html><body>{frames}{MEASURE}</body>") == list(WIDTHS)
    picture = tmp_path / "page.png"
    browse(tmp_path, f"<!doctype html><body>{frames}</body>", f"--screenshot={picture}", "--window-size=1800,950")
    with Image.open(picture) as image:
        assert np.std(np.asarray(image.convert("L"))) > 5


@pytest.mark.skipif("LATENTINV_AXE" not in os.environ, reason="LATENTINV_AXE does not name axe.min.js")
@pytest.mark.parametrize("kind", ["facies", "body"])
def test_that_axe_finds_no_fault(pages, tmp_path, kind):
    axe = Path(os.environ["LATENTINV_AXE"]).read_text(encoding="utf-8")
    text = re.sub("<meta http-equiv[^>]*>", "", pages[kind].text)
    assert found(tmp_path, text.replace("</body>", f"<script>{axe}</script>{CHECK}</body>")) == []

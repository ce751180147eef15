"""The documentation as a site: it builds without a warning, and nothing in it loads from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
import yaml
from PIL import Image

ROOT: Final = Path(__file__).parents[2]
LOADS: Final = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
}
"""Elements that a browser fetches something for, and the attribute that says what."""
JUST_NAMED: Final = {"canonical", "prev", "next"}
"""Kinds of link elements that nothing is fetched for."""


class Loads(HTMLParser):
    """Gathers what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(LOADS.get(tag, ""))
        if address and given.get("rel") not in JUST_NAMED:
            self.addresses.append(address)


def is_foreign(address: str) -> bool:
    return address.startswith(("http:", "https:", "//"))


def loaded_by(html: str) -> list[str]:
    parser = Loads()
    parser.feed(html)
    return parser.addresses


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; no proxy and no name server could be reached through this environment."""
    pytest.importorskip("mkdocs", reason='pip install "edge-sensor-twin[docs]"')
    out = tmp_path_factory.mktemp("docs") / "site"
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_is_built_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= len(list((ROOT / "docs").rglob("*.md")))
    found = {page: loaded_by(page.read_text(encoding="utf-8")) for page in pages}
    assert sum(map(len, found.values())) > len(pages)
    assert [(page.name, one) for page, all_of in found.items() for one in all_of if is_foreign(one)] == []


def test_styles_load_nothing_from_elsewhere(site: Path) -> None:
    styles = [path.read_text(encoding="utf-8").replace('"', "").replace("'", "") for path in site.rglob("*.css")]
    assert styles
    foreign = ("url(http", "url(//", "@import http", "@import url(http")
    assert [mark for style in styles for mark in foreign if mark in style] == []


def test_a_script_from_elsewhere_would_be_found() -> None:
    addresses = loaded_by('<script src="https://cdn.example/x.js"></script><a href="https://example.org">x</a>')
    assert [one for one in addresses if is_foreign(one)] == ["https://cdn.example/x.js"]


def test_every_page_is_in_the_navigation() -> None:
    class Loader(yaml.SafeLoader):
        """Reads mkdocs.yml, whose tags name functions of Python, without them."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    read = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe loader
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert set(leaves(read["nav"])) == pages


def leaves(entry: object) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    children = entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ()
    return [leaf for child in children for leaf in leaves(child)]


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").rglob("*.png")), ids=lambda path: path.name)
def test_pictures_show_something(picture: Path) -> None:
    with Image.open(picture) as image:
        assert image.width >= 400
        assert len(set(image.convert("L").resize((64, 64)).tobytes())) > 8

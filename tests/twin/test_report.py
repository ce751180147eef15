"""The report: one file, the same bytes each time, and nothing important left out."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest

from twin.key_figures import caveats, verdict
from twin.report import report_html

if TYPE_CHECKING:
    from twin.prediction import Prediction

HOSTILE = "<script>alert(1)</script> & \"quotes\" 'too'"
LOADING = {"src", "href", "action", "data", "poster", "srcset", "background"}


class Reader(HTMLParser):
    """Collects tags, what they would load, and the text that is shown."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[tuple[str, str | None]] = []
        self.scripts = 0
        self.styles: list[str] = []
        self.shown: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.scripts += tag == "script"
        self.loads += [(tag, value) for name, value in attrs if name in LOADING]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the name is given by HTMLParser
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.styles.append(data)
        elif self._inside != "script":
            self.shown.append(data)

    @property
    def text(self) -> str:
        return unescape(" ".join(" ".join(self.shown).split()))


@pytest.fixture(scope="module")
def html(prediction: Prediction) -> bytes:
    return report_html(prediction)


@pytest.fixture(scope="module")
def reader(html: bytes) -> Reader:
    return Reader(html.decode())


def with_frugal_sensor(prediction: Prediction) -> Prediction:
    """Return the prediction as if the sensor drew next to nothing."""
    budget = prediction.budget
    frugal = replace(budget, powers_w={**budget.powers_w, "sensor": 1e-9}, sensor_share=1e-6, sensor_a=1e-9)
    return replace(prediction, budget=frugal)


def test_nothing_is_loaded(reader: Reader) -> None:
    """No element refers to another file or address, and the style sheet fetches nothing."""
    assert reader.loads == []
    assert reader.styles
    assert not re.search(r"@import|url\(", " ".join(reader.styles))


def test_plotly_is_inside_once(html: bytes) -> None:
    """The figures' library is in the file, once."""
    assert html.count(b"plotly.js v") == 1
    assert len(html) < 8_000_000


def test_every_figure_is_there(html: bytes) -> None:
    """Each figure has its element, under a name that does not change."""
    names = re.findall(rb'<div id="figure-(\w+)"', html)
    assert names == [b"counts", b"power", b"life", b"confusion", b"plan", b"frames", b"period", b"latency"]


def test_same_prediction_same_bytes(prediction: Prediction, html: bytes) -> None:
    """A report has neither time stamp nor random name."""
    assert report_html(prediction) == html


def test_text_of_users_is_escaped(prediction: Prediction, reader: Reader) -> None:
    """What a user's files say is shown as text and never becomes an element."""
    node = replace(
        prediction.node,
        name=HOSTILE,
        config=prediction.node.config.model_copy(update={"title": HOSTILE}),
    )
    scenario = prediction.scenario.model_copy(update={"name": HOSTILE, "description": HOSTILE})
    hostile = Reader(report_html(replace(prediction, node=node, scenario=scenario)).decode())
    assert hostile.scripts == reader.scripts
    assert hostile.text.count(HOSTILE) >= 4


def test_warning_when_the_sensor_dominates(reader: Reader, html: bytes) -> None:
    """A sensor that takes most of the current gets a box of its own, above all figures."""
    assert b'class="warning"' in html
    assert "The sensor, not the network, decides the battery life" in reader.text
    assert html.index(b'class="warning"') < html.index(b'id="figure-')


def test_no_warning_when_it_does_not(prediction: Prediction) -> None:
    """A frugal sensor is not warned of, and another consumer decides the battery life."""
    frugal = with_frugal_sensor(prediction)
    assert b'class="warning"' not in report_html(frugal)
    assert "the sensor with its regulator decides" not in verdict(frugal)
    assert "MCU" in verdict(frugal)


def test_assumed_values_are_listed(prediction: Prediction, reader: Reader) -> None:
    """Every value that is only assumed is named."""
    assumed = prediction.as_result()["provenance"]["assumed"]
    assert assumed
    assert [key for key in assumed if key not in reader.text] == []


def test_provenance_is_stated(prediction: Prediction, reader: Reader) -> None:
    """Network, firmware, compiler and seed can be read off the report."""
    provenance = prediction.as_result()["provenance"]
    for key in ("network_sha256", "firmware_sha256", "compiler", "backend", "level"):
        assert provenance[key] in reader.text
    assert f"seed {prediction.seed}" in reader.text


def test_firmware_problems_are_shown(prediction: Prediction) -> None:
    """What the hardware would not honour is said in a warning box."""
    trace = replace(prediction.trace, problems=("I2C1 TIMINGR <written> while enabled",))
    text = Reader(report_html(replace(prediction, trace=trace)).decode()).text
    assert "I2C1 TIMINGR <written> while enabled" in text


def test_counts_that_never_occurred_are_named(prediction: Prediction) -> None:
    """A run in which nobody was in view says that nothing is known of one, two and three people."""
    empty = replace(prediction, recording=replace(prediction.recording, count=np.zeros_like(prediction.count)))
    assert "never 1 or 2 or 3 people" in " ".join(caveats(empty))


def test_unanswered_frames_are_counted(prediction: Prediction) -> None:
    """Frames without an answer are said to be wrong."""
    count = prediction.count.copy()
    count[:3] = -1
    silent = replace(prediction, trace=replace(prediction.trace, count=count))
    assert f"3 of {len(count)} frames got no answer" in " ".join(caveats(silent))

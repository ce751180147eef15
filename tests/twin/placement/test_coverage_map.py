"""Coverage as a map and as a table."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from scenarios.room import load_scenario
from twin.placement.coverage import Coverage, coverage
from twin.placement.coverage_csv import coverage_csv
from twin.placement.coverage_map import coverage_map
from twin.placement.hanging import load_hung_node


@pytest.fixture(scope="module")
def found() -> Coverage:
    node = load_hung_node("ceiling_counter@2,2.5,2.7")
    return coverage(load_scenario("office_doorway"), [node], step_m=0.5, people=8, postures=("standing",))


def test_the_map_tells_shares_and_intervals_where_they_are(found: Coverage) -> None:
    """Each cell holds its spot's share with both ends of its interval; where nobody can be there is none."""
    heat = next(trace for trace in coverage_map(found).data if trace.type == "heatmap")
    shown = np.asarray(heat.z)
    assert shown.shape == found.spots.shape
    assert np.isfinite(shown).sum() == len(found.spots)
    column, row = (found.spots.position_m[0] / 0.5).astype(int)
    assert shown[row, column] == pytest.approx(found.share()[0])
    low, high = found.interval()
    assert np.asarray(heat.customdata)[row, column] == pytest.approx([low[0], high[0]])
    assert (heat.x[column], heat.y[row]) == pytest.approx(tuple(found.spots.position_m[0]))


def test_blind_zones_are_outlined_on_the_map_of_detection(found: Coverage) -> None:
    """The map of people counted right has no blind zones."""
    assert any("blind" in (trace.name or "") for trace in coverage_map(found).data)
    assert not any("blind" in (trace.name or "") for trace in coverage_map(found, "right").data)


def test_the_table_has_a_row_for_each_spot(found: Coverage) -> None:
    """Shares, and both ends of their intervals, by posture and over all."""
    rows = list(csv.DictReader(io.StringIO(coverage_csv(found).decode())))
    assert len(rows) == len(found.spots)
    for row, share in zip(rows, found.share(), strict=True):
        assert float(row["detected_all_low"]) <= float(row["detected_all"]) <= float(row["detected_all_high"])
        assert float(row["detected_standing"]) == pytest.approx(share, abs=1e-3)

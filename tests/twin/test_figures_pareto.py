"""Alternatives that no other beats."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twin.figures_pareto import Alternative, pareto_figure, unbeaten

FIGURES = st.integers(0, 5).map(float)
ALTERNATIVES = st.lists(st.builds(Alternative, st.sampled_from("abc"), FIGURES, FIGURES), max_size=12)


@given(ALTERNATIVES, st.booleans(), st.booleans())
def test_nobody_beats_the_unbeaten_and_somebody_all_others(
    alternatives: list[Alternative],
    more_x_is_better: bool,  # noqa: FBT001
    more_y_is_better: bool,  # noqa: FBT001
) -> None:
    """Of every alternative left out there is one at least as good in both; among those kept there is none."""

    def better(one: Alternative, other: Alternative) -> bool:
        across, upwards = (1 if more else -1 for more in (more_x_is_better, more_y_is_better))
        return across * one.x >= across * other.x and upwards * one.y >= upwards * other.y

    kept = unbeaten(alternatives, more_x_is_better=more_x_is_better, more_y_is_better=more_y_is_better)
    assert all(any(better(one, other) for one in kept) for other in alternatives)
    assert not any(better(one, other) for one in kept for other in kept if one is not other)


def test_the_line_goes_through_the_unbeaten() -> None:
    """Cheap and good ones are joined from left to right; the others are points beside them."""
    points = [Alternative("dear", 3, 0.9), Alternative("cheap", 1, 0.5), Alternative("poor", 2, 0.4)]
    others, best = pareto_figure(points, x_title="cost", y_title="accuracy", more_x_is_better=False).data
    assert list(best.text) == ["cheap", "dear"]
    assert list(others.text) == ["poor"]

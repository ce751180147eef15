"""The arena holds every buffer while it is needed, and little more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcu_models.compiler.arena import Buffer, plan_arena

LIVES = st.lists(
    st.tuples(st.integers(1, 500), st.integers(0, 8), st.integers(0, 3)).map(
        lambda life: (life[0], life[1], life[1] + life[2])
    ),
    max_size=12,
)


@given(LIVES)
def test_buffers_needed_together_never_overlap(lives: list[tuple[int, int, int]]) -> None:
    """Every buffer lies within the arena, at a word, apart from those it meets."""
    buffers = [Buffer(f"b{i}", *life) for i, life in enumerate(lives)]
    plan = plan_arena(buffers)
    assert plan.size_bytes >= plan.lower_bound_bytes
    for buffer in buffers:
        start = plan.offsets_bytes[buffer.name]
        assert start % 4 == 0
        assert start + buffer.size_bytes <= plan.size_bytes
        for other in buffers:
            if other is not buffer and buffer.meets(other):
                place = plan.offsets_bytes[other.name]
                assert start + buffer.size_bytes <= place or place + other.size_bytes <= start


def test_a_chain_reuses_what_is_free() -> None:
    """Of three buffers in a row, the third takes the first one's place."""
    plan = plan_arena([Buffer("a", 100, 0, 1), Buffer("b", 40, 1, 2), Buffer("c", 60, 2, 3)])
    assert plan.size_bytes == plan.lower_bound_bytes == 140
    assert plan.offsets_bytes == {"a": 0, "c": 0, "b": 100}


def test_a_plan_is_found_that_the_largest_first_would_miss() -> None:
    """Placed by size alone, these six would take 60 bytes: one lies above a hole that no other fills."""
    lives = [(24, 4, 4), (20, 2, 3), (24, 1, 1), (4, 4, 4), (24, 1, 2), (12, 2, 3)]
    plan = plan_arena([Buffer(f"b{i}", *life) for i, life in enumerate(lives)])
    assert plan.size_bytes == plan.lower_bound_bytes == 56


@given(LIVES)
def test_the_same_buffers_get_the_same_plan(lives: list[tuple[int, int, int]]) -> None:
    buffers = [Buffer(f"b{i}", *life) for i, life in enumerate(lives)]
    assert plan_arena(buffers) == plan_arena(buffers)


def test_a_thousand_buffers_are_placed() -> None:
    plan = plan_arena([Buffer(f"b{i}", 100 + i % 7, i, i + 3) for i in range(1000)])
    assert plan.lower_bound_bytes <= plan.size_bytes <= 2 * plan.lower_bound_bytes


def test_no_buffers_take_no_memory() -> None:
    assert plan_arena([]).size_bytes == 0

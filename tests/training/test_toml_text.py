"""Tables written as TOML are read back as they were."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from training.toml_text import array_of_tables

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(st.floats(allow_nan=False)),
)


@given(st.lists(st.dictionaries(st.sampled_from(["name", "left_out", "scale_k"]), VALUES), min_size=1))
def test_rows_survive_writing_and_reading(rows: list[dict[str, str | int | float | list[float]]]) -> None:
    assert tomllib.loads(array_of_tables("network", rows)) == {"network": rows}


def test_quotes_backslashes_lines_and_delete_are_escaped() -> None:
    said = array_of_tables("network", [{"command": 'say "a\\b"\n\x7f\x00é'}])
    assert said.count("\n") == 2
    assert tomllib.loads(said)["network"][0]["command"] == 'say "a\\b"\n\x7f\x00é'

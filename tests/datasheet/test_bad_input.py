"""What is said of bad input arrives whole, from wherever it comes."""

from __future__ import annotations

import pickle
from pathlib import Path

from datasheet.bad_input import BadInputError


class NarrowerError(BadInputError):
    """Bad input of one kind."""


def test_bad_input_in_another_process_says_the_same_here() -> None:
    said = NarrowerError(Path("room.toml"), "width_m", -3.0, "must be above 0")
    heard = pickle.loads(pickle.dumps(said))  # noqa: S301 - our own bytes
    assert type(heard) is NarrowerError
    assert str(heard) == str(said) == "room.toml: width_m is -3.0; must be above 0"
    assert (heard.source, heard.key, heard.value, heard.allowed) == ("room.toml", "width_m", -3.0, "must be above 0")

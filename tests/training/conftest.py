"""`training` is not installed with the twin; its tests find it in the project's folder.

Where TensorFlow is there, it computes in one thread from the first test on, as in training.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Set what TensorFlow takes only before it has computed anything; the bytes of networks depend on it."""
    if importlib.util.find_spec("tensorflow") is not None:
        from training.fitting import be_repeatable  # noqa: PLC0415 - needs tensorflow

        be_repeatable(1)

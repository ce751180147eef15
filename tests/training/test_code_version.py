"""The digest of the code follows imports, and changes with what they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training import code_version
from training.code_version import code_digest, imported_modules

if TYPE_CHECKING:
    import pytest


def test_what_trains_and_prepares_is_in_the_digest_and_what_reports_is_not() -> None:
    found = imported_modules("training.study")
    # Some are imported by functions only, since they need TensorFlow.
    assert {"training.study", "training.windows", "training.fitting", "training.fake_quant"} <= found
    assert {"training.int8_network", "training.fused_lstm"} <= found
    assert {"mcu_models.compiler.hold_zero", "mcu_models.compiler.vote"} <= found
    assert not found & {"training.people_counting", "training.quantisation_table"}


def test_another_source_behind_an_import_gives_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest.__wrapped__("training.study")
    assert code_digest.__wrapped__("training.study") == before
    whole = code_version.source_of
    monkeypatch.setattr(
        code_version, "source_of", lambda name: whole(name) + "\n" * (name == "mcu_models.compiler.hold_zero")
    )
    assert code_digest.__wrapped__("training.study") != before

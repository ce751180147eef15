"""The validation page says what the benchmarks have printed, and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validation_page", ROOT / "benchmarks" / "validation_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its own module up.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "validation_page", module)
        spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_kept_runs_make(script: Any) -> None:
    assert script.PAGE.read_text(encoding="utf-8") == script.page()


def test_every_run_is_of_the_command_that_its_check_names(script: Any) -> None:
    checks = script.read_checks()["check"]
    assert {path.stem for path in script.RUNS.glob("*.json")} == {check["name"] for check in checks}
    for check in checks:
        assert script.read_run(check["name"]).command == " ".join(check["command"])
        assert (ROOT / check["command"][1]).is_file() or check["command"][0] == "twin"


def test_no_path_of_a_user_is_kept(script: Any) -> None:
    kept = "".join(path.read_text(encoding="utf-8") for path in script.RUNS.glob("*.json"))
    assert [part for part in ("/home/", "/tmp/", "/work/", str(Path.home())) if part in kept] == []  # noqa: S108


def test_a_figure_that_is_no_longer_printed_is_an_error(script: Any) -> None:
    run = script.Run("twin", "2026-01-01", "x86_64", ("accuracy 90 %",))
    assert run.figure(r"^accuracy (\d+) %$") == "90"
    with pytest.raises(LookupError, match="no line"):
        run.figure("^latency (.*)$")

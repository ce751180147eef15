"""In the leg of CI that has every tool, a test skipped for want of a tool has failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

TOOL_HINTS = ("apt", "pip install")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a missing tool into a failure when TWIN_REQUIRE_TOOLS is set."""
    report = yield
    if (
        report.skipped
        and os.environ.get("TWIN_REQUIRE_TOOLS")
        and any(hint in str(report.longrepr) for hint in TOOL_HINTS)
    ):
        report.outcome = "failed"
        report.longrepr = f"a tool is missing: {report.longrepr}"
    return report

"""The example projects, run by the commands of their own CI files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/pytest.ini"))
PINNED = re.compile(r"^[\w-]+/[\w.-]+@[0-9a-f]{40}$")
ACTION = yaml.safe_load((ROOT / "action" / "action.yml").read_text(encoding="utf-8"))


def gitlab(example: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "examples" / example / ".gitlab-ci.yml").read_text(encoding="utf-8")))


def github(example: str) -> list[dict[str, Any]]:
    path = ROOT / "examples" / example / ".github" / "workflows" / "firmware.yml"
    return list(yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["test"]["steps"])


def test_there_are_three() -> None:
    assert EXAMPLES == ["elf_only", "generated_counter", "own_driver"]


@pytest.mark.toolchain("arm-none-eabi-gcc")
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_passes_with_the_commands_of_its_ci(example: str, tmp_path: Path) -> None:
    job = gitlab(example)["firmware"]
    if "gcc-arm-none-eabi" in str(job["before_script"]) and not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("needs arm-none-eabi-gcc: apt-get install gcc-arm-none-eabi cmake")
    folder = tmp_path / example
    ignored = shutil.ignore_patterns("build", "generated", "twin-artefacts", "__pycache__", ".*_cache")
    shutil.copytree(ROOT / "examples" / example, folder, ignore=ignored)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"PATH": path, "OMP_NUM_THREADS": "1", "TWIN_REQUIRE_TOOLS": ""}
    for command in job["script"]:
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    for report in job["artifacts"]["paths"]:
        if report.endswith((".xml", ".md")):
            assert (folder / report).stat().st_size > 0


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_ci_files_run_the_same(example: str) -> None:
    used = next(step for step in github(example) if "action@" in step.get("uses", ""))
    assert used["with"]["run"].splitlines() == gitlab(example)["firmware"]["script"]
    assert set(used["with"]) <= set(ACTION["inputs"])


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-actions", "action/action.yml"),
        ("vendor.github-workflows", "examples/*/.github/workflows/*.yml"),
        ("vendor.gitlab-ci", "examples/*/.gitlab-ci.yml"),
    ],
)
def test_ci_files_are_what_their_services_read(schema: str, pattern: str) -> None:
    """By the schemas that come with the checker: nothing is fetched."""
    files = sorted(str(path) for path in ROOT.glob(pattern))
    transform = ["--data-transform", "gitlab-ci"] if schema.endswith("gitlab-ci") else []
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *transform, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert files
    assert done.returncode == 0, done.stdout + done.stderr


def test_whatever_else_is_used_is_pinned_to_a_commit() -> None:
    steps = [*ACTION["runs"]["steps"], *(step for example in EXAMPLES for step in github(example))]
    foreign = [step["uses"] for step in steps if "uses" in step and "edge-sensor-twin" not in step["uses"]]
    assert len(foreign) >= 6
    assert [use for use in foreign if not PINNED.match(use)] == []


def test_what_the_action_is_given_never_becomes_part_of_a_script() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []

"""The wheel carries everything a user needs: code, datasheets, networks, firmware and its sources."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("app_pages", "twin", "mcu_models", "sensors", "scenarios", "datasheet")
DATA = {".toml", ".tflite", ".elf", ".c", ".h", ".ld"}


def test_the_wheel_holds_every_data_file_of_the_rooms(tmp_path: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", *ROOMS], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    copy = tmp_path / "source"
    for name in [*tracked, "pyproject.toml", "README.md", "LICENSE", "app.py"]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in tracked if Path(name).suffix in DATA | {".py"}} <= held
    assert not any(name.startswith(("tests/", "training/")) for name in held)

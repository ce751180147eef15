"""Every command and every block of code in the documentation, run as a reader would.

A page's blocks run in order, in one folder with the checkout beside it:

- ```bash: by `bash -e`; data-status="1" says which exit status is right;
- ```python without a title: by the interpreter, in a process of its own;
- any block with title="NAME": written to that file;
- ```{ .text data-shows="all" }: its lines come in this order in what was printed before; "..." ends any line;
- data-needs="..." and data-takes="minutes" say why a block cannot run here: its commands must exist nevertheless.

Indented synopses name commands, options, scripts and targets that exist.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator  # noqa: TC003 - read by dataclass
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from markdown_it import MarkdownIt

from twin.cli import app

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md"))
TEXTS: Final = [Path("README.md"), Path("examples/README.md"), *PAGES]
RUN: Final = ("bash", "python")
OTHER_COMMANDS: Final = {".", "cp", "ls", "cat"}
CHECKED: Final = ("twin", "python", "make", "pytest")
"""Lines of indented blocks that begin so are commands."""
LIMIT_S: Final = 250.0
UNRUN_AT_MOST: Final = 6


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, attributes and text."""

    language: str
    attributes: dict[str, str]
    text: str

    @property
    def runs(self) -> bool:
        return self.language in RUN and "title" not in self.attributes and not self.reason

    @property
    def reason(self) -> str:
        return self.attributes.get("data-needs", "") or self.attributes.get("data-takes", "")

    @property
    def status(self) -> int:
        return int(self.attributes.get("data-status", "0"))


def block_of(info: str, text: str) -> Block:
    words = shlex.split(info.strip().removeprefix("{").removesuffix("}"))
    attributes = dict(word.split("=", 1) for word in words if "=" in word)
    names = [word.removeprefix(".") for word in words if "=" not in word]
    return Block(names[0] if names else "", attributes, text)


def blocks(page: Path) -> list[Block]:
    tokens = MarkdownIt("commonmark").parse((ROOT / page).read_text(encoding="utf-8"))
    return [block_of(token.info, token.content) for token in tokens if token.type == "fence"]


def indented(page: Path) -> Iterator[str]:
    """Yield the lines of indented blocks."""
    tokens = MarkdownIt("commonmark").parse((ROOT / page).read_text(encoding="utf-8"))
    for token in tokens:
        if token.type == "code_block":
            yield from token.content.splitlines()


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "GITHUB_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "COLUMNS": "100", "OMP_NUM_THREADS": "1"}


def run(block: Block, folder: Path) -> str:
    """Run a block and return what it prints, on both streams."""
    command = ["bash", "-e"] if block.language == "bash" else [sys.executable, "-"]
    done = subprocess.run(
        command, input=block.text, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == block.status, f"status {done.returncode}\n{block.text}\n{done.stdout}"
    return done.stdout


def assert_shows(printed: str, wanted: str) -> None:
    lines = iter(line.rstrip() for line in printed.splitlines())
    for line in wanted.splitlines():
        begin = line.removesuffix("...")
        found = any(one == line or (begin != line and one.startswith(begin)) for one in lines)
        assert found, f"{line!r} is not (or not there) in what was printed:\n{printed}"


def test_what_a_page_shows_must_have_been_printed_in_that_order() -> None:
    assert_shows("one\ntwo 0.1 s\nthree\n", "one\ntwo ...\n")
    for wrong in ("two\n", "three\none\n", "two ...\ntwo ...\n"):
        with pytest.raises(AssertionError, match="in what was printed"):
            assert_shows("one\ntwo 0.1 s\nthree\n", wrong)


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.runs for block in blocks(page))], ids=str)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "edge-sensor-twin").symlink_to(ROOT)
    printed = ""
    for block in blocks(page):
        if "title" in block.attributes:
            (folder / block.attributes["title"]).write_text(block.text, encoding="utf-8")
        elif block.runs:
            printed = run(block, folder)
        elif "data-shows" in block.attributes:
            assert_shows(printed, block.text)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=str)
def test_every_block_is_run_or_written_or_shown_or_says_why_not(page: Path) -> None:
    for block in blocks(page):
        assert block.language in {*RUN, "text", "console", "toml", "yaml"}, f"{page}: ```{block.language}"
        if block.language == "toml":
            tomllib.loads(block.text)


def test_few_blocks_cannot_run_here_and_their_commands_exist() -> None:
    unrun = [(page, block) for page in PAGES for block in blocks(page) if block.language in RUN and block.reason]
    assert 0 < len(unrun) <= UNRUN_AT_MOST, [str(page) for page, _ in unrun]
    for page, block in unrun:
        for line in block.text.splitlines():
            check_command(shlex.split(line, comments=True), page)


@pytest.mark.parametrize("page", TEXTS, ids=str)
def test_synopses_name_commands_and_options_that_exist(page: Path) -> None:
    for line in indented(page):
        command, gap, rest = line.partition(" ")
        if command in CHECKED and gap and not rest.startswith(" "):
            check_command(synopsis(line), page)


def synopsis(line: str) -> list[str]:
    """Return the words of a synopsis, without its explanation (behind two spaces) and without brackets."""
    command = line.split("  ", 1)[0].split("  #", 1)[0]
    return command.replace("[", " ").replace("]", " ").split()


def check_command(words: list[str], page: Path) -> None:
    """Check that a command could be run: it exists, and so do its options, extras, modules and targets."""
    if not words or words[0] in OTHER_COMMANDS:
        return
    match words:
        case ["twin", *_]:
            check_twin(words, page)
        case ["pip", "install", source]:
            check_extras(source)
        case ["make", target]:
            assert f"\n{target}:" in (ROOT / "Makefile").read_text(), f"{page}: make {target}"
        case ["python" | "python3", "-m", module, *_]:
            is_ours = (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()
            assert is_ours or importlib.util.find_spec(module), f"{page}: python -m {module}"
        case ["python", script, *_]:
            assert (ROOT / script).is_file(), f"{page}: {script}"
        case ["pytest", *tests]:
            assert all((ROOT / test).exists() for test in tests if not test.startswith("-")), f"{page}: {words}"
        case _:
            pytest.fail(f"{page}: nothing is known of the command {words}")


def check_extras(source: str) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = source.partition("[")[2].rstrip("]").split(",")
    assert set(filter(None, asked)) <= set(extras), source


def check_twin(words: list[str], page: Path) -> None:
    """Check that a command of the twin exists, and every option that is named with it."""
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while getattr(command, "commands", None) is not None:
        assert rest[0] in command.commands, f"{page}: twin has no command {rest[0]!r} in {' '.join(words)!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    named = [word.partition("=")[0] for word in rest if word.startswith("--")]
    assert [option for option in named if option not in {*known, "--help"}] == [], f"{page}: {' '.join(words)}"


def test_an_option_that_does_not_exist_is_found() -> None:
    with pytest.raises(AssertionError, match="--nod "):
        check_twin(["twin", "run", "office_doorway", "--nod", "ceiling_counter"], Path("page.md"))


def test_the_first_test_takes_five_commands_and_fifteen_lines() -> None:
    first = blocks(Path("docs/tutorials/firmware_in_ci.md"))
    test, commands = first[0], first[1]
    assert test.attributes["title"].startswith("test_")
    assert len(test.text.splitlines()) <= 15
    assert commands.language == "bash"
    assert len(commands.text.splitlines()) <= 5

"""What a campaign says: on a terminal, as one JSON object, and as a table of its faults in CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from twin.campaign.follow import FaultResult
from twin.campaign.verdict import DEGRADED, FAILED, HANG, MASKED, OUTCOMES, RECOVERED, WRONG, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import RenderableType

    from twin.campaign.session import CampaignResult

_HEADS: Final = {DEGRADED: "de-\ngraded", WRONG: "wrong\nanswer", RECOVERED: "reco-\nvered", FAILED: "emul.\nfailed"}
_SEVERITY: Final = (HANG, WRONG, DEGRADED, FAILED, RECOVERED, MASKED)
_STYLES: Final = {MASKED: "green", RECOVERED: "green", DEGRADED: "yellow", WRONG: "red", HANG: "red", FAILED: "magenta"}


def outcomes_by(rows: Iterable[FaultResult], name_of: Callable[[FaultResult], str]) -> dict[str, Mapping[str, int]]:
    """Return how often each outcome came, by whatever name a fault has, in the order in which names come first."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(name_of(row), []).append(row.outcome)
    return {name: counted(outcomes) for name, outcomes in groups.items()}


def by_kind(result: CampaignResult) -> dict[str, Mapping[str, int]]:
    """Return outcomes by kind of fault."""
    return outcomes_by(result.rows, lambda row: row.kind)


def by_target(result: CampaignResult, kind: str) -> dict[str, Mapping[str, int]]:
    """Return outcomes of bit flips by what they hit, those with the most harm first."""
    found = outcomes_by((row for row in result.rows if row.kind == kind), lambda row: row.target)
    return dict(sorted(found.items(), key=lambda pair: (pair[1][MASKED] - sum(pair[1].values()), pair[0])))


def campaign_answer(result: CampaignResult) -> dict[str, Any]:
    """Return the campaign as one JSON object; nothing in it depends on the host or on how many jobs there were."""
    golden = result.golden
    return {
        "title": result.campaign.title,
        "image": result.image,
        "image_sha256": result.image_sha256,
        "board": result.board,
        "play": result.campaign.play,
        "seconds": result.campaign.seconds,
        "play_seed": result.campaign.play_seed,
        "seed": result.campaign.seed,
        "recover_s": result.campaign.recover_s,
        "faults_from_s": golden.from_s,
        "faults_until_s": golden.until_s,
        "golden_answers": len(golden.answers),
        "faults": len(result.rows),
        "outcomes": counted(row.outcome for row in result.rows),
        "silent": sum(row.silent for row in result.rows),
        "renumbered": sum(row.renumbered for row in result.rows),
        "by_kind": by_kind(result),
        "by_symbol": by_target(result, "ram_bit_flip"),
        "by_register": by_target(result, "register_bit_flip"),
        "results": [asdict(row) for row in result.rows],
    }


def faults_csv(result: CampaignResult) -> bytes:
    """Return a line for each fault; several resets or lines in one cell stand apart by "; "."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(FaultResult)]
    writer.writerow(names)
    for row in result.rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return "; ".join(value) if isinstance(value, tuple) else value


def campaign_table(result: CampaignResult) -> RenderableType:
    """Return outcomes by kind of fault, and the worst fault of each kind."""
    return Group(_outcome_table(result), Text(), _worst_table(result))


def _outcome_table(result: CampaignResult) -> Table:
    title = f"{result.campaign.title}: {len(result.rows)} faults in {result.image}, seed {result.campaign.seed}"
    table = Table(title=Text(title), title_justify="left", caption_justify="left")
    table.add_column("fault", no_wrap=True)
    for outcome in OUTCOMES:
        table.add_column(_HEADS.get(outcome, outcome), justify="right", style=_STYLES[outcome])
    table.add_column("all", justify="right")
    every = {**by_kind(result), "all": counted(row.outcome for row in result.rows)}
    for kind, counts in every.items():
        if kind == "all":
            table.add_section()
        cells = [str(counts[outcome] or "") for outcome in OUTCOMES]
        table.add_row(kind, *cells, str(sum(counts.values())))
    silent, renumbered = sum(row.silent for row in result.rows), sum(row.renumbered for row in result.rows)
    following = sum(bool(row.answers_following) for row in result.rows)
    never = sum(not row.hit and row.outcome != FAILED for row in result.rows)
    table.caption = Text(
        f"faults with answers that follow from missed frames: {following}; "
        f"wrong answers about which nothing was said: {silent}; frames renumbered: {renumbered}; "
        f"faults that met nothing to act on: {never}"
    )
    return table


def _worst_table(result: CampaignResult) -> Table:
    """Return the worst fault of each kind, as far as one did harm for longer than is allowed."""
    table = Table(title=Text("The worst fault of each kind"), title_justify="left")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("fault")
    table.add_column("what came of it")
    for kind in by_kind(result):
        worst = min((row for row in result.rows if row.kind == kind), key=_worst_first)
        if worst.outcome not in (MASKED, RECOVERED):
            fault = f"{kind}: {worst.fault}, at {worst.begin_s:.3f} s" + (f", in {worst.hit}" if worst.hit else "")
            table.add_row(str(worst.number), Text(fault), Text(_came_of(worst)))
    return table


def _came_of(row: FaultResult) -> str:
    """Return what came of a fault in words."""
    back = "" if row.recovery_s is None else f"right again after {row.recovery_s:.2f} s"
    parts = (
        row.outcome + (", silent" if row.silent else ""),
        f"{row.answers_lost} lost" if row.answers_lost else "",
        f"{row.answers_wrong} wrong" if row.answers_wrong else "",
        f"{row.answers_following} follow from missed frames" if row.answers_following else "",
        back,
        "frames renumbered" if row.renumbered else "",
        *(f"reset by {cause}" for cause in row.resets),
        *(repr(line) for line in row.said),
        row.note,
    )
    return "; ".join(part for part in parts if part)


def _worst_first(row: FaultResult) -> tuple[int, bool, int, int]:
    harm = row.answers_wrong + row.answers_lost
    return _SEVERITY.index(row.outcome), row.recovery_s is not None, -harm, row.number

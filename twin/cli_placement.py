"""The commands that are about places: `twin coverage` and `twin place`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin.cli_options import folder_named
from twin.terminal import frame_progress


def coverage_command(
    plan: Annotated[str, typer.Argument(help="Scenario by name, or path to its TOML, or to a DXF drawing.")],
    node: Annotated[list[str], typer.Option(help="NODE or NODE@x,y,height[,yaw[,tilt]]; once for each sensor.")],
    height: Annotated[float | None, typer.Option(help="All sensors hang so high, in m.")] = None,
    ceiling: Annotated[float | None, typer.Option(min=0.6, max=20.0, help="Of a drawing, in m.")] = None,
    step: Annotated[float, typer.Option(min=0.02, max=5.0, help="Side of a spot in m.")] = 0.1,
    people: Annotated[int, typer.Option(min=8, max=10_000, help="At each spot in each posture.")] = 200,
    air: Annotated[float | None, typer.Option(min=10.0, max=30.0, help="Another room temperature, in degC.")] = None,
    studies: Annotated[bool, typer.Option(help="Also by mounting height, room temperature and things.")] = True,  # noqa: FBT002 - a flag
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(parser=folder_named, metavar="<path>", help="Folder for coverage.png, .geojson, .npz and .json."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,  # noqa: FBT002
) -> None:
    """Show where people are detected and counted right, spot by spot, and where nobody is."""
    from datasheet.bad_input import BadInputError  # noqa: PLC0415 - slow to load; --help does without
    from twin.fusion.report import MOST_NODES  # noqa: PLC0415
    from twin.placement.coverage import coverage  # noqa: PLC0415
    from twin.placement.coverage_files import coverage_geojson, coverage_json, coverage_npz  # noqa: PLC0415
    from twin.placement.coverage_picture import coverage_png  # noqa: PLC0415
    from twin.placement.hanging import load_hung_node  # noqa: PLC0415
    from twin.placement.plan import load_plan  # noqa: PLC0415
    from twin.placement.studies import at_air, at_height  # noqa: PLC0415
    from twin.placement.studies import studies as study  # noqa: PLC0415
    from twin.placement.tables import coverage_view  # noqa: PLC0415
    from twin.result_files import as_json_bytes, output_folder, write_files  # noqa: PLC0415

    if len(node) > MOST_NODES:
        raise BadInputError("command line", "node", len(node), f"must be {MOST_NODES} at most")
    scenario, nodes = load_plan(plan, ceiling_height_m=ceiling), [load_hung_node(text) for text in node]
    if air is not None:
        scenario = at_air(scenario, air)
    if height is not None:
        nodes = at_height(nodes, scenario, height)
    with output_folder(out):
        with frame_progress("parts") as progress:
            found = coverage(scenario, nodes, step_m=step, people=people, seed=seed, processes=jobs, progress=progress)
        studied = None
        if studies:
            with frame_progress("studies") as progress:
                studied = study(scenario, nodes, seed=seed, processes=jobs, progress=progress)
        answer = coverage_json(found, studied)
        if out is not None:
            files = {
                "coverage.json": as_json_bytes(answer),
                "coverage.geojson": coverage_geojson(found),
                "coverage.npz": coverage_npz(found),
                "coverage.png": coverage_png(found, studied),
            }
            write_files(out, files)
    if as_json:
        typer.echo(json.dumps(answer, indent=2, allow_nan=False))
    else:
        Console().print(coverage_view(found, studied, out))


def place_command(
    plan: Annotated[str, typer.Argument(help="Scenario by name, or path to its TOML, or to a DXF drawing.")],
    out: Annotated[
        Path, typer.Option(parser=folder_named, metavar="<path>", help="Folder for place.json, .png, trials and nodes.")
    ],
    sensors: Annotated[str, typer.Option(help="How many: a number, or a range such as 1-4.")] = "1-3",
    objective: Annotated[str, typer.Option(help="detection, count or in_out.")] = "count",
    node: Annotated[
        list[str] | None,
        typer.Option(help="Types that may be hung; once for each. Default ceiling_counter, at doors doorway_counter."),
    ] = None,
    start: Annotated[
        list[str] | None, typer.Option(help="Your own placement to begin with: NODE@x,y,height[,yaw[,tilt]] each.")
    ] = None,
    trials: Annotated[int, typer.Option(min=8, max=10_000, help="Designs to try.")] = 200,
    seconds: Annotated[float, typer.Option(min=40.0, max=3600.0, help="Length of each simulated day.")] = 120.0,
    lowest: Annotated[float | None, typer.Option(min=0.6, max=20.0, help="Lowest mount in m; default 2.2.")] = None,
    highest: Annotated[float | None, typer.Option(min=0.6, max=20.0, help="Highest; default the ceiling.")] = None,
    tilt: Annotated[float, typer.Option(min=0.0, max=90.0, help="Steepest tilt in degrees.")] = 45.0,
    price: Annotated[list[str] | None, typer.Option(help="NODE=price of one; 1 each by default.")] = None,
    ceiling: Annotated[float | None, typer.Option(min=0.6, max=20.0, help="Of a drawing, in m.")] = None,
    scheduler: Annotated[str, typer.Option(help="local, or tcp://host:port of a Dask scheduler.")] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes; one for each core by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,  # noqa: FBT002
) -> None:
    """Search a plan for the places where sensors err least, and say what they cost and how long they live."""
    from twin.placement.asking import PlaceOptions, place_request  # noqa: PLC0415 - slow to load; --help does without
    from twin.placement.plan import load_plan  # noqa: PLC0415
    from twin.placement.search import search  # noqa: PLC0415
    from twin.placement.search_files import node_files, search_json, trials_parquet  # noqa: PLC0415
    from twin.placement.search_picture import search_png  # noqa: PLC0415
    from twin.placement.tables import search_view  # noqa: PLC0415
    from twin.result_files import as_json_bytes, output_folder, write_files  # noqa: PLC0415
    from twin.sweeps.runner import open_runner  # noqa: PLC0415

    options = PlaceOptions(
        sensors=sensors, objective=objective, types=tuple(node or ()), start=tuple(start or ()), trials=trials,
        seconds=seconds, lowest_m=lowest, highest_m=highest, tilt_deg=tilt, prices=tuple(price or ()), seed=seed,
    )  # fmt: skip
    space, request = place_request(load_plan(plan, ceiling_height_m=ceiling), options)
    with output_folder(out), open_runner(scheduler, workers) as runner, frame_progress("designs") as progress:
        found = search(space, request, runner, progress)
        answer = search_json(found)
        files = {
            "place.json": as_json_bytes(answer),
            "place.png": search_png(found, request),
            "trials.parquet": trials_parquet(found),
            **node_files(found),
        }
        write_files(out, files)
    if as_json:
        typer.echo(json.dumps(answer, indent=2, allow_nan=False))
    else:
        Console().print(search_view(found, out))


def watch_command(
    plan: Annotated[str, typer.Argument(help="Scenario by name, or path to its TOML, or to a DXF drawing.")],
    node: Annotated[list[str], typer.Option(help="NODE or NODE@x,y,height[,yaw[,tilt]]; once for each sensor.")],
    seconds: Annotated[float, typer.Option(min=10.0, max=86400.0, help="How long.")] = 300.0,
    period: Annotated[float, typer.Option(min=0.1, max=3600.0, help="Seconds between two messages.")] = 1.0,
    loss: Annotated[float, typer.Option(min=0.0, max=0.99, help="Share of messages lost.")] = 0.0,
    clock: Annotated[float, typer.Option(min=0.0, max=60.0, help="How far clocks are off, in s.")] = 0.0,
    ceiling: Annotated[float | None, typer.Option(min=0.6, max=20.0, help="Of a drawing, in m.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 1,
    out: Annotated[
        Path | None, typer.Option(parser=folder_named, metavar="<path>", help="Folder for counts.npz and watch.json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,  # noqa: FBT002
) -> None:
    """Let several sensors count the same people, and a gateway make one answer of it."""
    from twin.fusion.messages import LinkConfig  # noqa: PLC0415 - slow to load; --help does without
    from twin.fusion.report import count_together, together_table  # noqa: PLC0415
    from twin.placement.hanging import load_hung_node  # noqa: PLC0415
    from twin.placement.plan import load_plan  # noqa: PLC0415
    from twin.result_files import as_json_bytes, output_folder, write_files  # noqa: PLC0415

    link = LinkConfig(period_s=period, loss_ratio=loss, clock_sd_s=clock, stale_s=max(5.0, 3 * period))
    nodes = [load_hung_node(text) for text in node]
    with output_folder(out):
        found = count_together(load_plan(plan, ceiling_height_m=ceiling), nodes, link, seconds=seconds, seed=seed)
        answer = found.as_dict()
        if out is not None:
            write_files(out, {"watch.json": as_json_bytes(answer), "counts.npz": found.npz()})
    if as_json:
        typer.echo(json.dumps(answer, indent=2, allow_nan=False))
    else:
        Console().print(together_table(found))

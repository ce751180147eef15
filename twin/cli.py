"""The command line: the app with its commands, and what an error becomes."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from datasheet.bad_input import BadInputError
from mcu_models.emulators.renode.process import RenodeError
from twin.cli_accuracy import evaluate_command, predict_accuracy_command, wake_up_command
from twin.cli_battery import battery_command
from twin.cli_emulation import emulate_command, renode_export_command
from twin.cli_faults import faults_command
from twin.cli_firmware import build_command, profile_command
from twin.cli_options import BAD_INPUT, FAILED, INTERRUPTED, OK, JsonOption, print_json
from twin.cli_placement import coverage_command, place_command, watch_command
from twin.cli_run import run_command
from twin.cli_sense import scenario_show_command, sense_command
from twin.cli_sweep import sweep_command
from twin.cli_testing import run_suite_command
from twin.cli_validate import validate_sensor_command
from twin.emulated_node import NodeFailedError
from twin.host_node import LevelsDisagreeError
from twin.sweeps.runner import RunnerLostError

app = typer.Typer(
    name="twin",
    help="Digital twin of sensors and microcontrollers: accuracy, latency and battery life before any hardware exists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="coverage")(coverage_command)
app.command(name="place")(place_command)
app.command(name="watch")(watch_command)
app.command(name="sweep")(sweep_command)
app.command(name="test")(run_suite_command)
app.command(name="faults")(faults_command)
app.command(name="run")(run_command)
app.command(name="sense")(sense_command)
app.command(name="evaluate")(evaluate_command)
app.command(name="predict-accuracy")(predict_accuracy_command)
app.command(name="wake-up")(wake_up_command)
app.command(name="battery")(battery_command)
app.command(name="build")(build_command)
app.command(name="profile")(profile_command)
app.command(name="emulate")(emulate_command)
app.command(name="renode-export")(renode_export_command)
validate_app = typer.Typer(help="Hold the twin beside reality.", no_args_is_help=True)
app.add_typer(validate_app, name="validate")
validate_app.command(name="sensor")(validate_sensor_command)
scenario_app = typer.Typer(help="Look at scenarios.", no_args_is_help=True)
app.add_typer(scenario_app, name="scenario")
scenario_app.command(name="show")(scenario_show_command)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status: 0 done, 1 the work failed, 2 bad input, 130 interrupted."""
    try:
        # Outside standalone mode, Typer returns the status of an Exit; it makes 130 of Ctrl-C.
        status = app(arguments, standalone_mode=False)
    except typer.TyperException as error:
        return _complain(error.format_message(), BAD_INPUT)
    except BadInputError as error:
        return _complain(str(error), BAD_INPUT)
    except (NodeFailedError, LevelsDisagreeError, RenodeError, RunnerLostError) as error:
        return _complain(str(error), FAILED)
    except OSError as error:
        return _complain(f"cannot read or write: {error.strerror}", FAILED)
    if status == INTERRUPTED:
        return _complain("interrupted; nothing was written", INTERRUPTED)
    return status if isinstance(status, int) else OK


def _complain(text: str, status: int) -> int:
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(" ".join(text.split()), markup=False, style="red" if errors.is_terminal else None)
    return status


@app.command(name="list")
def list_command(
    what: Annotated[
        str, typer.Argument(help="boards, sensors, cameras, networks, scenarios, doors, nodes, batteries, images ...")
    ],
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List what the library holds."""
    from twin.library import names  # noqa: PLC0415 - slow to load; --help does without

    found = names(what)
    if as_json:
        print_json({what: found})
    else:
        typer.echo("\n".join(found))

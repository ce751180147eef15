"""Makes a fault plan of one fault that a test asks for in words of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from datasheet.bad_input import BadInputError
from mcu_models.emulators.fault_plan import FaultPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def one_fault(kind: str, fields: Mapping[str, Any], *, now_s: float, seed: int, buses: Sequence[str]) -> FaultPlan:
    """Return the plan of one fault; what it does not say is now, and on the only bus.

    Args:
        kind: A table of a fault plan, such as "i2c_nack".
        fields: Of that table.
        now_s: Virtual time.
        seed: Of what is left to chance.
        buses: Buses with a device on them.

    Raises:
        BadInputError: There is no such kind, or a field is wrong.
    """
    kinds = {name: field for name, field in FaultPlan.model_fields.items() if name != "seed"}
    if kind not in kinds:
        raise BadInputError("inject", "", kind, f"one of {', '.join(kinds)}")
    sheet = get_args(kinds[kind].annotation)[0]
    usual: dict[str, Any] = {"from_s": now_s, "at_s": now_s}
    if len(buses) == 1:
        usual["bus"] = buses[0]
    table = {name: value for name, value in usual.items() if name in sheet.model_fields} | dict(fields)
    try:
        return FaultPlan.model_validate({"seed": seed, kind: (table,)})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"][2:])
        if first["type"] == "missing":
            buses_told = f"; devices are on {', '.join(buses) or 'no bus yet'}" if key == "bus" else ""
            raise BadInputError(f"inject {kind}", key, None, f"must be given{buses_told}") from None
        raise BadInputError(f"inject {kind}", key, first.get("input"), first["msg"]) from None

"""What a node's TOML says of the door that it watches."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from datasheet.config import Config


class DoorwayConfig(Config):
    """At which door a node counts, and where it hangs there if its TOML has no `[mount]`.

    Depths are into the room from the wall's plane, `across_m` is to the right of those who walk in. Without `door` it
    is the door nearest to the mount, or else the scenario's first. Without `height_m` it hangs at the ceiling.
    """

    door: str = ""
    inside_m: Annotated[float, Field(ge=0, le=5)] = 0.6
    across_m: Annotated[float, Field(ge=-10, le=10)] = 0.0
    height_m: Annotated[float, Field(gt=1.5, le=20)] | None = None
    line_m: Annotated[float, Field(ge=-2, le=5)] = 0.4

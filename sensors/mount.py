"""Where a sensor hangs, and the sensor's own coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Mount:
    """A sensor that looks straight down.

    Its own coordinates have their origin at the sensor; x goes towards higher columns of the image, y
    towards row 0, so that at yaw 0 the image lies on the floor plan as it is: east to the right, north at
    the top.

    Attributes:
        x_m: Position along the room's x axis.
        y_m: Position along the room's y axis.
        height_m: Height above the floor.
        yaw_deg: Turn about the vertical, counter-clockwise as seen from above.
    """

    x_m: float
    y_m: float
    height_m: float
    yaw_deg: float = 0.0

    @property
    def yaw_rad(self) -> float:
        """The yaw in radians."""
        return math.radians(self.yaw_deg)

    def to_sensor(self, position_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (..., 2) positions in the room into positions in the sensor's coordinates."""
        return np.asarray((position_m - np.array([self.x_m, self.y_m])) @ _rotation(self.yaw_rad))

    def to_room(self, position_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (..., 2) positions in the sensor's coordinates into positions in the room."""
        return np.asarray(position_m @ _rotation(self.yaw_rad).T + np.array([self.x_m, self.y_m]))


def _rotation(angle_rad: float) -> NDArray[np.float64]:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cosine, -sine], [sine, cosine]])

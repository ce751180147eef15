"""Where a sensor hangs and where it looks, and the sensor's own coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Mount:
    """A sensor below a ceiling, on a lintel or on a wall.

    Seen on the floor plan its coordinates have their origin at the sensor; x goes towards higher columns of the
    image, y towards row 0, so that without yaw and tilt the image lies on the plan as it is: east to the right,
    north at the top. A tilted sensor looks away from straight down towards its own y, which is north at yaw 0 and
    west at yaw 90; row 0 is then what is farthest away, or highest.

    Attributes:
        x_m: Position along the room's x axis.
        y_m: Position along the room's y axis.
        height_m: Height above the floor.
        yaw_deg: Turn about the vertical, counter-clockwise as seen from above.
        tilt_deg: Angle between the optical axis and straight down: 0 in a ceiling, 90 looks horizontally.
    """

    x_m: float
    y_m: float
    height_m: float
    yaw_deg: float = 0.0
    tilt_deg: float = 0.0

    @property
    def yaw_rad(self) -> float:
        """The yaw in radians."""
        return math.radians(self.yaw_deg)

    @property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3) rows: the image's right, the image's top and the optical axis, as unit vectors in the room."""
        tilt_rad = math.radians(self.tilt_deg)
        sine, cosine = math.sin(tilt_rad), math.cos(tilt_rad)
        axes = np.array([[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, sine, -cosine]])
        axes[:, :2] = axes[:, :2] @ _rotation(self.yaw_rad).T
        return axes

    def to_sensor(self, position_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (..., 2) positions on the plan into positions in the sensor's coordinates on the plan."""
        return np.asarray((position_m - np.array([self.x_m, self.y_m])) @ _rotation(self.yaw_rad))

    def to_room(self, position_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (..., 2) positions in the sensor's coordinates on the plan into positions on the plan."""
        return np.asarray(position_m @ _rotation(self.yaw_rad).T + np.array([self.x_m, self.y_m]))

    def to_camera(self, point_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (..., 3) points of the room into metres to the image's right, to its top, and along the axis."""
        return np.asarray((point_m - np.array([self.x_m, self.y_m, self.height_m])) @ self.rotation.T)


def _rotation(angle_rad: float) -> NDArray[np.float64]:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cosine, -sine], [sine, cosine]])

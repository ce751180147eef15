"""Floor plans drawn elsewhere: the walls in a DXF file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import shapely

from datasheet.bad_input import BadInputError
from datasheet.regular_file import is_file

if TYPE_CHECKING:
    from pathlib import Path

    from ezdxf.document import Drawing
    from ezdxf.entities import DXFGraphic

LAYER = "WALLS"
DOORS_LAYER = "DOORS"
LARGEST_BYTES = 8_000_000
"""Of a drawing: the walls of a building take some hundred kilobytes; what is larger holds much else."""
MOST_SEGMENTS = 2_000
LARGEST_M = 100.0
FARTHEST_M = 1e8
"""From a drawing's origin; farther than any map grid reaches: UTM eastings with their zone have eight digits."""
SMALLEST_M = 0.6

_METRES = {1: 0.0254, 2: 0.3048, 4: 0.001, 5: 0.01, 6: 1.0, 14: 0.1}
"""Metres per unit of $INSUNITS: inch, foot, mm, cm, m, dm."""

_SAME_POINT_M = 0.001

Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class FloorPlan:
    """A room as drawn, with the south-west corner of the box around it at the origin.

    Attributes:
        outline_m: Corners of the outline, in order.
        inner_walls_m: Walls within it, from point to point.
        doors_m: Openings in the outline, from end to end.
    """

    outline_m: list[list[float]]
    inner_walls_m: list[list[list[float]]]
    doors_m: tuple[list[list[float]], ...] = ()


def read_plan(path: Path) -> FloorPlan:
    """Return the room that the LINE and LWPOLYLINE entities of the layer WALLS enclose.

    All areas that these walls enclose together are the room, and they must adjoin; walls within it, and pillars, become
    inner walls.
    Openings of doors must be drawn closed; lines of the layer DOORS, from end to end of an opening, say where they are.
    Bulges of polylines are taken as straight. The drawing's unit is that of its header ($INSUNITS).

    Raises:
        BadInputError: The file is no DXF, too large, without a unit, or its walls enclose nothing, or areas that do not
            adjoin, or a closed wall crosses itself, or a coordinate is not a number or beyond `FARTHEST_M`.
    """
    drawing = _read(path)
    unit = int(drawing.header.get("$INSUNITS", 0))
    if unit not in _METRES:
        raise BadInputError(
            path, "$INSUNITS", unit, f"must be one of {', '.join(map(str, _METRES))} (in, ft, mm, cm, m, dm)"
        )
    lines = _wall_lines(path, drawing, _METRES[unit])
    _check_crossings(path, lines)
    merged = shapely.union_all([shapely.LineString(line) for line in lines], grid_size=_SAME_POINT_M)
    rooms = shapely.union_all(shapely.get_parts(shapely.polygonize(list(shapely.get_parts(merged)))))
    if rooms.is_empty:
        raise BadInputError(path, LAYER, None, "these walls must enclose an area; draw the openings of doors closed")
    areas = shapely.get_parts(rooms)
    if len(areas) > 1:
        raise BadInputError(path, LAYER, None, f"these walls enclose {len(areas)} areas apart; draw one room to a file")
    room = shapely.Polygon(areas[0].exterior)
    return _placed(path, room.simplify(_SAME_POINT_M), merged, _lines(path, drawing, DOORS_LAYER, _METRES[unit]))


def _read(path: Path) -> Drawing:
    import ezdxf  # noqa: PLC0415

    if not is_file(path):
        raise BadInputError(path, "", None, "there is no such floor plan")
    if path.stat().st_size > LARGEST_BYTES:
        raise BadInputError(path, "", None, f"must not be larger than {LARGEST_BYTES // 1_000_000} MB")
    try:
        drawing = ezdxf.readfile(str(path))
        drawing.modelspace()
    except Exception as error:  # a damaged drawing fails anywhere within the parser
        raise BadInputError(path, "", None, f"is not a DXF drawing: {error}") from error
    return drawing


def _wall_lines(path: Path, drawing: Drawing, metres: float) -> list[Line]:
    """Return the walls in metres, point to point."""
    lines = _lines(path, drawing, LAYER, metres)
    if not lines:
        raise BadInputError(path, LAYER, None, "there must be LINE or LWPOLYLINE entities on this layer")
    if (segments := sum(len(line) - 1 for line in lines)) > MOST_SEGMENTS:
        raise BadInputError(path, LAYER, segments, f"must not have more than {MOST_SEGMENTS} pieces of wall")
    return lines


def _lines(path: Path, drawing: Drawing, layer: str, metres: float) -> list[Line]:
    """Return what is drawn on a layer, in metres, point to point."""
    lines: list[Line] = []
    for entity in drawing.modelspace().query(f'LINE LWPOLYLINE[layer=="{layer}"]i'):
        points = [(_length_m(path, x * metres), _length_m(path, y * metres)) for x, y in _points(entity)]
        if len(set(points)) >= 2:
            lines.append(tuple(points))
    return lines


def _check_crossings(path: Path, lines: list[Line]) -> None:
    for line in lines:
        if line[0] == line[-1] and not shapely.LineString(line).is_simple:
            at = f"({line[0][0]:g}, {line[0][1]:g}) m"
            raise BadInputError(path, LAYER, None, f"the closed wall that begins at {at} must not cross itself")


def _length_m(path: Path, length_m: float) -> float:
    if not abs(length_m) <= FARTHEST_M:  # which is also so of what is not a number
        raise BadInputError(path, LAYER, length_m, f"coordinates must be numbers of up to {FARTHEST_M:g} m")
    return round(length_m, 4)


def _points(entity: DXFGraphic) -> list[tuple[float, float]]:
    from ezdxf.entities import Line as DxfLine  # noqa: PLC0415
    from ezdxf.entities import LWPolyline  # noqa: PLC0415

    if isinstance(entity, DxfLine):
        return [(float(end.x), float(end.y)) for end in (entity.dxf.start, entity.dxf.end)]
    if not isinstance(entity, LWPolyline):
        return []
    points = [(float(x), float(y)) for x, y in entity.get_points("xy")]
    return [*points, points[0]] if entity.closed and points else points


def _placed(path: Path, room: shapely.Polygon, walls: shapely.Geometry, doors: list[Line]) -> FloorPlan:
    """Return the plan with the box around the room moved to the origin."""
    left_m, bottom_m, right_m, top_m = room.bounds
    for size_m in (right_m - left_m, top_m - bottom_m):
        if not SMALLEST_M <= size_m <= LARGEST_M:
            raise BadInputError(path, LAYER, round(size_m, 3), f"must be {SMALLEST_M:g} to {LARGEST_M:g} m across")

    def moved(points: list[tuple[float, ...]]) -> list[list[float]]:
        return [[max(round(x - left_m, 4), 0.0), max(round(y - bottom_m, 4), 0.0)] for x, y, *_ in points]

    inner = shapely.intersection(walls, room.buffer(-2 * _SAME_POINT_M))
    parts = [part for part in shapely.get_parts(inner) if part.length > 10 * _SAME_POINT_M]
    pieces = [list(pair) for part in parts for pair in pairwise(part.coords)]
    openings = tuple(moved([line[0], line[-1]]) for line in doors)
    return FloorPlan(moved(list(room.exterior.coords)[:-1]), [moved(piece) for piece in pieces], openings)

"""Coverage as files: GeoJSON for maps, npz for numbers, JSON for what is said of it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from scenarios.geometry import outline
from twin.placement.footprints import PLANES_M, pixel_outlines_m

if TYPE_CHECKING:
    from twin.placement.coverage import Coverage
    from twin.placement.studies import Studies

_DECIMALS = 4


def coverage_json(found: Coverage, studies: Studies | None) -> dict[str, Any]:
    """Return what is said of a coverage: means, blind area, false alarms, and what it depends on."""
    return {
        "plan": found.scenario.name,
        "nodes": [
            {"node": node.name, **_place(found, index), "false_alarms": float(found.false_alarms[index])}
            for index, node in enumerate(found.nodes)
        ],
        "step_m": found.spots.step_m,
        "spots": len(found.spots),
        "people_per_spot_and_posture": found.people,
        "postures": found.summary(),
        "studies": None if studies is None else studies.as_dict(),
        "seed": found.seed,
        "simulated": "single people; no measured data",
    }


def coverage_npz(found: Coverage) -> bytes:
    """Return counts and positions of the spots, and the interval of each share, as npz."""
    buffer = io.BytesIO()
    tables: dict[str, Any] = {}
    for what in ("detected", "right"):
        for posture in found.postures:
            low, high = found.interval(what, posture)
            tables[f"{what}_{posture}"] = found.share(what, posture)
            tables[f"{what}_{posture}_low"], tables[f"{what}_{posture}_high"] = low, high
    np.savez_compressed(
        buffer,
        position_m=found.spots.position_m,
        people=np.array(found.people),
        detected_by_node=found.detected_by,
        right_by_node=found.right_by,
        **tables,
    )
    return buffer.getvalue()


def coverage_geojson(found: Coverage) -> bytes:
    """Return spots, blind zones, the outline, and the sensors with their pixels' fields as GeoJSON.

    Coordinates are metres from the plan's south-west corner, x east and y north: not the degrees of RFC 7946, which a
    room has none of.
    """
    features = [
        _feature("outline", outline(found.scenario.room), {}),
        *_sensors(found),
        *_blind_zones(found),
        *_spots(found),
    ]
    answer = {"type": "FeatureCollection", "name": found.scenario.name, "units": "metres", "features": features}
    return (json.dumps(answer, allow_nan=False) + "\n").encode()


def _place(found: Coverage, index: int) -> dict[str, float]:
    mount = found.nodes[index].mount_in(found.scenario)
    return {
        "x_m": mount.x_m,
        "y_m": mount.y_m,
        "height_m": mount.height_m,
        "yaw_deg": mount.yaw_deg,
        "tilt_deg": mount.tilt_deg,
    }


def _feature(kind: str, shape: shapely.Geometry, properties: dict[str, Any]) -> dict[str, Any]:
    rounded = shapely.transform(shape, lambda points: np.round(points, _DECIMALS))
    geometry = json.loads(shapely.to_geojson(rounded))
    return {"type": "Feature", "properties": {"kind": kind, **properties}, "geometry": geometry}


def _sensors(found: Coverage) -> list[dict[str, Any]]:
    features = []
    for index, node in enumerate(found.nodes):
        place = _place(found, index)
        features.append(_feature("sensor", shapely.Point(place["x_m"], place["y_m"]), {"node": node.name, **place}))
        mount = node.mount_in(found.scenario)
        for plane, height_m in PLANES_M.items():
            if height_m >= mount.height_m:
                continue
            for pixel, corners in enumerate(pixel_outlines_m(mount, node.sensor, height_m)):
                row, column = divmod(pixel, node.sensor.columns)
                where = {"sensor": index, "row": row, "column": column, "plane": plane, "height_m": height_m}
                features.append(_feature("pixel", shapely.Polygon(corners), where))
    return features


def _blind_zones(found: Coverage) -> list[dict[str, Any]]:
    features = []
    for posture in found.postures:
        zone = shapely.union_all(_cells(found)[found.blind(posture)])
        if not zone.is_empty:
            features.append(_feature("blind", zone, {"posture": posture, "area_m2": round(float(zone.area), 3)}))
    return features


def _cells(found: Coverage) -> Any:
    half_m = found.spots.step_m / 2
    x_m, y_m = found.spots.position_m.T
    return shapely.box(x_m - half_m, y_m - half_m, x_m + half_m, y_m + half_m)


def _spots(found: Coverage) -> list[dict[str, Any]]:
    columns: dict[str, Any] = {}
    for posture in found.postures:
        for what in ("detected", "right"):
            low, high = found.interval(what, posture)
            columns[f"{what}_{posture}"] = found.share(what, posture)
            columns[f"{what}_{posture}_low"], columns[f"{what}_{posture}_high"] = low, high
    rows = np.round(np.stack(list(columns.values()), axis=1), _DECIMALS).tolist()
    return [
        _feature("spot", cell, dict(zip(columns, row, strict=True)))
        for cell, row in zip(_cells(found), rows, strict=True)
    ]

"""Single people at spots, as a node sees and counts them: short stretches of frames that know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.counter import count_glances
from mcu_models.compiler.frontend import raw_from_degc
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.networks.counting import counter_of
from mcu_models.people_detection.detection import counts
from mcu_models.people_detection.parameters import load_detector
from scenarios.people import draw_person, draw_walking_speed_mps
from scenarios.timeline import SITTING, STANDING, WALKING, Timeline
from sensors.grid_eye_sheet import noise_profile
from sensors.signal_chain import unit_errors, white_noise_sd_k
from sensors.thermal_array import ThermalArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mcu_models.networks.library import NetworkEntry
    from scenarios.room import Scenario
    from scenarios.timeline import Person
    from sensors.grid_eye_sheet import GridEyeSheet, NoiseProfile
    from twin.node import Node

POSTURES = {"standing": STANDING, "sitting": SITTING, "walking": WALKING}
"""What people do at a spot, by name."""

UNITS = 8
"""So many units of a sensor look at the same spots: they differ in axis and pattern."""

UNSEEN_K = 0.1
"""A body that moves no pixel by more is taken as not there: a third of the noise of a pixel (0.28 to 0.35 K)."""

_RULES_EMPTY_FRAMES, _RULES_FRAMES = 300, 20
"""Rules learn the empty room so long, and see it so long again before everybody who comes; assumed."""

Answer: TypeAlias = "Callable[[NDArray[np.int16], NDArray[np.float64]], NDArray[np.int64]]"


@dataclass(frozen=True)
class Crowd:
    """The people that every spot is visited by.

    Attributes:
        persons: Who they are.
        walking_speed_mps: (P,) how fast each walks.
    """

    persons: tuple[Person, ...]
    walking_speed_mps: NDArray[np.float64]


def draw_crowd(scenario: Scenario, people: int, seed: int) -> Crowd:
    """Return so many people of the scenario's population, all in balance with the room."""
    rng = np.random.default_rng([seed, 0])
    persons = tuple(draw_person(scenario.population, scenario.room, rng) for _ in range(people))
    speeds = np.array([draw_walking_speed_mps(scenario.population, rng) for _ in range(people)])
    return Crowd(persons, speeds)


@dataclass(frozen=True)
class Visits:
    """Single people at spots, one a visit.

    Attributes:
        who: (N,) int64, index into the crowd.
        position_m: (N, 2) where the axis of the body is.
        heading_rad: (N,) where they face.
        posture: What all of them do, as a timeline says it.
    """

    who: NDArray[np.int64]
    position_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    posture: int

    def speed_mps(self, crowd: Crowd) -> NDArray[np.float64]:
        """Return (N,) how fast they are."""
        return crowd.walking_speed_mps[self.who] if self.posture == WALKING else np.zeros(len(self.who))

    def before(self, crowd: Crowd, earlier_s: float) -> Visits:
        """Return the same people so much earlier, on straight ways."""
        way = np.stack([np.cos(self.heading_rad), np.sin(self.heading_rad)], axis=1)
        return replace(self, position_m=self.position_m - way * (self.speed_mps(crowd) * earlier_s)[:, np.newaxis])

    def __getitem__(self, chosen: NDArray[np.bool_] | slice) -> Visits:
        """Return some of the visits."""
        return replace(
            self, who=self.who[chosen], position_m=self.position_m[chosen], heading_rad=self.heading_rad[chosen]
        )


@dataclass
class Glimpser:
    """One unit of a node's sensor at its mount, and the network behind it.

    It has hung there long enough to know its background. Left out are the lag of the pixels (a third of a frame time)
    and everything that people change in the background.

    Attributes:
        scenario: The room.
        node: The node.
        unit_seed: Stands for the unit.
        axis_deg: How far its optical axis lies to the image's right and top; None: as the unit's does.
    """

    scenario: Scenario
    node: Node
    unit_seed: int
    axis_deg: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        node = self.node
        self._noise = noise_profile(node.sensor, node.config.sensor.noise)
        unit = unit_errors(node.sensor, self._noise, seed=self.unit_seed)
        self._array = ThermalArray(node.sensor, node.mount_in(self.scenario), self.axis_deg or unit.axis_deg)
        self._pattern_k = unit.pattern_k.reshape(-1)
        self._frames, self._answer = answering(node.network)
        self._empty_degc = self._array.scene_degc(_timeline(self.scenario, Crowd((), np.empty(0)), None)).reshape(-1)

    def seen(self, position_m: NDArray[np.float64], crowd: Crowd, posture: int) -> NDArray[np.bool_]:
        """Return (S,) whether bodies at (S, 2) positions move any pixel by more than `UNSEEN_K`, whoever they are.

        Asked of the tallest person, facing along both axes of the plan.
        """
        spots = len(position_m)
        tallest = max(range(len(crowd.persons)), key=lambda index: crowd.persons[index].stature_m)
        found = np.zeros(spots, np.bool_)
        for heading_rad in (0.0, np.pi / 2):
            visits = Visits(np.full(spots, tallest), position_m, np.full(spots, heading_rad), posture)
            found |= np.abs(self._scene(crowd, visits) - self._empty_degc).max(axis=1) > UNSEEN_K
        return found

    def empty_counts(self, glimpses: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return (glimpses,) answers to the empty room."""
        scene = np.broadcast_to(self._empty_degc, (glimpses, self._frames, len(self._empty_degc)))
        return self._counted(scene, rng)

    def counts(self, crowd: Crowd, visits: Visits, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return (N,) what the node answers at each visit."""
        rate_hz = self.node.sensor.fast_frame_rate_hz.value
        if visits.posture != WALKING:
            scene = self._scene(crowd, visits)
            return self._counted(np.broadcast_to(scene[:, np.newaxis], (len(scene), self._frames, scene.shape[1])), rng)
        earlier = [back / rate_hz for back in range(self._frames - 1, -1, -1)]
        return self._counted(np.stack([self._scene(crowd, visits.before(crowd, s)) for s in earlier], axis=1), rng)

    def counts_at(self, moments: Timeline, frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return (M,) what the node answers at the end of each stretch of `frames` frames, (M * frames) in all."""
        scene = self._array.scene_degc(moments).reshape(-1, frames, len(self._empty_degc))
        return self._counted(scene[:, frames - self._frames :], rng)

    def _scene(self, crowd: Crowd, visits: Visits) -> NDArray[np.float64]:
        timeline = _timeline(self.scenario, crowd, visits)
        return self._array.scene_degc(timeline).reshape(len(visits.who), -1)

    def _counted(self, scene_degc: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
        reading = scene_degc + self._pattern_k + noise_k(self.node.sensor, self._noise, scene_degc.shape[:2], rng)
        sheet = self.node.sensor
        reading = np.clip(reading, sheet.object_low_degc.value, sheet.object_high_degc.value)
        step_k = sheet.pixel_lsb_k.value
        raw = raw_from_degc((np.rint(reading / step_k) * step_k).reshape(-1, 1, scene_degc.shape[2]))
        return self._answer(raw.reshape(scene_degc.shape), self._empty_degc + self._pattern_k)


def noise_k(
    sheet: GridEyeSheet, noise: NoiseProfile, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return (*shape, P) what a unit's noise adds to frames: of pixels alone, and of all together with its dips."""
    pixels = white_noise_sd_k(sheet, noise).reshape(-1).astype(np.float32)
    white = rng.standard_normal((*shape, len(pixels)), dtype=np.float32)
    dips = rng.random(shape) < noise.dip_rate_hz.value / sheet.fast_frame_rate_hz.value
    shared = noise.common_noise_k.value * rng.standard_normal(shape) - noise.dip_k.value * dips
    return np.asarray(white * pixels + shared[..., np.newaxis], np.float32)


def answering(network: NetworkEntry) -> tuple[int, Answer]:
    """Return how many frames in a row an answer takes, and what answers to (N, frames, P) of them.

    Raises:
        BadInputError: The network cannot be used.
    """
    if network.counts_passages:
        raise BadInputError(network.path, "network", network.path.stem, "counts who passes a door, not who is in view")
    if network.has_rules:
        return _RULES_FRAMES, _answer_by_rules(network)
    read = read_network(network.path)
    counter, reference = counter_of(network, read), ReferenceNetwork(network.path)

    def answer(raw: NDArray[np.int16], background_degc: NDArray[np.float64]) -> NDArray[np.int64]:
        return count_glances(reference, counter, raw, background_degc)

    return counter.glance_frames, answer


def _answer_by_rules(network: NetworkEntry) -> Answer:
    """Return what lets rules see the empty room, then one stretch of frames after the other with empty ones between."""
    detector = load_detector(network.path)

    def answer(raw: NDArray[np.int16], background_degc: NDArray[np.float64]) -> NDArray[np.int64]:
        step = np.rint(background_degc * 4).astype(np.int16)
        empty = np.broadcast_to(step, (len(raw), _RULES_FRAMES, raw.shape[2]))
        learnt = np.broadcast_to(step, (_RULES_EMPTY_FRAMES, raw.shape[2]))
        stretches = np.concatenate([empty, raw], axis=1).reshape(-1, raw.shape[2])
        answers = counts(np.concatenate([learnt, stretches]), detector)[_RULES_EMPTY_FRAMES:]
        return np.asarray(answers.reshape(len(raw), -1)[:, -1], np.int64)

    return answer


def _timeline(scenario: Scenario, crowd: Crowd, visits: Visits | None) -> Timeline:
    """Return a timeline of frames that do not follow each other, one a visit; or one frame with nobody."""
    room = scenario.room
    slots, frames = (0, 1) if visits is None else (1, len(visits.who))
    shape = (frames, slots)
    empty = np.empty(shape)
    return Timeline(
        time_s=np.arange(frames, dtype=np.float64),
        person_index=(empty if visits is None else visits.who.reshape(shape)).astype(np.int32),
        position_m=np.empty((*shape, 2)) if visits is None else visits.position_m.reshape(*shape, 2),
        heading_rad=empty if visits is None else visits.heading_rad.reshape(shape),
        speed_mps=empty if visits is None else visits.speed_mps(crowd).reshape(shape),
        persons=crowd.persons,
        events=(),
        air_degc=room.air_degc,
        floor_degc=room.floor_degc,
        wall_degc=room.wall_degc,
        room_size_m=(room.size_x_m, room.size_y_m),
        posture=np.full(shape, STANDING if visits is None else visits.posture, dtype=np.int8),
        objects=tuple(thing.as_room_object() for thing in scenario.objects),
        floor_gradient_k_per_m=room.floor_gradient_k_per_m,
    )

"""What a people counter by rules counts: regions above a background that follows the room but not its people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from datasheet.bad_input import BadInputError
from mcu_models.people_detection import detection
from mcu_models.people_detection.detection import counts
from mcu_models.people_detection.parameters import load_detector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.people_detection.parameters import DetectionParameters

API = load_detector("panasonic_grid_eye_api")
LOW_THRESHOLD = API._replace(smoothed_frames=3, dropped_frames=1, smoothing=200, threshold=20, human_area=1)
FRAMES = hnp.arrays(np.int16, (14, 64), elements=st.integers(80, 96))
ANYTHING = hnp.arrays(np.int16, (14, 64), elements=st.integers(-32768, 32767))
MASKS = hnp.arrays(np.bool_, (15, 15))
ROOM_STEPS = 88
PERSON_STEPS = 8
HERE, THERE = (slice(1, 3), slice(1, 3)), (slice(5, 7), slice(5, 7))
OTHERS = ((slice(1, 3), slice(5, 7)), (slice(5, 7), slice(1, 3)))


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Compile before hypothesis sets deadlines."""
    counts(np.zeros((20, 64), np.int16), API)


def room(frames: int, seed: int = 1) -> NDArray[np.float64]:
    """Return (N, 8, 8) steps: a floor with a pattern of 0.5 degC and noise of 0.25 degC."""
    generator = np.random.default_rng(seed)
    return ROOM_STEPS + generator.normal(0, 2, (8, 8)) + generator.normal(0, 1, (frames, 8, 8))


def counted(steps: NDArray[np.float64], parameters: DetectionParameters = API) -> NDArray[np.int64]:
    return counts(steps.round().reshape(len(steps), 64).astype(np.int16), parameters)


def cut(dividend: int, divisor: int) -> int:
    """Return a quotient without its fraction."""
    return int(np.sign(dividend)) * (abs(int(dividend)) // divisor)


def written_out(raw: NDArray[np.int16], values: DetectionParameters) -> list[int]:
    """Return what the definition gives, word by word, in integers without limits, regions by scipy."""
    steps = np.clip(raw.astype(int), -512, 511).tolist()
    background: Any = None
    smooth = [0] * 64
    answer = [0] * min(len(steps), values.smoothed_frames)
    for last in range(values.smoothed_frames, len(steps) + 1):
        latest = steps[last - values.smoothed_frames : last]
        kept = [sorted(pixel)[values.dropped_frames : len(latest) - values.dropped_frames] for pixel in zip(*latest)]  # noqa: B905
        average = [cut(sum(pixel) * 64, len(pixel)) for pixel in kept]
        if background is None:
            smooth, background = average, image_of(average)
            continue
        smooth = [s + cut(values.smoothing * (a - s), 256) for s, a in zip(smooth, average, strict=True)]
        above = image_of(smooth) - background
        labels, regions = ndimage.label(above >= values.threshold, np.ones((3, 3)))
        areas = [int((labels == region).sum()) for region in range(1, regions + 1)]
        kept_regions = [region for region, area in enumerate(areas, 1) if area > values.dropped_area]
        humans = [region for region in kept_regions if areas[region - 1] > values.human_area]
        answer.append(min(len(humans), values.largest_count))
        held = ndimage.binary_dilation(np.isin(labels, kept_regions))
        if not held.all():
            mean = cut(above[~held].sum(), int((~held).sum()))
            learnt = [cut(values.background_rate * v, 256) for v in np.where(held, mean, above).ravel()]
            background = np.clip(background + np.reshape(learnt, (15, 15)), -32768, 32767)
    return answer


def image_of(pixels: list[int]) -> NDArray[np.int64]:
    image = np.zeros((15, 15), np.int64)
    image[::2, ::2] = np.reshape(pixels, (8, 8))
    for lines in (image[::2], image.T):
        sums = lines[:, :-2:2] + lines[:, 2::2]
        lines[:, 1::2] = np.sign(sums) * (np.abs(sums) // 2)
    return image


@given(FRAMES, st.sampled_from([API, LOW_THRESHOLD]))
def test_people_are_counted_as_defined(raw: NDArray[np.int16], values: DetectionParameters) -> None:
    assert counts(raw, values).tolist() == written_out(raw, values)


@given(ANYTHING, st.sampled_from([API, LOW_THRESHOLD]))
def test_whatever_the_pixels_people_are_counted_as_defined(raw: NDArray[np.int16], values: DetectionParameters) -> None:
    assert counts(raw, values).tolist() == written_out(raw, values)


def test_people_are_counted_as_defined_for_a_long_time(hard_frames: NDArray[np.int16]) -> None:
    """Chequers, spirals and all pixels hot or beyond their range come and go."""
    expected = written_out(hard_frames, API)
    assert counts(hard_frames, API).tolist() == expected
    assert set(expected) == {0, 1, 2, 3}


@given(MASKS)
def test_regions_are_those_of_scipy(mask: NDArray[np.bool_]) -> None:
    labels, regions = ndimage.label(mask, np.ones((3, 3)))
    areas = ndimage.sum_labels(mask, labels, range(1, regions + 1))
    left = mask.copy()
    assert detection._humans(left, API) == (areas > API.human_area).sum()
    assert np.array_equal(left, np.isin(labels, np.flatnonzero(areas > API.dropped_area) + 1))


@given(ANYTHING, st.integers(1, 13))
def test_no_frame_is_told_by_a_later_one(raw: NDArray[np.int16], frames: int) -> None:
    assert np.array_equal(counts(raw[:frames], LOW_THRESHOLD), counts(raw, LOW_THRESHOLD)[:frames])


@given(FRAMES)
def test_a_mirrored_room_holds_as_many(raw: NDArray[np.int16]) -> None:
    image = raw.reshape(14, 8, 8)
    for mirrored in (image[:, ::-1], image[:, :, ::-1]):
        assert np.array_equal(counts(mirrored.reshape(14, 64), LOW_THRESHOLD), counts(raw, LOW_THRESHOLD))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_is_in_an_empty_room(seed: int) -> None:
    assert not counted(room(1200, seed)).any()


@pytest.mark.parametrize(("places", "people"), [((HERE,), 1), ((HERE, THERE), 2), ((HERE, THERE, *OTHERS), 3)])
def test_people_apart_are_counted_up_to_three(places: tuple[Any, ...], people: int) -> None:
    steps = room(300)
    for place in places:
        steps[100:, *place] += PERSON_STEPS
    count = counted(steps)
    assert (count[:100] == 0).all()
    assert (count[130:] == people).all()


def test_a_walker_is_one() -> None:
    """Along a row, a pixel in half a second: one person from the first to the last step."""
    steps = room(200)
    for frame in range(100, 140):
        steps[frame, 3:5, (frame - 100) // 5] += PERSON_STEPS
    count = counted(steps)
    assert (count[115:145] == 1).all()
    assert (count[180:] == 0).all()


def test_somebody_who_stays_is_not_learnt() -> None:
    """Ten minutes on, the person is still one."""
    steps = room(6100)
    steps[100:, *HERE] += PERSON_STEPS
    assert (counted(steps)[130:] == 1).all()


def test_answers_come_late_and_stay_on() -> None:
    """A person 2 degC warmer is seen after less than a second, and for more than a second when gone."""
    steps = np.full((300, 8, 8), float(ROOM_STEPS))
    steps[100:200, *HERE] += PERSON_STEPS
    seen = np.flatnonzero(counted(steps))
    assert 102 <= seen[0] < 110
    assert 210 <= seen[-1] < 250
    assert len(seen) == seen[-1] - seen[0] + 1


def test_a_frame_alone_is_no_person() -> None:
    """Two hot frames among eight are the highest of every pixel, and are left out."""
    steps = np.full((100, 8, 8), float(ROOM_STEPS))
    steps[[40, 42]] += 40
    assert not counted(steps).any()
    steps[44] += 40
    assert counted(steps).any()


def test_before_a_background_nobody_is_counted() -> None:
    """Eight frames make the background, whatever they show, and the person in them is part of it."""
    steps = room(300)
    steps[:, *HERE] += PERSON_STEPS
    assert not counted(steps).any()


def test_who_was_there_at_power_on_leaves_a_hole_that_is_learnt() -> None:
    """Going is no person; the next one at that place, seconds later, is."""
    steps = room(600)
    steps[:100, *HERE] += PERSON_STEPS
    steps[150:, *HERE] += PERSON_STEPS
    count = counted(steps)
    assert not count[:150].any()
    assert (count[180:] == 1).all()


@pytest.mark.parametrize(("degc_per_s", "is_seen"), [(0.25, False), (0.35, True)])
def test_what_warms_slowly_is_learnt_before_it_is_detected(degc_per_s: float, is_seen: bool) -> None:  # noqa: FBT001
    steps = np.full((400, 8, 8), float(ROOM_STEPS))
    steps[100:, *HERE] += (np.arange(300) * 0.4 * degc_per_s)[:, np.newaxis, np.newaxis]
    assert counted(steps).any() == is_seen


def test_a_room_that_warms_slowly_stays_empty() -> None:
    """3 degC in ten minutes."""
    steps = room(6000) + np.linspace(0, 12, 6000)[:, np.newaxis, np.newaxis]
    assert not counted(steps).any()


def test_under_people_the_background_follows_the_others() -> None:
    """The room cools by 3 degC in two minutes while somebody stands there, and when he goes the floor is empty."""
    steps = room(1800) - np.concatenate([np.zeros(200), np.linspace(0, 12, 1200), np.full(400, 12.0)])[:, None, None]
    steps[100:1400, *HERE] += PERSON_STEPS
    count = counted(steps)
    assert (count[130:1400] == 1).all()
    assert not count[1450:].any()


def test_a_room_that_warms_at_once_is_one_person_for_ever() -> None:
    """With all pixels detected nothing is left to follow: a weakness of the rules, kept."""
    steps = room(1300)
    steps[100:] += 4
    assert (counted(steps)[130:] == 1).all()


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"pixels is \(768,\); the detector takes 8 x 8"):
        counts(np.zeros((10, 768), np.int16), API)

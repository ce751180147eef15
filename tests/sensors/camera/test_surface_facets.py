"""Surfaces of people: facets that are too small to be seen one by one are drawn four together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from sensors.camera.backdrop import draw_backdrop
from sensors.camera.light import draw_light
from sensors.camera.person import Stance
from sensors.camera.portrait import paint_portrait

if TYPE_CHECKING:
    import pytest


def test_small_facets_are_taken_four_together_and_large_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the zone nothing changes; far away the picture as a network sees it changes by some hundredths."""

    def drawn(distance_m: float, small_px: float) -> np.ndarray:
        monkeypatch.setattr("sensors.camera.surface._SMALL_PX", small_px)
        rng = np.random.default_rng(7)
        light, backdrop = draw_light(rng), draw_backdrop(rng, 200, 200)
        stance = Stance(np.array([0.0, 0.0, distance_m]), 0.1, 0.0, 0.0)
        picture = paint_portrait(rng, "mask", light, backdrop, stance).radiance
        return cv2.resize(np.clip(picture, 0, 1), (32, 32), interpolation=cv2.INTER_AREA)

    assert (drawn(0.5, 1.5) == drawn(0.5, 0.0)).all()
    apart = np.abs(drawn(2.0, 1.5) - drawn(2.0, 0.0))
    assert 0 < apart.max() < 0.1

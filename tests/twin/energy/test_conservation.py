"""Energy is conserved from the consumers through the regulators to the battery's charge."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu_models.emulators.virtual_clock import PowerState
from twin.energy.battery_sheet import load_battery
from twin.energy.case import Case, budget_of, lives_of
from twin.energy.node_case import node_case
from twin.energy.uncertainty import Sampled, Typical
from twin.energy.usage import usage_of
from twin.energy.week import WeekHours
from twin.node import load_node

if TYPE_CHECKING:
    from twin.energy.uncertainty import Draws
    from twin.energy.usage import Usage
    from twin.node import Node

RUN, SLEEP, STOP = PowerState("run", 80_000_000), PowerState("sleep", 16_000_000), PowerState("stop2", 0)


@cache
def node() -> Node:
    return load_node("ceiling_counter")


def usage(run: float, sleep: float, on: float) -> Usage:
    """Return a usage whose microcontroller runs and sleeps, and whose sensor is on, for shares of the time."""
    shares = {
        (RUN, "normal"): run * on,
        (RUN, "off"): run * (1 - on),
        (SLEEP, "normal"): sleep * on,
        (SLEEP, "off"): sleep * (1 - on),
        (STOP, "normal"): (1 - run - sleep) * on,
        (STOP, "off"): (1 - run - sleep) * (1 - on),
    }
    return usage_of([shares], [0.0], 1e-3)


def case(opened: Usage, closed: Usage, hours: float) -> Case:
    """Return the library's node, open for so many hours of each working day."""
    base = node_case(node(), opened, closed)
    return replace(base, closed=closed, opening=WeekHours(0.0, hours * 3600.0, (0, 1, 2, 3, 4)))


shares = st.just(0.0) | st.floats(1e-9, 0.5)


@settings(deadline=None, max_examples=60)
@given(
    opened=st.tuples(shares, shares, shares),
    closed=st.tuples(shares, shares, shares),
    hours=st.floats(0.5, 23.5),
    draws=st.sampled_from([Typical(), Sampled(1, 3)]),
)
def test_the_battery_gives_what_consumers_and_regulators_take(
    opened: tuple[float, float, float], closed: tuple[float, float, float], hours: float, draws: Draws
) -> None:
    """Over whole weeks, the charge taken from the battery is the budget's average power over its voltage."""
    one = case(usage(*opened), usage(*closed), hours)
    weeks = 3
    limited = replace(one, battery=load_battery("li_ion_18650"), years_limit=weeks * 7 / 365.25)
    lives = lives_of(limited, draws)
    lived = lives.endings == 0
    taken_j = lives.charge_c * one.battery_v
    given_j = sum(budget_of(one, draws).values()) * weeks * 7 * 86400.0
    np.testing.assert_allclose(np.broadcast_to(given_j, taken_j.shape)[lived], taken_j[lived], rtol=1e-9)


def test_books_balance_at_the_end_of_a_life() -> None:
    """What was in the battery is in its books when it has ended."""
    books = lives_of(case(usage(0.01, 0.01, 1.0), usage(0.0, 0.0, 0.0), 10.0), Typical()).books
    spent = books.load_c + books.undelivered_c + books.self_discharge_c + books.charging_loss_c + books.overflow_c
    assert books.fresh_c + books.harvested_c == pytest.approx(spent + books.fade_c + books.left_c, rel=1e-9)

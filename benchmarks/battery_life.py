"""How fast battery lives are computed, how well their books balance, and published figures beside the model's.

    python benchmarks/battery_life.py

One core. The node is open on workdays from 7:30 to 19:00, sends every minute, and has a switching and a linear part.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from dataclasses import fields

import numpy as np

from twin.energy.battery_sheet import load_battery
from twin.energy.cell import cells_of
from twin.energy.demand import Pulse, Stretch, Timetable
from twin.energy.discharge import Books, Lives, lives
from twin.energy.uncertainty import Sampled, Typical
from twin.spans_of_time import YEAR_S

HOUR_S = 3600.0
LIVES = 10_000
YEARS = 10.0
ROOM_DEGC = 20.0

NODES = (
    # battery, average current when closed and when open, pulse, voltage needed under it, light into it
    ("cr2032", 2e-6, 15e-6, 8e-3, 2.0, 0.0),
    ("cr123a", 5e-6, 30e-6, 45e-3, 2.2, 0.0),
    ("aa_alkaline_x2", 5e-6, 60e-6, 45e-3, 2.2, 0.0),
    ("aa_lithium_x2", 5e-6, 60e-6, 45e-3, 2.2, 0.0),
    ("er14505", 5e-6, 50e-6, 45e-3, 2.2, 0.0),
    ("lipo_1400mah", 5e-6, 50e-6, 45e-3, 3.2, 0.0),
    ("li_ion_18650", 5e-6, 50e-6, 45e-3, 3.2, 0.0),
    ("li_ion_18650", 5e-6, 200e-6, 45e-3, 3.2, 3e-3),
    ("lic_40f", 5e-6, 50e-6, 45e-3, 2.4, 1e-3),
)


def main() -> None:
    """Print both tables."""
    _speed()
    _published()


def _speed() -> None:
    many_lives = f"{LIVES:,} lives"
    print(
        f"{'battery':<18}{'light':>8}{'one life':>10}{many_lives:>14}{'P10':>7}{'P50':>7}{'P90':>7}  balance, ends by"
    )
    for name, closed_a, open_a, pulse_a, needed_v, harvested_w in NODES:
        week = _week(closed_a, open_a, pulse_a, needed_v, harvested_w)
        one, one_s = _timed(name, week, 1)
        many, many_s = _timed(name, week, LIVES)
        low, middle, high = np.percentile(many.life_s / YEAR_S, [10, 50, 90])
        print(
            f"{name:<18}{harvested_w * 1e3:5.1f} mW{one_s:8.2f} s{many_s:12.2f} s{low:7.2f}{middle:7.2f}{high:7.2f}"
            f"  {_out_of_balance(many.books):.0e}, {one.ends_by()}"
        )


def _timed(name: str, week: Timetable, number: int) -> tuple[Lives, float]:
    sheet = load_battery(name)
    draws = Typical() if number == 1 else Sampled(seed=1, number=number)
    start_s = time.perf_counter()
    computed = lives(sheet, draws, week, years_limit=YEARS)
    return computed, time.perf_counter() - start_s


def _week(closed_a: float, open_a: float, pulse_a: float, needed_v: float, harvested_w: float) -> Timetable:
    sending = (Pulse("sending", 0.05, 60.0, np.array([pulse_a]), np.zeros(1), np.array([needed_v])),)
    none = np.zeros(1)
    closed, opened = np.array([closed_a]), np.array([open_a])
    night = Stretch(7.5 * HOUR_S, closed, none, (), ROOM_DEGC, none)
    day = Stretch(11.5 * HOUR_S, opened, opened / 2, sending, ROOM_DEGC, np.array([harvested_w]))
    evening = Stretch(5 * HOUR_S, closed, none, (), ROOM_DEGC, none)
    weekend = Stretch(48 * HOUR_S, closed, none, (), ROOM_DEGC, none)
    return Timetable((*((night, day, evening) * 5), weekend))


def _out_of_balance(books: Books) -> float:
    values = {f.name: getattr(books, f.name) for f in fields(books)}
    given_c = values.pop("fresh_c") + values.pop("harvested_c")
    return float(np.max(np.abs(given_c - sum(values.values())) / given_c))


def _published() -> None:
    print(f"\n{'figure':<62}{'published':>10}{'model':>8}{'error':>8}")
    rows = (
        ("CR2032, 30 instead of 15 mA pulses: charge (SWRA349; chosen)", 0.91, _used(30e-3) / _used(15e-3)),
        ("CR123A, mean voltage at 1 A (HKJ; chosen)", 3.180 / 1.450, _mean_v("cr123a", 1.0)),
        ("2 x L91, mean voltage of one at 1 A (HKJ; known)", 4.053 / 3.228, _mean_v("aa_lithium_x2", 1.0) / 2),
        ("2 x L91, Ah at 1 A (HKJ)", 3.228, _delivered_ah("aa_lithium_x2", 1.0)),
        ("2 x AA alkaline, Ah at 250 mA with rests (Duracell Procell)", 2.3, _delivered_ah("aa_alkaline_x2", 0.25)),
        ("18650, Ah at C/10 (Batemo, NCR18650B)", 3.28, _delivered_ah("li_ion_18650", 0.34)),
        ("Li-SOCl2, 9.7 years against months (Linden p. 14.30)", 17.0 / 19.0, _slow_thionyl()),
    )
    for what, published, model in rows:
        print(f"{what:<62}{published:10.3f}{model:8.3f}{(model / published - 1) * 100:+7.1f}%")


def _used(current_a: float) -> float:
    asked = Pulse("pulse", 0.001, 0.999, np.array([current_a]), np.zeros(1), np.array([2.0]))
    return 1 - float(cells_of(load_battery("cr2032"), Typical()).lowest_charge_left(asked, ROOM_DEGC)[0])


def _constant(name: str, current_a: float) -> Lives:
    always = Stretch(60.0, np.array([current_a]), np.zeros(1), (), ROOM_DEGC, np.zeros(1))
    return lives(load_battery(name), Typical(), Timetable((always,)), years_limit=30.0, history_of=0)


def _mean_v(name: str, current_a: float) -> float:
    history = _constant(name, current_a).history
    if history is None:
        raise AssertionError
    return float(np.trapezoid(history.power_w, history.time_s) / history.time_s[-1] / current_a)


def _delivered_ah(name: str, current_a: float) -> float:
    return float(_constant(name, current_a).charge_c[0]) / 3600


def _slow_thionyl() -> float:
    rated_a = 2e-3
    slow_a = 2.6 * 17.0 / 19.0 / (17.0 / 0.2e-3)
    return float(_constant("er14505", slow_a).charge_c[0] / _constant("er14505", rated_a).charge_c[0])


if __name__ == "__main__":
    main()

"""How fast the app answers, measured in headless Chromium: its first page, and a slider that moves a sensor.

    python benchmarks/app_response.py

A move is counted from the key press on the slider to the first picture in which the drawn plan shows the new value, on
the page's own clock. The first page is counted from the request to the drawn plan, with a server that nobody has asked
before and a browser with nothing in its cache. Needs Chromium: apt-get install chromium chromium-driver.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver.remote.webdriver import WebDriver

PROJECT = Path(__file__).parents[1]
PATIENCE_S = 60
GOAL_FIRST_PAGE_S, GOAL_MOVE_S = 3.0, 0.3
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1400")
SLIDERS = ("Height, m", "x, m")

_WATCH = """
window.addEventListener('keydown', event => { window.pressed = event.timeStamp; window.drawn = {}; }, true);
const look = () => {
    const sensor = document.querySelector('.plan-board .sensor');
    if (sensor && window.drawn) {
        const place = Number(sensor.querySelector('circle').getAttribute('cx')).toFixed(2);
        const said = sensor.querySelector('title').textContent + ' ' + place;
        window.drawn[said] = window.drawn[said] || performance.now();
    }
    requestAnimationFrame(look);
};
look();
"""
"""Notes at every picture of the browser what the plan shows."""
_SINCE = """
const found = Object.entries(window.drawn || {}).find(one => one[0].includes(arguments[0]));
return found ? (found[1] - window.pressed) / 1000 : null;
"""
_IS_DRAWN = "return Boolean(document.querySelector('.plan-board .sensor circle'));"


@contextmanager
def _server() -> Iterator[str]:
    """Run the app; give its address."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    command = [sys.executable, "app.py", f"--server.port={port}"]
    with subprocess.Popen(  # noqa: S603 - this project's own app
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    for _ in range(PATIENCE_S * 20):
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
            return
        time.sleep(0.05)
    sys.exit("the app did not start")


@contextmanager
def _browser(profile: Path) -> Iterator[WebDriver]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        sys.exit("needs Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def _first_page_s(browser: WebDriver, address: str) -> float:
    begun = time.perf_counter()
    browser.get(address)
    WebDriverWait(browser, PATIENCE_S, poll_frequency=0.02).until(lambda page: page.execute_script(_IS_DRAWN))
    return time.perf_counter() - begun


def _moves_s(browser: WebDriver, moves: int) -> list[float]:
    """Return how long each move took, half of them of each slider, back and forth."""
    wait = WebDriverWait(browser, PATIENCE_S, poll_frequency=0.01)
    at_rest = "[data-testid='stApp'][data-test-script-state='notRunning']"
    wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, at_rest))
    browser.execute_script(_WATCH)
    taken = []
    for label, unit in zip(SLIDERS, (" m high", ""), strict=True):
        thumb = browser.find_element(By.CSS_SELECTOR, f"input[aria-label='{label}']")
        value = float(thumb.get_attribute("value") or 0)
        for move in range(moves // len(SLIDERS)):
            is_back = move % 10 >= 5
            value += 0.01 if is_back else -0.01
            thumb.send_keys(Keys.ARROW_RIGHT if is_back else Keys.ARROW_LEFT)
            taken.append(_drawn_after_s(wait, f"{value:.2f}{unit}"))
    return taken


def _drawn_after_s(wait: WebDriverWait[WebDriver], expected: str) -> float:
    """Return how long after the last key press the plan showed what was expected."""

    def since(browser: WebDriver) -> float | None:
        found: float | None = browser.execute_script(_SINCE, expected)
        return found

    return wait.until(since) or 0.0


def main() -> None:
    """Print what each run measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--moves", type=int, default=50)
    asked = parser.parse_args()
    print(f"goals: first page within {GOAL_FIRST_PAGE_S:g} s, 95 of 100 moves within {GOAL_MOVE_S * 1e3:.0f} ms")
    for run in range(1, asked.runs + 1):
        with tempfile.TemporaryDirectory() as profile, _server() as address, _browser(Path(profile)) as browser:
            first_s = _first_page_s(browser, address)
            taken = sorted(_moves_s(browser, asked.moves))
            again_s = _first_page_s(browser, address)
        p50, p95 = statistics.median(taken), taken[max(0, -(-len(taken) * 95 // 100) - 1)]
        print(
            f"run {run}: first page {first_s:.2f} s, again {again_s:.2f} s; {len(taken)} moves: "
            f"p50 {p50 * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms, longest {taken[-1] * 1e3:.0f} ms"
        )


if __name__ == "__main__":
    main()

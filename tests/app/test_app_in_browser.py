"""The app in a real browser, as a user starts it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import ezdxf
import pytest
from selenium import webdriver
from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver.remote.webdriver import WebDriver

PROJECT = Path(__file__).parents[2]
PATIENCE_S = 90
SIZE_Y_M = 4.0
"""Of the room that is drawn."""
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1400,1800",
)

pytestmark = pytest.mark.browser


@pytest.fixture
def port() -> int:
    """Return a loopback port that is free."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        free: int = listener.getsockname()[1]
    return free


@pytest.fixture
def server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the app as `make app` does, and end it."""
    command = [sys.executable, "app.py", f"--server.port={port}"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _until(lambda: _answers(port), "the app did not start")
            yield process
        finally:
            process.kill()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    """Run headless Chromium, and end it."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("needs Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path)})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    try:
        yield driver
    finally:
        driver.quit()


def test_a_planner_from_drawing_to_export(
    browser: WebDriver, server: subprocess.Popen[bytes], port: int, tmp_path: Path
) -> None:
    """A drawing is uploaded, two sensors are hung by clicks, coverage is read, a node runs, everything is exported."""
    pictures = Path(os.environ.get("TWIN_TEST_PICTURES", tmp_path))
    wait = _wait(browser)
    browser.get(f"http://127.0.0.1:{port}")
    _until_sensors(wait, 2)
    _upload(browser, wait, tmp_path)
    _until_sensors(wait, 1)
    _click_plan(browser, wait, 1.5, 1.5)
    _until_sensors(wait, 2)
    _click_plan(browser, wait, 4.5, 2.0)
    _until_sensors(wait, 3)
    _press(wait, By.CSS_SELECTOR, ".st-key-plan_remove button")
    _until_sensors(wait, 2)
    _drag(browser, wait, (1.5, 1.5), (1.5, 2.5))
    browser.save_screenshot(str(pictures / "plan.png"))
    address = browser.current_url
    browser.refresh()
    _until_sensors(wait, 2)
    assert browser.current_url == address
    _go_to(wait, "Coverage")
    blind = wait.until(lambda page: _metrics(page).get("Blind", ""))
    assert 0 < int(blind.rstrip("%")) < 100
    wait.until(lambda page: page.execute_script(_HAS_HEAT))
    browser.save_screenshot(str(pictures / "coverage.png"))
    _go_to(wait, "Node")
    wait.until(lambda page: "on its battery" in page.find_element(By.TAG_NAME, "body").text)
    browser.save_screenshot(str(pictures / "node.png"))
    _go_to(wait, "Export")
    everything = "//button[contains(., 'Everything in one file')]"
    wait.until(lambda page: page.find_elements(By.XPATH, everything))
    browser.save_screenshot(str(pictures / "export.png"))
    _press(wait, By.XPATH, everything)
    wait.until(lambda _: (tmp_path / "design.zip").is_file())
    names = set(zipfile.ZipFile(tmp_path / "design.zip").namelist())
    assert {"plan/plan.toml", "sensors/sensor_2.toml", "coverage/coverage.csv", "runs/report.html"} <= names
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-testid='stException']")
    assert server.poll() is None
    assert _listening_addresses(port) == {"127.0.0.1"}


def test_the_battery_page_in_the_browser(browser: WebDriver, server: subprocess.Popen[bytes], port: int) -> None:
    """Choosing another policy changes the life on the page."""
    browser.get(f"http://127.0.0.1:{port}/battery")
    wait = _wait(browser)
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .main-svg")) >= 4)
    before = browser.find_element(By.CSS_SELECTOR, "[data-testid='stMetricValue']").text
    _press(wait, By.XPATH, "//label[contains(., 'sensor power-gated')]")
    wait.until(lambda page: page.find_element(By.CSS_SELECTOR, "[data-testid='stMetricValue']").text != before)
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-testid='stException']")
    assert server.poll() is None
    if pictures := os.environ.get("TWIN_TEST_PICTURES"):
        browser.save_screenshot(str(Path(pictures) / "battery_page.png"))


_SENSORS = "return document.querySelectorAll('.plan-board .sensor circle').length;"
_PLACE = """
const plan = document.querySelector('.plan-board svg');
plan.scrollIntoView({block: 'center'});
const place = new DOMPoint(arguments[0], arguments[2] - arguments[1]).matrixTransform(plan.getScreenCTM());
return [place.x, place.y];
"""
_HAS_HEAT = """
return [...document.querySelectorAll('.js-plotly-plot')].some(
    one => one.data.some(t => t.type === 'heatmap') && one.querySelector('.heatmaplayer image'));
"""


def _wait(browser: WebDriver) -> WebDriverWait[WebDriver]:
    """Return what waits for conditions, over elements that are drawn anew meanwhile."""
    passing = (StaleElementReferenceException, ElementClickInterceptedException)
    return WebDriverWait(browser, PATIENCE_S, poll_frequency=0.1, ignored_exceptions=passing)


def _press(wait: WebDriverWait[WebDriver], by: str, what: str) -> None:
    def press(page: WebDriver) -> bool:
        page.find_element(by, what).click()
        return True

    wait.until(press, f"{what} could not be pressed")


def _until_sensors(wait: WebDriverWait[WebDriver], number: int) -> None:
    """Wait until so many sensors are drawn, and nothing is under way."""
    wait.until(lambda page: page.execute_script(_SENSORS) == number, f"{number} sensors were not drawn")
    _settle(wait)


def _settle(wait: WebDriverWait[WebDriver]) -> None:
    done = "[data-testid='stApp'][data-test-script-state='notRunning']"
    wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, done), "the page did not come to rest")


def _upload(browser: WebDriver, wait: WebDriverWait[WebDriver], folder: Path) -> None:
    """Upload a drawing of a room of 6 x 4 m."""
    document = ezdxf.new(units=6)
    corners = [(0, 0), (6, 0), (6, SIZE_Y_M), (0, SIZE_Y_M)]
    document.modelspace().add_lwpolyline(corners, close=True, dxfattribs={"layer": "WALLS"})
    document.saveas(folder / "flat.dxf")
    chooser = wait.until(lambda page: page.find_element(By.CSS_SELECTOR, ".st-key-plan_upload input[type=file]"))
    chooser.send_keys(str(folder / "flat.dxf"))
    wait.until(lambda page: "plan=office_doorway" not in page.current_url, "the drawing did not become the plan")
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-testid='stAlertContentError']")


def _click_plan(browser: WebDriver, wait: WebDriverWait[WebDriver], x_m: float, y_m: float) -> None:
    _settle(wait)
    pointer = ActionChains(browser)
    pointer.w3c_actions.pointer_action.move_to_location(*map(round, browser.execute_script(_PLACE, x_m, y_m, SIZE_Y_M)))
    pointer.w3c_actions.pointer_action.click()
    pointer.perform()


def _drag(
    browser: WebDriver, wait: WebDriverWait[WebDriver], from_m: tuple[float, float], to_m: tuple[float, float]
) -> None:
    """Drag a sensor over the plan, and wait until the address says where it hangs now."""
    _settle(wait)
    pointer = ActionChains(browser)
    action = pointer.w3c_actions.pointer_action
    action.move_to_location(*map(round, browser.execute_script(_PLACE, *from_m, SIZE_Y_M)))
    action.pointer_down()
    action.move_to_location(*map(round, browser.execute_script(_PLACE, *to_m, SIZE_Y_M)))
    action.pointer_up()
    pointer.perform()
    wait.until(lambda page: f"{to_m[0]:g}%2C{to_m[1]:g}" in page.current_url, "the sensor was not dragged")


def _go_to(wait: WebDriverWait[WebDriver], page: str) -> None:
    """Follow the navigation, as the address of a page alone would begin a new session."""
    link = f"//a[@data-testid='stSidebarNavLink'][contains(., '{page}')]"
    _press(wait, By.XPATH, link)
    wait.until(lambda now: page in [one.text for one in now.find_elements(By.TAG_NAME, "h2")], f"{page} was not shown")


def _metrics(browser: WebDriver) -> dict[str, str]:
    found = browser.find_elements(By.CSS_SELECTOR, "[data-testid='stMetric']")
    lines = [one.text.split("\n") for one in found]
    return {line[0]: line[-1] for line in lines if len(line) > 1}


def _until(is_done: Callable[[], bool], complaint: str) -> None:
    for _ in range(PATIENCE_S * 5):
        if is_done():
            return
        time.sleep(0.2)
    raise AssertionError(complaint)


def _answers(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _listening_addresses(port: int) -> set[str]:
    """Return the addresses on which somebody listens at `port`, from the kernel's own tables."""
    addresses: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, local_port = local.split(":")
            if int(local_port, 16) == port and state == "0A":
                addresses.add(_dotted(address))
    return addresses


def _dotted(address: str) -> str:
    if len(address) != 8:
        return address
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(address)))

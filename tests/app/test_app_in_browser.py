"""The app in a real browser, as a user starts it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver.remote.webdriver import WebDriver

PROJECT = Path(__file__).parents[2]
PATIENCE_S = 90
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
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
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
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    try:
        yield driver
    finally:
        driver.quit()


def test_a_run_in_the_browser(browser: WebDriver, server: subprocess.Popen[bytes], port: int) -> None:
    """Pressing Run ends in a verdict and its figures, without an error, on the loopback interface only."""
    browser.get(f"http://127.0.0.1:{port}")
    wait = WebDriverWait(browser, PATIENCE_S)
    seconds = wait.until(lambda page: page.find_element(By.CSS_SELECTOR, "input[aria-label='Length in s']"))
    seconds.send_keys("\ue009a\ue000" + "10\n")
    _press(browser, "Run")
    wait.until(lambda page: "on its battery" in page.find_element(By.TAG_NAME, "body").text)
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .main-svg")) >= 6)
    wait.until(lambda page: "report.html" in page.find_element(By.TAG_NAME, "body").text)
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-testid='stException']")
    assert "Traceback" not in browser.page_source
    assert server.poll() is None
    assert _listening_addresses(port) == {"127.0.0.1"}


def test_the_battery_page_in_the_browser(browser: WebDriver, server: subprocess.Popen[bytes], port: int) -> None:
    """Choosing another policy changes the life on the page."""
    browser.get(f"http://127.0.0.1:{port}")
    wait = WebDriverWait(browser, PATIENCE_S)
    wait.until(lambda page: any(b.text == "Battery" for b in page.find_elements(By.TAG_NAME, "button")))
    _press(browser, "Battery")
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .main-svg")) >= 4)
    before = browser.find_element(By.CSS_SELECTOR, "[data-testid='stMetricValue']").text
    label = "//label[contains(., 'sensor power-gated')]"
    wait.until(lambda page: page.find_element(By.XPATH, label)).click()
    wait.until(lambda page: page.find_element(By.CSS_SELECTOR, "[data-testid='stMetricValue']").text != before)
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-testid='stException']")
    assert server.poll() is None
    if pictures := os.environ.get("TWIN_TEST_PICTURES"):
        browser.save_screenshot(str(Path(pictures) / "battery_page.png"))


def _press(browser: WebDriver, label: str) -> None:
    buttons = browser.find_elements(By.TAG_NAME, "button")
    next(button for button in buttons if button.text == label).click()


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

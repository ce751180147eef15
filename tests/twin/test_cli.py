"""The command line: what it prints, what it writes, and how it refuses bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.networks.library import find_network
from scenarios.room import load_scenario
from sensors.recording import read_recording
from twin.cli import run
from twin.host_node import host_count
from twin.node import load_node

NODE = Path("twin/nodes/ceiling_counter.toml")
LIBRARY_NODE = """title = "t"
board = "stm32l4a6zg"
network = "people_c8_p_fc"
app = "people_counter"
battery = "lipo_1400mah"
[sensor]
part = "amg8833"
noise = "field"
bus = "I2C1"
address = 0x69
supply_v = 3.3
"""


def node_file(tmp_path: Path, old: str = "", new: str = "", extra: str = "") -> str:
    path = tmp_path / "node.toml"
    assert old in LIBRARY_NODE
    path.write_text(LIBRARY_NODE.replace(old, new) + extra)
    return str(path)


def scenario_file(tmp_path: Path, old: str, new: str) -> str:
    from datasheet.config import find_in_library  # noqa: PLC0415

    text = find_in_library("office_doorway", "scenarios.library", kind="scenario").read_text()
    assert old in text
    path = tmp_path / "scenario.toml"
    path.write_text(text.replace(old, new, 1))
    return str(path)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.count("\n") == 1, captured.err
    return captured.err


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    assert run(["run", "office_doorway", "--node", "ceiling_counter", "--seconds", "30", "--out", str(out)]) == 0
    return out


def test_run_writes_the_three_files_and_nothing_else(ran: Path) -> None:
    assert sorted(p.name for p in ran.iterdir()) == ["frames.npz", "report.html", "result.json"]


def test_the_result_follows_the_schema(ran: Path) -> None:
    result = json.loads((ran / "result.json").read_text())
    assert set(result) == {
        "accuracy", "latency_s", "latency_error", "energy_j", "average_power_w", "battery", "power_states_s",
        "memory_bytes", "events", "provenance", "accuracy_over_deployments",
    }  # fmt: skip
    assert set(result["accuracy"]) == {"balanced_accuracy", "accuracy", "f1_weighted", "mse", "mae", "confusion"}
    assert {"inference_p50", "inference_p95", "inference_max", "event_to_answer_p50"} == set(result["latency_s"])
    assert {"life_s", "life_s_low", "life_s_high"} <= set(result["battery"])
    assert {"scenario", "node", "seed", "level", "backend", "network_sha256", "firmware_sha256", "compiler",
            "versions", "assumed"} <= set(result["provenance"])  # fmt: skip
    assert result["provenance"]["problems"] == []


def test_frames_of_a_run_are_a_recording_with_its_truth(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not with the node's own answers, by which it would always be right."""
    accuracy = json.loads((ran / "result.json").read_text())["accuracy"]
    assert accuracy["balanced_accuracy"] < 1
    assert run(["evaluate", "people_c16_p_c16_fc_w3", str(ran / "frames.npz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confusion"] == accuracy["confusion"]


def test_energy_is_conserved(ran: Path) -> None:
    result = json.loads((ran / "result.json").read_text())
    total_j = sum(result["energy_j"]["by_consumer"].values())
    assert total_j == pytest.approx(result["average_power_w"] * result["provenance"]["seconds"], rel=1e-9)
    assert result["energy_j"]["frame"] == pytest.approx(result["average_power_w"] * 0.1, rel=1e-9)


def test_the_power_states_fill_the_time(ran: Path) -> None:
    states = json.loads((ran / "result.json").read_text())["power_states_s"]
    for part in ("mcu", "sensor"):
        assert sum(states[part].values()) == pytest.approx(states["span"], rel=1e-9)
    assert states["span"] == pytest.approx(29.9, abs=0.001)


def test_the_frames_are_those_the_node_answered(ran: Path) -> None:
    with np.load(ran / "frames.npz", allow_pickle=False) as data:
        assert data["frames"].shape == (300, 8, 8)
        assert data["frames"].dtype == np.float32
        assert data["count"].shape == data["truth"].shape == data["time_s"].shape == (300,)
        assert set(np.unique(data["count"])) <= {0, 1, 2, 3}


def test_the_same_seed_gives_the_same_bytes(ran: Path, tmp_path: Path) -> None:
    arguments = ["run", "office_doorway", "--node", "ceiling_counter", "--seconds", "30", "--out", str(tmp_path)]
    assert run(arguments) == 0
    for name in ("result.json", "frames.npz", "report.html"):
        assert (tmp_path / name).read_bytes() == (ran / name).read_bytes(), name


def test_both_levels_give_the_same_counts(ran: Path, tmp_path: Path) -> None:
    arguments = ["run", "office_doorway", "--node", "ceiling_counter", "--seconds", "30", "--level", "host"]
    assert run([*arguments, "--out", str(tmp_path)]) == 0
    host, emulated = (json.loads((folder / "result.json").read_text()) for folder in (tmp_path, ran))
    with np.load(tmp_path / "frames.npz") as ours, np.load(ran / "frames.npz") as theirs:
        assert np.array_equal(ours["count"], theirs["count"])
    assert host["accuracy"] == emulated["accuracy"]
    for key in ("inference_p50", "inference_p95", "inference_max"):
        assert host["latency_s"][key] == pytest.approx(emulated["latency_s"][key], rel=0.03)
    assert host["average_power_w"] == pytest.approx(emulated["average_power_w"], rel=0.01)
    assert host["energy_j"]["inference"] == pytest.approx(emulated["energy_j"]["inference"], rel=0.05)


def test_json_goes_to_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["run", "office_doorway", "--node", "ceiling_counter", "--seconds", "10", "--level", "host", "--json"]) == 0
    )
    captured = capsys.readouterr()
    assert json.loads(captured.out)["provenance"]["level"] == "host"
    assert captured.err == ""


def test_sense_evaluate_and_emulate_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = tmp_path / "frames.npz"
    assert run(["sense", "office_doorway", "--seconds", "20", "--seed", "5", "--out", str(frames)]) == 0
    capsys.readouterr()
    network = "people_c16_p_c16_fc_w3"
    assert run(["evaluate", network, str(frames), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["frames"] == 200
    used = {key: evaluated[key] for key in ("frontend", "window", "votes", "wake_up_degc")}
    assert used == {"frontend": "hold_zero", "window": 3, "votes": 1, "wake_up_degc": None}
    image = ["emulate", "people_counter_stm32l4a6zg", "--frames", str(frames), "--network", network, "--json"]
    assert run(image) == 0
    emulated = json.loads(capsys.readouterr().out)
    assert (emulated["frames"], emulated["mismatches"]) == (200, 0)
    assert emulated["end"] == "seconds"
    assert emulated["problems"] == []


@pytest.mark.parametrize(
    ("network", "used", "words"),
    [
        (
            "people_c8_p_c8_fc_w3",
            ("hold_zero", 3, 1, 0.8),
            "counted with │ hold_zero, window 3, votes 1, wake-up at 0.8 degC",
        ),
        ("people_c8_p_fc_vote3", ("hold_zero", 1, 3, None), "counted with │ hold_zero, window 1, votes 3, no wake-up"),
        ("panasonic_grid_eye_api", ("", None, 1, None), "counted with │ rules"),
    ],
)
def test_evaluate_says_what_is_done_around_a_network(
    network: str,
    used: tuple[str, int | None, int, float | None],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = replace(find_network(network), wake_up_degc=used[3])
    monkeypatch.setattr("mcu_models.networks.library.find_network", lambda _: entry)
    frames = tmp_path / "frames.npz"
    assert run(["sense", "office_doorway", "--seconds", "2", "--out", str(frames)]) == 0
    capsys.readouterr()
    assert run(["evaluate", network, str(frames), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert tuple(found[key] for key in ("frontend", "window", "votes", "wake_up_degc")) == used
    assert run(["evaluate", network, str(frames)]) == 0
    assert words in " ".join(capsys.readouterr().out.split())


def test_easy_frames_are_chosen_after_all_were_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A front end that looks back sees the frames between the easy ones, too."""
    entry = replace(find_network("people_c8_p_fc"), frontend="hold_zero")
    monkeypatch.setattr("mcu_models.networks.library.find_network", lambda _: entry)
    frames = tmp_path / "frames.npz"
    assert run(["sense", "office_doorway", "--seconds", "40", "--seed", "1", "--out", str(frames)]) == 0
    seen, easy = read_recording(frames), np.arange(400) % 3 == 0
    np.savez(frames, frames=seen.frames, count=seen.count, time_s=seen.time_s, confidence=easy.astype(np.int64))
    capsys.readouterr()
    assert run(["evaluate", "people_c8_p_fc", str(frames), "--easy", "--json"]) == 0
    said_accuracy = json.loads(capsys.readouterr().out)["accuracy"]
    right = host_count(entry, seen.frames)[easy] == seen.count[easy]
    assert said_accuracy == pytest.approx(right.mean())
    assert said_accuracy != np.mean(host_count(entry, seen.frames[easy]) == seen.count[easy])


def test_emulate_until_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", "people_counter_stm32l4a6zg", "--until", "people counter", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["end"] == "until"
    assert answer["uart"] == ["people counter"]
    assert 2.0 < answer["virtual_s"] < 2.1


def test_firmware_without_a_sensor_says_so_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", "people_counter_stm32l4a6zg", "--seconds", "8", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["uart"].count("sensor does not answer") >= 3


def test_a_script_whose_text_does_not_come_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.txt").write_text("# no sensor\nexpect people\ntimeout 2\nexpect no such text\n")
    arguments = ["emulate", "people_counter_stm32l4a6zg", "--uart-script", str(tmp_path / "s.txt"), "--json"]
    assert run(arguments) == 1
    detail = json.loads(capsys.readouterr().out)["detail"]
    assert "'no such text' of script line 4 did not come within 2 s; last heard was" in detail
    assert "sensor does not answer" in detail


def test_a_sensor_at_the_other_address_is_a_failure_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", "office_doorway", "--node", node_file(tmp_path, "0x69", "0x68"), "--seconds", "2"]) == 1
    error = said(capsys)
    assert "0x68 of I2C1" in error
    assert "sensor does not answer" in error


def test_a_text_that_does_not_come_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", "people_counter_stm32l4a6zg", "--until", "no such text", "--seconds", "1"]) == 1
    assert "seconds" in capsys.readouterr().err


def test_results_go_where_links_lead(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "plan.png").symlink_to("kept/real.png")
    arguments = ["scenario", "show", "office_doorway", "--seconds", "1", "--out", str(tmp_path / "plan.png")]
    assert run(arguments) == 0
    assert (tmp_path / "plan.png").is_symlink()
    assert (tmp_path / "kept" / "real.png").read_bytes().startswith(b"\x89PNG")


def test_the_drawing_of_a_scenario_bears_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scenario_file(tmp_path, 'name = "office_doorway"', 'name = "own_room-2"')
    monkeypatch.chdir(tmp_path)
    assert run(["scenario", "show", path, "--seconds", "1"]) == 0
    assert sorted(found.name for found in tmp_path.iterdir()) == ["own_room-2.png", "scenario.toml"]


@pytest.mark.parametrize(
    "kind", ["boards", "sensors", "cameras", "networks", "scenarios", "doors", "nodes", "batteries", "images"]
)
def test_list_names_something_of_every_kind(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", kind, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[kind]


class TestBadInput:
    """One clear line, status 2, nothing written."""

    @pytest.mark.parametrize(
        ("arguments", "hint"),
        [
            (["run", "office_dorway", "--node", "ceiling_counter"], "office_doorway"),
            (["run", "office_doorway", "--node", "celing_counter"], "ceiling_counter"),
            (["build", "people_c8_p_fc", "--board", "stm32l4a6", "--out", "x"], "stm32l4a6zg"),
            (["evaluate", "people_c8", "x.npz"], "people_c8_p_fc"),
            (["emulate", "people_counter"], "people_counter_stm32l4a6zg"),
            (["list", "board"], "boards"),
            (["run", "office_doorway", "--node", "ceiling_counter", "--level", "hots"], "host or emulated"),
            (["run", "office_doorway", "--node", "ceiling_counter", "--seconds", "0"], "--seconds"),
            (["run", "office_doorway"], "--node"),
        ],
    )
    def test_unknown_names(self, arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(arguments) == 2
        assert hint in said(capsys)

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("battery =", "batery =", r"node\.toml: batery.*battery"),
            ("0x69", "0x42", r"node\.toml: sensor\.address.*0x68 or 0x69"),
            ('"field"', '"feild"', r"feild.*field"),
            ("3.3", "-3.3", r"node\.toml: sensor\.supply_v.*-3\.3"),
            ("3.3", "5.0", r"node\.toml: sensor\.supply_v.*3 to 3\.6 V"),
            ('"people_counter"', '"../../etc"', r"node\.toml: app.*people_counter"),
            ('"I2C1"', '"I2C9"', r"I2C9.*I2C1"),
            ('title = "t"', "title = ", r"node\.toml"),
        ],
    )
    def test_bad_nodes(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, expected: str
    ) -> None:
        assert run(["run", "office_doorway", "--node", node_file(tmp_path, old, new), "--seconds", "2"]) == 2
        assert re.search(expected, said(capsys))

    def test_a_sensor_outside_the_walls(self, tmp_path: Path) -> None:
        """The room is L-shaped; its bounding box holds the mount, its walls do not."""
        office = load_scenario("office_doorway")
        corner_m = ((0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (3.0, 3.0), (3.0, 5.0), (0.0, 5.0))
        angled = office.model_copy(update={"room": office.room.model_copy(update={"outline_m": corner_m})})
        node = load_node(node_file(tmp_path, extra="[mount]\nx_m = 3.6\ny_m = 4.0\nheight_m = 2.5\n"))
        with pytest.raises(BadInputError, match="within the walls"):
            node.mount_in(angled)

    @pytest.mark.parametrize("mount", ["x_m = 9.0\ny_m = 1.0\nheight_m = 2.0", "x_m = 1.0\ny_m = 1.0\nheight_m = 3.5"])
    def test_a_sensor_outside_the_room(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], mount: str) -> None:
        node = node_file(tmp_path, extra=f"[mount]\n{mount}\n")
        assert run(["run", "office_doorway", "--node", node, "--seconds", "2"]) == 2
        assert re.search(r"node\.toml: mount\.\w+_m", said(capsys))

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("ceiling_height_m = 2.7", "ceiling_height_m = -2.7", r"ceiling_height_m.*-2\.7"),
            ("ceiling_height_m", "ceiling_hight_m", r"ceiling_hight_m.*ceiling_height_m"),
            ("[sensor_mount]\nx_m = 2.0", "[sensor_mount]\nx_m = 7.0", r"sensor_mount\.x_m.*7"),
        ],
    )
    def test_bad_scenarios(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, expected: str
    ) -> None:
        path = scenario_file(tmp_path, old, new)
        assert run(["run", path, "--node", "ceiling_counter", "--seconds", "2"]) == 2
        assert re.search(expected, said(capsys))

    @pytest.mark.parametrize(
        ("file", "expected"),
        [
            ("same_depthwise.tflite", r"input shape is '?\[9, 7, 3\]'?; a front end needs"),
            ("truncated.tflite", "truncated.tflite"),
            ("missing.tflite", "missing.tflite"),
            ("sixteen_by_sixteen.tflite", "16 x 16.*8 x 8"),
        ],
    )
    def test_bad_networks(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, expected: str) -> None:
        models = Path(__file__).parent.parent / "mcu_models" / "compiler" / "models"
        path = models / file
        if file == "truncated.tflite":
            path = tmp_path / file
            path.write_bytes((models / "c8_p_fc.tflite").read_bytes()[:700])
        node = node_file(tmp_path, '"people_c8_p_fc"', f'"{path}"')
        out = tmp_path / "out"
        assert run(["run", "office_doorway", "--node", node, "--seconds", "2", "--out", str(out)]) == 2
        assert re.search(expected, said(capsys))
        assert not out.exists()

    def test_an_output_folder_that_cannot_be_made(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").write_text("")
        arguments = ["run", "office_doorway", "--node", "ceiling_counter", "--out", str(tmp_path / "file" / "out")]
        assert run(arguments) == 2
        assert "cannot be written to" in said(capsys)

    @pytest.mark.parametrize(
        ("command", "option", "file"),
        [
            (["sense", "office_doorway"], "--out", "frames.npz"),
            (["scenario", "show", "office_doorway"], "--out", "plan.png"),
            (["validate", "sensor", "recording.npz"], "--plot", "rows.png"),
        ],
    )
    def test_an_output_that_is_no_regular_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], option: str, file: str
    ) -> None:
        """A pipe, which stands for every device, stays what it is."""
        os.mkfifo(tmp_path / file)
        assert run([*command, option, str(tmp_path / file)]) == 2
        assert f"{file}; must be a regular file" in said(capsys)
        assert (tmp_path / file).is_fifo()

    def test_a_result_that_is_no_regular_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        os.mkfifo(tmp_path / "report.html")
        arguments = ["run", "office_doorway", "--node", "ceiling_counter", "--level", "host", "--seconds", "2"]
        assert run([*arguments, "--out", str(tmp_path)]) == 2
        assert "report.html; must be a regular file" in said(capsys)
        assert [path.name for path in tmp_path.iterdir()] == ["report.html"]

    @pytest.mark.parametrize(
        ("command", "option", "ending"),
        [
            (["sense", "no_such_scenario"], "--out", ".npz"),
            (["scenario", "show", "no_such_scenario"], "--out", ".png"),
            (["validate", "sensor", "no_such_recording.npz"], "--plot", ".png"),
        ],
    )
    @pytest.mark.parametrize("file", ["", ".", "x", "x.txt", "x.npz.png.txt", "x/"])
    def test_another_ending_is_refused_before_anything_is_looked_up(
        self, capsys: pytest.CaptureFixture[str], command: list[str], option: str, ending: str, file: str
    ) -> None:
        assert run([*command, option, file]) == 2
        error = said(capsys)
        assert option in error
        assert f"must be a file that ends in {ending}" in error

    @pytest.mark.parametrize(
        "command", [["run", "office_doorway", "--node", "ceiling_counter"], ["build", "people_c8_p_fc"]]
    )
    def test_a_folder_without_a_name(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert run([*command, "--out", ""]) == 2
        assert "--out" in said(capsys)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["../evil", "../inner/evil", "Evil", "evil.name", "evil\\u0000", "é", "evil\\n"])
    def test_a_scenario_s_name_is_no_path(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        (tmp_path / "inner").mkdir()
        path = scenario_file(tmp_path, 'name = "office_doorway"', f'name = "{name}"')
        monkeypatch.chdir(tmp_path / "inner")
        assert run(["scenario", "show", path, "--seconds", "1"]) == 2
        error = said(capsys)
        assert "scenario.toml: name is" in error
        assert "lower-case letters" in error
        assert sorted(found.name for found in tmp_path.rglob("*")) == ["inner", "scenario.toml"]

    def test_an_image_that_is_no_elf(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "a.elf").write_bytes(b"\x7fELF but not really")
        assert run(["emulate", str(tmp_path / "a.elf")]) == 2
        assert "ELF" in said(capsys)

    def test_a_script_line_that_is_no_step(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "s.txt").write_text("expect people\nwait soon\n")
        arguments = ["emulate", "people_counter_stm32l4a6zg", "--uart-script", str(tmp_path / "s.txt")]
        assert run(arguments) == 2
        assert "line 2" in said(capsys)


@pytest.mark.parametrize("delay_s", [0.5, 4.0])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, delay_s: float) -> None:
    """Status 130, one line, an empty folder - while loading as well as in the middle of the run."""
    out = tmp_path / "out"
    arguments = ["run", "office_doorway", "--node", "ceiling_counter", "--seconds", "20000", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "twin", *arguments],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    error: Any = process.communicate(timeout=60)[1]
    if delay_s < 1 and process.returncode == -signal.SIGINT:
        pytest.skip("the signal came before Python could hear it")
    assert process.returncode == 130
    # While modules load, Python itself may say first that an exception was ignored.
    said_last = error.splitlines()[-1] + b"\n" if delay_s < 1 else error
    assert said_last == b"interrupted; nothing was written\n"
    assert not out.exists()


def test_a_swallowed_ctrl_c_is_heard_at_the_next_step() -> None:
    code = (
        "import signal\n"
        "from twin.interruption import raise_if_interrupted, remember_interrupts\n"
        "remember_interrupts()\n"
        "raise_if_interrupted()\n"
        "try:\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt:\n"
        "    pass\n"
        "try:\n"
        "    raise_if_interrupted()\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "heard\n"


def test_an_installed_copy_needs_no_writable_place_for_compiled_code(tmp_path: Path) -> None:
    """Without a writable package folder or home, numba gets a private folder, which is gone afterwards."""
    code = (
        "import os, numba\n"
        "os.access = lambda path, mode: False\n"
        "from datasheet.compile_cache import ensure_compile_cache\n"
        "ensure_compile_cache(__file__)\n"
        "print(numba.config.CACHE_DIR)\n"
    )
    (tmp_path / "probe.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "probe.py")], env=environment, check=True, capture_output=True, text=True
    )
    folder = Path(ran.stdout.strip())
    assert folder.parent == tmp_path
    assert not folder.exists()

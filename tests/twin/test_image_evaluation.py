"""`twin evaluate` on images: what is measured, and what is refused in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.image_input import image_input, score_frames
from mcu_models.compiler.model import DenseOptions
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.compiler.writer import write_network
from mcu_models.networks.library import find_network
from twin import image_recording
from twin.cli import run
from twin.image_accuracy import printable
from twin.image_evaluation import looks_at_images

if TYPE_CHECKING:
    from pathlib import Path

BLUE, RED = (0, 0, 255), (255, 0, 0)


def write_blueness(path: Path, side: int = 32) -> Path:
    """Write a network that is the surer of a mask the bluer a picture is than red."""
    builder = GraphBuilder()
    source = builder.tensor((1, side, side, 3), 1 / 255, -128)
    flat = builder.tensor((1, side * side * 3), 1 / 255, -128)
    builder.operator("RESHAPE", [source, None], [flat])
    signs = np.tile(np.array([-100, 0, 100], np.int8), side * side)[np.newaxis]
    weights = builder.constant(signs, [1 / (100 * side * side)])
    bias = builder.constant(np.zeros(1, np.int32), [1 / (255 * 100 * side * side)])
    logit = builder.tensor((1, 1), 0.02, 0)
    builder.operator("FULLY_CONNECTED", [flat, weights, bias], [logit], DenseOptions("none"))
    answer = builder.tensor((1, 1), 1 / 256, -128)
    builder.operator("LOGISTIC", [logit], [answer])
    path.write_bytes(write_network(builder.network([source], [answer])))
    return path


def write_image(path: Path, rgb: tuple[int, int, int], rows: int = 120, columns: int = 90) -> None:
    path.parent.mkdir(exist_ok=True)
    kind = path.suffix if path.suffix.isascii() else ".png"
    path.write_bytes(bytes(cv2.imencode(kind, np.full((rows, columns, 3), rgb[::-1], np.uint8))[1]))


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return write_blueness(tmp_path / "blueness.tflite")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return three blue and three red images, of which one of each lies in the other's folder."""
    made = tmp_path / "images"
    made.mkdir()
    for name in ("one", "two words", "маска 口罩"):
        write_image(made / "with_mask" / f"{name}.png", BLUE)
        write_image(made / "without_mask" / f"{name}.png", RED)
    write_image(made / "with_mask" / "two words.png", RED)
    write_image(made / "without_mask" / "маска 口罩.png", (90, 90, 170))
    return made


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert run(["evaluate", *map(str, arguments), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(["evaluate", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.count("\n") == 1
    return said.err


def test_a_folder_is_told_apart_by_colour(network: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Confusion, recall, interval and the worst images by name, the most confident mistake first."""
    found = evaluated(capsys, network, folder)
    assert found["confusion"] == [[2, 1], [1, 2]]
    assert found["accuracy"] == found["balanced_accuracy"] == pytest.approx(4 / 6)
    assert {name: share["value"] for name, share in found["recall"].items()} == {
        "with_mask": pytest.approx(2 / 3),
        "without_mask": pytest.approx(2 / 3),
    }
    assert [one["name"] for one in found["worst"]] == ["with_mask/two words.png", "without_mask/маска 口罩.png"]
    assert found["worst"][0]["mask_probability"] < 0.35
    assert found["threshold"] == {"probability": 0.5, "code": 0}
    # 4 of 6 by Wilson's formula with z = 1.959964.
    assert found["accuracy_interval"]["low"] == pytest.approx(0.29999, abs=1e-4)
    assert found["accuracy_interval"]["high"] == pytest.approx(0.90323, abs=1e-4)
    # Of nine pairs, the blue ones are surer than every red one and than the violet one; the red one among them ties.
    assert found["auc"] == pytest.approx((6 + 2 * 0.5) / 9)


def test_the_threshold_decides(network: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluated(capsys, network, folder, "--threshold", "0.0")["confusion"] == [[0, 3], [0, 3]]
    assert evaluated(capsys, network, folder, "--threshold", "1.0")["confusion"] == [[3, 0], [3, 0]]
    found = evaluated(capsys, network, folder, "--threshold", "0.65")
    assert found["confusion"] == [[3, 0], [1, 2]]


def test_the_table_names_images_of_any_alphabet(
    network: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(network), str(folder)]) == 0
    text = capsys.readouterr().out
    assert "маска 口罩.png" in text
    assert "told with" in text


def test_names_do_nothing_to_the_terminal() -> None:
    assert printable("a\x1b[31mb\udcffc é") == "a\\x1b[31mb\\udcffc é"


def test_frames_of_a_file_are_scored_as_the_firmware_scores_them(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = np.random.default_rng(1).integers(0, 65536, (300, 200, 200)).astype(np.uint16)
    frames[::2] &= 0x07FF
    masked = np.arange(300) % 2 == 0
    np.savez(tmp_path / "frames.npz", frames=frames, masked=masked)
    reference = ReferenceNetwork(network)
    _, codes = score_frames(reference, image_input(reference.network), frames)
    told = codes >= 0
    found = evaluated(capsys, network, tmp_path / "frames.npz")
    assert found["images"] == 300
    assert found["confusion"] == [[int((told == said)[masked == true].sum()) for said in (0, 1)] for true in (0, 1)]


def test_images_of_a_file_go_the_way_of_a_folder(
    network: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    colours = [BLUE, RED, BLUE, RED, RED, (90, 90, 170)]
    images = np.stack([np.full((120, 90, 3), rgb, np.uint8) for rgb in colours])
    np.savez(tmp_path / "images.npz", images=images, masked=np.array([1, 1, 1, 0, 0, 0]))
    of_file, of_folder = evaluated(capsys, network, tmp_path / "images.npz"), evaluated(capsys, network, folder)
    assert {one["name"] for one in of_file["worst"]} == {"images[1]", "images[5]"}
    for key in ("confusion", "auc", "accuracy", "threshold"):
        assert of_file[key] == of_folder[key]


def test_pictures_of_the_networks_size_go_in_as_they_are(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkerboard would become grey on the way over 200 pixels."""
    images = np.zeros((2, 32, 32, 3), np.uint8)
    images[0, :, :, 2], images[1, :, :, 0] = 255, 255
    np.savez(tmp_path / "small.npz", images=images, masked=np.array([True, False]))
    assert evaluated(capsys, network, tmp_path / "small.npz")["accuracy"] == 1.0


def test_pictures_of_nobody_are_left_out(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = np.full((4, 200, 200), 0x001F, np.uint16)
    frames[2:] = 0xF800
    first = np.array([0, -1, 1, -1])
    np.savez(tmp_path / "door.npz", frames=frames, masked=np.array([True, False, False, False]), first=first)
    found = evaluated(capsys, network, tmp_path / "door.npz")
    assert (found["images"], found["left_out"], found["accuracy"]) == (2, 2, 1.0)


def test_one_class_alone_is_refused(
    network: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "one.npz", frames=np.zeros((3, 200, 200), np.uint16), masked=np.ones(3, bool))
    assert "has no picture without a mask; both classes are needed" in refused(capsys, network, tmp_path / "one.npz")
    for path in (folder / "with_mask").iterdir():
        path.unlink()
    assert "with_mask: images is 0" in refused(capsys, network, folder)
    (folder / "with_mask").rmdir()
    assert "must hold with_mask and without_mask" in refused(capsys, network, folder)


def test_unreadable_and_huge_images_are_refused(
    network: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "with_mask" / "плохой one.png").write_bytes(b"no image")
    assert "плохой one.png; cannot be read as an image" in refused(capsys, network, folder)
    write_image(folder / "with_mask" / "плохой one.png", BLUE)
    monkeypatch.setattr("sensors.camera.image_folder.LARGEST_PIXELS", 100)
    assert "pixels is '90 x 120'" in refused(capsys, network, folder)


def test_another_input_size_names_both(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, write_blueness(tmp_path / "large.tflite", 48), folder)
    assert "1 x 48 x 48 x 3 int8" in said
    assert "1 x 32 x 32 x 3 int8" in said


@pytest.mark.parametrize(("side", "expected"), [(32, True), (96, True), (8, False)])
def test_a_file_without_a_row_is_told_by_its_input(tmp_path: Path, side: int, *, expected: bool) -> None:
    """Three channels of 8 x 8 are three thermal frames."""
    assert looks_at_images(find_network(write_blueness(tmp_path / "own.tflite", side))) == expected


def test_networks_and_sources_that_do_not_match_are_refused(
    network: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "eye.npz", frames=np.zeros((3, 8, 8)), count=np.zeros(3), time_s=np.arange(3))
    np.savez(tmp_path / "door.npz", frames=np.zeros((2, 200, 200), np.uint16), masked=np.array([True, False]))
    counting = "people_c8_p_fc"
    assert "counts people in thermal frames" in refused(capsys, counting, folder)
    assert "counts people in thermal frames" in refused(capsys, counting, tmp_path / "door.npz")
    assert "looks at images of a camera" in refused(capsys, network, tmp_path / "eye.npz")
    assert "looks at images of a camera" in refused(capsys, "mask_cnn", tmp_path / "eye.npz")
    assert "there is no such file or folder" in refused(capsys, network, tmp_path / "none.npz")
    assert "--easy" in refused(capsys, network, folder, "--easy")
    assert "--threshold" in refused(capsys, counting, tmp_path / "eye.npz", "--threshold", "0.4")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"frames": np.zeros((2, 100, 100), np.uint16)}, "must be (N, 200, 200) uint16"),
        ({"frames": np.zeros((2, 200, 200))}, "must be (N, 200, 200) uint16"),
        ({"images": np.zeros((2, 9, 9, 4), np.uint8)}, "must be (N, rows, columns, 3) uint8"),
        ({"images": np.zeros((0, 9, 9, 3), np.uint8)}, "must be 1 to 1000000 pictures"),
        ({"images": np.zeros((2, 5000, 1, 3), np.uint8)}, "of up to 4096 pixels a side"),
        ({"images": np.zeros((3, 9, 9, 3), np.uint8)}, "must be (3,) of whole numbers"),
        ({"pictures": np.zeros(2)}, "must be frames"),
        ({"frames": np.zeros((2, 200, 200), np.uint16), "masked": np.array([0, 2])}, "must hold 0 and 1 only"),
        ({"frames": np.zeros((2, 200, 200), np.uint16), "masked": np.array([0.0, 1.0])}, "of whole numbers"),
    ],
)
def test_other_arrays_are_refused(
    network: Path, tmp_path: Path, arrays: dict[str, np.ndarray], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "bad.npz", **{"masked": np.array([True, False]), **arrays})
    assert said in refused(capsys, network, tmp_path / "bad.npz")


def test_files_that_claim_too_much_or_are_damaged_are_refused(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "door.npz"
    np.savez(path, frames=np.zeros((2, 200, 200), np.uint16), masked=np.array([True, False]))
    monkeypatch.setattr(image_recording, "LARGEST_ARRAY_BYTES", 100_000)
    assert "'160000 bytes'; up to 100000 are read" in refused(capsys, network, path)
    path.write_bytes(path.read_bytes()[:5000])
    assert "is not a complete .npz file" in refused(capsys, network, path)
    np.savez(path, frames=np.array([None, 1], dtype=object), masked=np.array([True, False]))
    assert "must be (N, 200, 200) uint16" in refused(capsys, network, path)

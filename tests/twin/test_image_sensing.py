"""`twin sense` of a guarded door: frames with what is true of them, and a contact sheet."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from datasheet.bad_input import BadInputError
from scenarios.guarded_door import load_guarded_door
from sensors.camera.camera_sheet import load_camera
from sensors.camera.face_images import FaceImages
from sensors.camera.look import COVERINGS
from twin import image_sensing_to_file, mask_sheet
from twin.cli import run
from twin.image_recording import read_image_recording
from twin.image_sensing import DoorLabels, DoorSensing, crowded_s, door_frames
from twin.library import is_guarded_door
from twin.mask_sheet import contact_sheet_png

if TYPE_CHECKING:
    from pathlib import Path

    from twin.image_sensing import DoorRule


def wanted(seed: int = 1, rule: DoorRule = "truth", seconds: float = 4.0, rate_hz: float = 2.0) -> DoorSensing:
    return DoorSensing(load_guarded_door("mask_door"), load_camera("ov7725"), seconds, rate_hz, seed, rule)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(["sense", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    return said.err


def test_a_file_holds_frames_and_what_is_true_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "door.npz"
    assert run(["sense", "mask_door", "--out", str(out), "--seconds", "60", "--fps", "1", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["frames"] == 60
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["frames"].shape == (60, 200, 200)
        assert arrays["frames"].dtype == np.uint16
        np.testing.assert_allclose(arrays["time_s"], np.arange(60.0))
        there = arrays["first"] >= 0
        np.testing.assert_array_equal(arrays["masked"], arrays["wearing"] == "mask")
        np.testing.assert_array_equal(arrays["wearing"] != "", there)
        assert (arrays["in_sight"][there] >= 1).all()
        assert set(arrays["wearing"][there]) <= set(COVERINGS)
    assert summary["frames_of_nobody"] == int((~there).sum())
    recording = read_image_recording(out)
    np.testing.assert_array_equal(recording.is_asked, there)
    np.testing.assert_array_equal(np.concatenate(list(recording.pieces())).shape, (60, 200, 200))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.npz" for number in range(3)]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        assert run(["sense", "mask_door", "--out", str(path), "--seconds", "2", "--fps", "2", "--seed", str(seed)]) == 0
    contents = [path.read_bytes() for path in files]
    assert contents[0] == contents[1] != contents[2]


def test_the_door_opens_for_masks_or_never() -> None:
    """By truth it is open a while after somebody with a mask stood first; closed, whoever comes gives up."""
    ever = {}
    for rule in ("truth", "closed"):
        labels = DoorLabels()
        asked = wanted(rule=rule, seconds=8.0, rate_hz=1.0)
        for _ in door_frames(asked, labels, begin_s=crowded_s(asked) - 2):
            pass
        ever[rule] = max(labels.openness)
        assert any(labels.masked)
    assert ever["truth"] > 0.5
    assert ever["closed"] == 0


def test_rooms_and_doors_are_told_apart(tmp_path: Path) -> None:
    """By name in the library, and by what a file says."""
    assert is_guarded_door("mask_door")
    assert not is_guarded_door("office_doorway")
    (tmp_path / "мой door.toml").write_text('name = "own"\n[door]\nopens_in_s = 1.0\n')
    (tmp_path / "room.toml").write_text('name = "own"\n[room]\nsize_x_m = 1.0\n')
    assert is_guarded_door(str(tmp_path / "мой door.toml"))
    assert not is_guarded_door(str(tmp_path / "room.toml"))
    with pytest.raises(BadInputError, match="did you mean 'mask_door'"):
        is_guarded_door("mask_dor")
    with pytest.raises(BadInputError, match="did you mean 'office_doorway'"):
        is_guarded_door("office_dorway")


def test_bad_input_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "door.npz"
    assert "up to 75 frames a second" in refused(capsys, "mask_door", "--out", out, "--fps", "76")
    assert "up to 75 frames a second" in refused(capsys, "mask_door", "--out", out, "--fps", "nan")
    assert "must be truth or closed" in refused(capsys, "mask_door", "--out", out, "--door", "open")
    assert "--noise" in refused(capsys, "mask_door", "--out", out, "--noise", "field")
    assert ".npz file" in refused(capsys, "mask_door", "--out", tmp_path / "door.resd")
    assert "up to 26843 frames" in refused(capsys, "mask_door", "--out", out, "--seconds", "80000")
    assert "--out" in refused(capsys, "mask_door")
    assert "did you mean 'ov7725'" in refused(capsys, "mask_door", "--out", out, "--sensor", "ov7726")
    assert "must be a folder that holds" in refused(capsys, "mask_door", "--out", out, "--faces", tmp_path / "none")
    for option in ("--sheet", "--fps", "--door", "--faces"):
        value = {"--sheet": "a.png", "--fps": "3"}.get(option, "closed")
        assert f"{option} is" in refused(capsys, "office_doorway", "--out", out, option, value)
    assert "--out" in refused(capsys, "office_doorway")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_sheet, "COLUMNS", (("lamps", 0.4), ("back", 0.5)))


@pytest.mark.usefixtures("_narrow")
def test_a_contact_sheet_is_the_same_for_the_same_seed() -> None:
    first = contact_sheet_png(wanted())
    assert first == contact_sheet_png(wanted())
    assert first != contact_sheet_png(wanted(seed=2))
    image = Image.open(io.BytesIO(first))
    assert image.width > 2 * 200
    assert image.height > (len(COVERINGS) + 2) * 200
    # Frames, not paper, fill most of it.
    assert (np.asarray(image) < 240).any(axis=-1).mean() > 0.6


@pytest.mark.usefixtures("_narrow")
def test_images_of_the_users_own_fill_the_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Masks are blue here, bare faces red, so that the upper rows are bluer than the lower ones."""
    for name, rgb in (("with_mask", (0, 0, 255)), ("without_mask", (255, 0, 0))):
        (tmp_path / "faces" / name).mkdir(parents=True)
        Image.new("RGB", (80, 100), rgb).save(tmp_path / "faces" / name / "одно лицо.png")
    sheet = tmp_path / "sheet.png"
    arguments = ["sense", "mask_door", "--sheet", str(sheet), "--faces", str(tmp_path / "faces")]
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"{sheet}\n"
    pixels = np.asarray(Image.open(sheet)).astype(int)[:, mask_sheet._LEFT :]
    rows = mask_sheet._TITLE + mask_sheet._HEAD + np.arange(6) * 206
    bluer = [float((pixels[row : row + 200, ..., 2] - pixels[row : row + 200, ..., 0]).mean()) for row in rows]
    assert min(bluer[:3]) > max(bluer[3:]) + 5
    assert FaceImages(tmp_path / "faces").number(masked=True) == 1


@pytest.mark.usefixtures("_narrow")
def test_who_gives_up_while_frames_are_taken_finds_neither_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(image_sensing_to_file, "sense_door", interrupted)
    folder = tmp_path / "new"
    assert run(["sense", "mask_door", "--out", str(folder / "o.npz"), "--sheet", str(folder / "o.png")]) == 130
    assert capsys.readouterr().err == "interrupted; nothing was written\n"
    assert not folder.exists()


def test_a_camera_without_a_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "known: ov7725" in refused(capsys, "mask_door", "--out", tmp_path / "o.npz", "--sensor", "")

"""Folders of labelled images: what is read, and what is refused in one line."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from datasheet.bad_input import BadInputError
from sensors.camera import image_folder
from sensors.camera.image_folder import labelled_files, read_image, read_image_folder, read_image_of_height

if TYPE_CHECKING:
    from pathlib import Path


def encoded(rgb: tuple[int, int, int], rows: int = 40, columns: int = 60, kind: str = ".png") -> bytes:
    """Return an image file of one colour."""
    image = np.full((rows, columns, 3), rgb[::-1], dtype=np.uint8)
    return bytes(cv2.imencode(kind, image)[1])


def png_that_says(width: int, height: int) -> bytes:
    """Return a PNG of almost no bytes whose header says that it is so large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one image of each class."""
    for name, colour in (("with_mask", (250, 10, 20)), ("without_mask", (0, 200, 100))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.png").write_bytes(encoded(colour))
    return tmp_path


def one_line(found: pytest.ExceptionInfo[BadInputError]) -> str:
    text = str(found.value)
    assert "\n" not in text
    return text


def test_images_come_as_the_camera_hands_them_on(folder: Path) -> None:
    """200 x 200, red first, whatever their shape; labels follow the folders."""
    found = read_image_folder(folder)
    assert found.images.shape == (2, 200, 200, 3)
    assert found.images[:, 100, 100].tolist() == [[250, 10, 20], [0, 200, 100]]
    assert found.masked.tolist() == [True, False]
    assert found.names == ("with_mask/one.png", "without_mask/one.png")


@pytest.mark.parametrize(
    "name", ["two words.png", "маска.png", "口罩 1.jpg", "é\N{COMBINING ACUTE ACCENT}.PNG", "a'b\".webp"]
)
def test_names_of_any_alphabet_are_read(folder: Path, name: str) -> None:
    (folder / "with_mask" / name).write_bytes(encoded((90, 90, 90), kind=name[name.rindex(".") :].lower()))
    found = read_image_folder(folder)
    assert f"with_mask/{name}" in found.names
    assert abs(int(found.images[found.names.index(f"with_mask/{name}"), 5, 5, 0]) - 90) <= 2


def test_grey_and_transparent_images_are_read(folder: Path) -> None:
    (folder / "with_mask" / "grey.png").write_bytes(bytes(cv2.imencode(".png", np.full((9, 9), 77, np.uint8))[1]))
    clear = np.full((300, 300, 4), 55, np.uint8)
    (folder / "with_mask" / "clear.png").write_bytes(bytes(cv2.imencode(".png", clear)[1]))
    images = dict(zip(read_image_folder(folder).names, read_image_folder(folder).images, strict=True))
    assert np.unique(images["with_mask/grey.png"]).tolist() == [77]
    assert np.unique(images["with_mask/clear.png"]).tolist() == [55]


def test_other_files_are_passed_over(folder: Path) -> None:
    (folder / "with_mask" / "notes.txt").write_text("hello")
    (folder / "with_mask" / "._one.png").write_bytes(b"\0")
    assert len(read_image_folder(folder).names) == 2


def test_one_class_alone_is_refused(folder: Path) -> None:
    (folder / "without_mask" / "one.png").unlink()
    with pytest.raises(BadInputError, match=r"without_mask: images is 0; at least 1 are needed") as found:
        read_image_folder(folder)
    one_line(found)
    (folder / "without_mask").rmdir()
    with pytest.raises(
        BadInputError, match=r"folders is \['with_mask'\]; must hold with_mask and without_mask"
    ) as found:
        read_image_folder(folder)
    one_line(found)


def test_files_are_listed_without_being_read(folder: Path) -> None:
    """Whoever has thousands of images reads them one after the other, and keeps what is needed of each."""
    (folder / "with_mask" / "плохой.png").write_bytes(b"no image")
    files = labelled_files(folder)
    assert [(file.name, file.is_masked) for file in files] == [
        ("with_mask/one.png", True),
        ("with_mask/плохой.png", True),
        ("without_mask/one.png", False),
    ]
    frame = files[0].frame()
    assert frame.shape == (200, 200)
    assert np.unique(frame).tolist() == [(250 >> 3) << 11 | (10 >> 2) << 5 | 20 >> 3]
    with pytest.raises(BadInputError, match=r"плохой\.png; cannot be read"):
        files[1].frame()


@pytest.mark.parametrize(
    ("rows", "columns", "aspects", "shape"),
    [
        (50, 40, (0.5, 2.0), (20, 16, 3)),
        (50, 200, (0.5, 2.0), (20, 40, 3)),
        (200, 50, (0.5, 2.0), (20, 10, 3)),
        (1, 1, (0.5, 2.0), (20, 20, 3)),
        (1, 9, (0.5, 0.8), (20, 20, 3)),
    ],
)
def test_an_image_of_a_height_keeps_its_shape(
    tmp_path: Path, rows: int, columns: int, aspects: tuple[float, float], shape: tuple[int, int, int]
) -> None:
    """As far as the limits of its shape go, and whole pixels do."""
    path = tmp_path / "one.png"
    path.write_bytes(encoded((9, 99, 199), rows, columns))
    found = read_image_of_height(path, 20, aspects)
    assert found.shape == shape
    assert np.unique(found.reshape(-1, 3), axis=0).tolist() == [[9, 99, 199]]


def test_what_is_cut_off_is_the_rim(tmp_path: Path) -> None:
    image = np.zeros((10, 40, 3), np.uint8)
    image[:, 15:25] = 255
    path = tmp_path / "wide.png"
    path.write_bytes(bytes(cv2.imencode(".png", image)[1]))
    assert (read_image_of_height(path, 10, (1.0, 1.0)) == 255).all()


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="must be a folder that holds with_mask and without_mask") as found:
        read_image_folder(tmp_path / "none")
    one_line(found)


def test_too_few_images_are_refused(folder: Path) -> None:
    with pytest.raises(BadInputError, match=r"images is 1; at least 10 are needed"):
        read_image_folder(folder, fewest=10)


@pytest.mark.parametrize(
    "content", [b"", b"no image at all", encoded((1, 2, 3))[:60], encoded((1, 2, 3), kind=".jpg")[:40]]
)
def test_a_damaged_image_is_refused(folder: Path, content: bytes) -> None:
    (folder / "with_mask" / "bad.png").write_bytes(content)
    with pytest.raises(BadInputError, match=r"bad\.png.*; (is empty|cannot be read as an image)") as found:
        read_image_folder(folder)
    one_line(found)


@pytest.mark.parametrize(("width", "height"), [(8000, 8000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_header_of_too_many_pixels_is_refused_before_decoding(
    folder: Path, width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    (folder / "with_mask" / "bomb.png").write_bytes(png_that_says(width, height))
    monkeypatch.setattr(image_folder.cv2, "imdecode", decode)
    with pytest.raises(BadInputError, match=r"bomb\.png: pixels.*up to 50000000") as found:
        read_image(folder / "with_mask" / "bomb.png")
    one_line(found)


def test_too_large_a_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "LARGEST_BYTES", 100)
    (folder / "with_mask" / "one.png").write_bytes(encoded((1, 2, 3)) + bytes(100))
    with pytest.raises(BadInputError, match=r"bytes is .*an image may have up to 100"):
        read_image_folder(folder)


def test_an_unreadable_image_is_refused(folder: Path) -> None:
    """A link that leads nowhere is no file; one that leads to a folder is none either."""
    (folder / "with_mask" / "link.png").symlink_to(folder / "nowhere.png")
    (folder / "with_mask" / "folder.png").mkdir()
    assert len(read_image_folder(folder).names) == 2


def test_a_png_that_ends_early_is_told_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """And OpenCV writes nothing about it beside the error."""
    path = tmp_path / "early.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(BadInputError, match="cannot be read as an image"):
        read_image(path)
    assert capfd.readouterr() == ("", "")

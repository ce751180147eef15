"""Makes the valid files that damaged ones are made of: `python -m fuzz.make_corpus`; needs arm-none-eabi-gcc.

What the libraries hold already is taken from there and is no part of the corpus. Files named `found_...` are damaged
ones that have found a defect; they are kept as they are.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import ezdxf
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from fuzz.readers import CORPUS, ROOT
from mcu_models.emulators.image import read_image
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording, write_recording
from sensors.resd import resd_bytes

IMAGES: Final = ("small", "register_player")
HOSTILE: Final = (
    "endless_calls", "lines_flood", "many_reads", "new_code", "new_divides", "problem_flood", "reset_loop",
    "text_flood",
)  # fmt: skip
_FLAGS: Final = (
    "-mcpu=cortex-m4", "-mthumb", "-Os", "-g", "-ffreestanding", "-nostdlib", "-Wall", "-Wextra", "-Werror",
    "-ffile-prefix-map=.=.", "-Wl,-n",
)  # fmt: skip
_FLOAT: Final = ("-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
_RECORD_BYTES: Final = 32
_FRAMES: Final = 6

_SCRIPT: Final = """\
# every verb once
timeout 5
expect ready
send go
send-raw \\x41\\r\\n\\t\\0\\\\
wait 0.5
expect done
"""

_FAULTS: Final = """\
seed = 3
[[i2c_nack]]
bus = "I2C1"
address = 0x69
transfer = 5
byte = 2
times = 1
from_s = 0.0
until_s = 60.0
[[i2c_data]]
bus = "I2C1"
offset = 3
flip = 0x80
probability = 0.1
[[i2c_brown_out]]
bus = "I2C1"
from_s = 40.0
until_s = 41.5
[[i2c_stuck]]
bus = "I2C1"
from_s = 20.0
clocks = 9
scl = "PB8"
seconds = 30.0
sda = "PB9"
[[ram_bit_flip]]
address = 0x20000100
bit = 3
at_s = 30.0
[[ram_upsets]]
memory = "sram2"
per_bit_hour = 1e-3
[[register_bit_flip]]
name = "r4"
bit = 31
at_s = 32.0
[[clock_drift]]
oscillator = "lse"
ppm = 100.0
from_s = 10.0
[[uart_loss]]
port = "USART2"
direction = "sent"
effect = "drop"
probability = 0.01
from_s = 50.0
"""


def main() -> None:
    """Write the corpus."""
    for name, data in _files().items():
        path = CORPUS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _files() -> dict[str, bytes]:
    images = {name: build_image(name) for name in IMAGES}
    flat = _flat(images["small"])
    return {
        **{f"elf/{name}.elf": data for name, data in images.items()},
        **{f"hostile/{name}.elf": build_image(name, Path("fuzz/images/hostile")) for name in HOSTILE},
        "hex/small.hex": _intel_hex(flat),
        "hex/small.srec": _s_records(flat),
        "bin/small.bin": flat,
        "registers/uart.bin": _register_table(),
        "registers/nothing.bin": bytes(1),
        **_recordings(),
        **_pictures(),
        "dxf/room.dxf": _drawing(),
        "uart_script/verbs.txt": _SCRIPT.encode(),
        "fault_plan/kinds.toml": _FAULTS.encode(),
        "sweep_runs/runs.parquet": _runs(),
        "sweep_identity/sweep.json": _json(title="one", sweep_sha256="0" * 64, versions_sha256="1" * 64, keys=["seed"]),
        "sweep_pace/pace.json": _json(runs=3, worker_s=1.5),
        "found_designs/place.json": _designs(),
    }


def build_image(name: str, folder: Path = Path("fuzz/images")) -> bytes:
    """Return the ELF file of an image that stands in `folder` as C.

    Raises:
        FileNotFoundError: There is no compiler.
        subprocess.CalledProcessError: It does not compile.
    """
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        raise FileNotFoundError("arm-none-eabi-gcc; Debian: apt-get install gcc-arm-none-eabi")
    flags = (*_FLAGS, *(_FLOAT if name == "small" else ()), "-T", "fuzz/images/image.ld")
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / f"{name}.elf"
        command = [compiler, *flags, "-Ifuzz/images", f"{folder}/{name}.c", "-o", str(target)]
        subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603 - a list of arguments, no shell
        return target.read_bytes()


def _flat(elf: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "image.elf"
        path.write_bytes(elf)
        (segment,) = read_image(path).segments
    return segment.data


def _intel_hex(data: bytes) -> bytes:
    records = [b"\x02\0\0\x04\x08\0"]
    for at in range(0, len(data), _RECORD_BYTES):
        body = data[at : at + _RECORD_BYTES]
        records.append(struct.pack(">BHB", len(body), at, 0) + body)
    records.append(b"\0\0\0\x01")
    return b"".join(b":" + (one + bytes((-sum(one) & 0xFF,))).hex().upper().encode() + b"\n" for one in records)


def _s_records(data: bytes) -> bytes:
    lines = []
    for at in range(0, len(data), _RECORD_BYTES):
        body = (0x08000000 + at).to_bytes(4, "big") + data[at : at + _RECORD_BYTES]
        lines.append(_s_record("S3", body))
    return b"".join([_s_record("S0", b"\0\0small"), *lines, _s_record("S7", b"\x08\0\0\0")])


def _s_record(kind: str, body: bytes) -> bytes:
    record = bytes((len(body) + 1,)) + body
    return f"{kind}{(record + bytes((~sum(record) & 0xFF,))).hex().upper()}\n".encode()


def _register_table() -> bytes:
    """Return a table for the register player: a few of every peripheral's registers."""
    numbers = range(64)
    entries = (struct.pack("<BHBI", home, offset, 0, 1) for home in numbers for offset in (0x00, 0x04, 0x0C))
    return b"\0" + b"".join(entries)


def _recordings() -> dict[str, bytes]:
    frames = np.random.default_rng(1).uniform(18, 32, (_FRAMES, 8, 8)).round(2).astype(np.float32)
    time_s, count = np.arange(_FRAMES) / 10, np.arange(_FRAMES) % 3
    recording = Recording(time_s, frames, count, np.full(_FRAMES, 24.5, np.float32), count * 0, count % 2)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "recording.npz"
        write_recording(path, recording)
        npz = path.read_bytes()
    header = ["timestamp", "ambient_temperature", *(f"px_{n}" for n in range(64)), "people_number", "confidence"]
    rows = [
        [f"18:14:07.{n}0", "30.6", *(f"{v:.2f}" for v in frame.ravel()), str(n % 3), "eh"[n % 2]]
        for n, frame in enumerate(frames[:3])
    ]
    text = "\n".join(",".join(row) for row in (header, *rows)) + "\n"
    return {
        "npz/recording.npz": npz,
        "csv/session.csv": text.encode(),
        "resd/frames.resd": resd_bytes(recording, load_grid_eye()),
    }


def _pictures() -> dict[str, bytes]:
    pixels = np.random.default_rng(2).integers(0, 255, (2, 24, 20, 3), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, images=pixels, masked=np.array([True, False]), first=np.array([0, -1]) * 0)
    files = {"npz_pictures/images.npz": file.getvalue()}
    picture = Image.fromarray(pixels[0])
    for ending, kind in (("png", "PNG"), ("jpg", "JPEG"), ("bmp", "BMP"), ("webp", "WEBP"), ("tif", "TIFF")):
        file = io.BytesIO()
        picture.save(file, kind)
        files[f"image/picture.{ending}"] = file.getvalue()
    return files


def _drawing() -> bytes:
    drawing = ezdxf.new("R2000", units=6)
    space = drawing.modelspace()
    space.add_lwpolyline([(0, 0), (6, 0), (6, 4), (0, 4)], close=True, dxfattribs={"layer": "WALLS"})
    space.add_line((3, 0), (3, 2), dxfattribs={"layer": "WALLS"})
    space.add_line((1, 0), (2, 0), dxfattribs={"layer": "DOORS"})
    text = io.StringIO()
    drawing.write(text)
    return text.getvalue().encode()


def _runs() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"run_id": ["a", "b"], "seed": [1, 2], "accuracy": [0.5, 0.75]}), file)
    return file.getvalue()


def _json(**values: object) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()


def _designs() -> bytes:
    sensor = {"node": "ceiling_counter", "x_m": 1.0, "y_m": 2.0, "height_m": 2.6, "yaw_deg": 0.0, "tilt_deg": 0.0}
    tried = {"design": [sensor], "origin": "search", "search": {"error": 0.25}, "cost": 1.0, "life_s": 1e7}
    return _json(plan="office_floor", error="share of moments", why=["it is cheap"], front=[tried])


if __name__ == "__main__":
    main()

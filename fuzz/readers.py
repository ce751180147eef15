"""Which readers there are, what their files are called, and what valid files their damaged ones are made of."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parent.parent
CORPUS: Final = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Reader:
    """Something that reads a user's file.

    Attributes:
        name: As on the command line; also that of its target, and of its folder in the corpus unless `corpus` says.
        module: Below `fuzz.targets`, where its target is.
        file: What a damaged file is called.
        form: How its format is built, a key of `mutation.FORMS`.
        library: Further valid files, below the project's folder.
        corpus: Folder of the corpus, where several readers share one.
    """

    name: str
    module: str
    file: str
    form: str
    library: str = ""
    corpus: str = ""

    def seeds(self) -> tuple[bytes, ...]:
        """Return the files that damaged ones are made of, in the order of their names.

        Raises:
            FileNotFoundError: There is none.
        """
        paths = sorted((CORPUS / (self.corpus or self.name)).glob("*"))
        paths += sorted(ROOT.glob(self.library)) if self.library else []
        if not paths:
            raise FileNotFoundError(f"no file to damage for {self.name}")
        return tuple(path.read_bytes() for path in paths)

    def target(self) -> Callable[[Path], object]:
        """Return what is done with a file; loading it may take seconds."""
        targets: dict[str, Any] = import_module(f"fuzz.targets.{self.module}").TARGETS
        found: Callable[[Path], object] = targets[self.name]
        return found


_LISTED: Final = (
    Reader("tflite", "networks", "network.tflite", "bytes", "tests/mcu_models/compiler/models/*.tflite"),
    Reader("tflite_host", "networks", "network.tflite", "bytes", "tests/mcu_models/compiler/models/*.tflite", "tflite"),
    Reader("elf", "firmware", "image.elf", "bytes"),
    Reader("hex", "firmware", "image.hex", "records"),
    Reader("bin", "firmware", "image.bin", "bytes"),
    Reader("registers", "firmware", "table", "bytes"),
    Reader("npz", "recordings", "recording.npz", "archive"),
    Reader("csv", "recordings", "Session1_fuzz.csv", "text"),
    Reader("resd", "recordings", "frames.resd", "bytes"),
    Reader("npz_pictures", "recordings", "pictures.npz", "archive"),
    Reader("image", "recordings", "image.png", "image"),
    Reader("dxf", "recordings", "plan.dxf", "text"),
    Reader("dxf_upload", "recordings", "plan.dxf", "text", corpus="dxf"),
    Reader("uart_script", "recordings", "script.txt", "text"),
    Reader("sweep_runs", "recordings", "runs.parquet", "bytes"),
    Reader("scenario", "tables", "scenario.toml", "text", "scenarios/library/*.toml"),
    Reader("guarded_door", "tables", "door.toml", "text", "scenarios/guarded_doors/*.toml"),
    Reader("node", "tables", "node.toml", "text", "twin/nodes/*counter*.toml"),
    Reader("door_node", "tables", "node.toml", "text", "twin/nodes/mask*.toml"),
    Reader("board", "tables", "board.toml", "text", "mcu_models/boards/*/board.toml"),
    Reader("sensor", "tables", "sensor.toml", "text", "sensors/parts/amg*.toml"),
    Reader("camera", "tables", "camera.toml", "text", "sensors/camera/parts/*.toml"),
    Reader("battery", "tables", "battery.toml", "text", "twin/batteries/*.toml"),
    Reader("radio", "tables", "radio.toml", "text", "twin/radios/*.toml"),
    Reader("regulator", "tables", "regulator.toml", "text", "twin/regulators/*.toml"),
    Reader("load", "tables", "load.toml", "text", "twin/loads/*.toml"),
    Reader("solar_cell", "tables", "cell.toml", "text", "twin/harvesters/am_*.toml"),
    Reader("converter", "tables", "converter.toml", "text", "twin/harvesters/[ab][eq]*.toml"),
    Reader("fault_plan", "tables", "faults.toml", "text"),
    Reader("campaign", "tables", "campaign.toml", "text", "twin/campaign/library/*.toml"),
    Reader("suite", "tables", "suite.toml", "text"),
    Reader("baseline", "tables", "baseline.toml", "text", "examples/*/twin-baseline.toml"),
    Reader("sweep", "tables", "sweep.toml", "text", "twin/sweeps/library/*.toml"),
    Reader("detector", "tables", "rules.toml", "text", "mcu_models/people_detection/*.toml"),
    Reader("tracker", "tables", "rules.toml", "text", "mcu_models/people_tracking/*.toml"),
    Reader("manifest", "tables", "manifest.toml", "text", "mcu_models/networks/manifest.toml"),
    Reader("found_designs", "tables", "place.json", "text"),
    Reader("sweep_identity", "tables", "sweep.json", "text"),
    Reader("sweep_pace", "tables", "durations.json", "text"),
)
READERS: Final = {reader.name: reader for reader in _LISTED}

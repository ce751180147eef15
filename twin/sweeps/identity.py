"""What makes a run this run: digests of all that it is made from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from twin.sweeps.materials import Materials
    from twin.sweeps.sweep_file import Run, Sweep

_PACKAGES: Final = ("datasheet", "scenarios", "sensors", "mcu_models", "twin")
_DATA: Final = frozenset({".toml", ".tflite", ".elf", ".c", ".h", ".ld"})
_OWN_LIBRARY: Final = "sweeps"


@cache
def versions_sha256() -> str:
    """Return the digest of the twin's version, of the packages that it computes with, and of its library."""
    from twin.prediction import PACKAGES  # noqa: PLC0415 - slow to load

    versions = {package: metadata.version(package) for package in PACKAGES}
    return _digest({"versions": versions, "library": _library_sha256()})


def _library_sha256() -> str:
    digest = hashlib.sha256()
    for package in _PACKAGES:
        root = Path(str(resources.files(package)))
        for path in sorted(path for path in root.rglob("*") if path.suffix in _DATA and path.is_file()):
            place = path.relative_to(root)
            if place.parts[0] != _OWN_LIBRARY:
                digest.update(f"{package}/{place.as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@dataclass
class Identities:
    """Gives runs their ids.

    Attributes:
        materials: Where their files come from.
    """

    materials: Materials
    _bundles: dict[Any, tuple[str, str]] = field(default_factory=dict)

    def run_id(self, run: Run) -> str:
        """Return the digest of what a run is made from: the files it names, what is changed, length, seed, level."""
        named = tuple((key, value) for key, value in run.changes if isinstance(value, str))
        made_from = {
            "files": self._files(run, named),
            "changes": dict(run.changes),
            "seconds": run.seconds,
            "seed": run.seed,
            "level": run.level,
            "versions": versions_sha256(),
        }
        return _digest(made_from)

    def sweep_sha256(self, sweep: Sweep) -> str:
        """Return the digest of a sweep: of what its TOML says but the title, and of the files its first run names."""
        first = next(sweep.runs())
        named = tuple((key, value) for key, value in first.changes if isinstance(value, str))
        return _digest({"sweep": sweep.config.model_dump(exclude={"title"}), "files": self._files(first, named)})

    def _files(self, run: Run, named: tuple[tuple[str, Any], ...]) -> tuple[str, str]:
        """Return the digests of the files that a run names, before numbers are changed in them; each is read once."""
        key = (run.scenario, run.node, named)
        if key not in self._bundles:
            self._bundles[key] = self._digests(replace(run, changes=named))
        return self._bundles[key]

    def _digests(self, run: Run) -> tuple[str, str]:
        """Return the digests of a run's files; of a run that cannot be, why."""
        try:
            bundle = self.materials.bundle(run)
        except BadInputError as error:
            return error.key, error.allowed
        return bundle.scenario_sha256, bundle.node_sha256


def _digest(made_from: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()

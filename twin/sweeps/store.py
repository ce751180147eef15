"""The folder of a sweep: its rows in Parquet, appended part by part, and one file of them all at the end."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

RUNS: Final = "runs.parquet"
PARTS: Final = "runs"
IDENTITY: Final = "sweep.json"
COPY: Final = "sweep.toml"
RUN_ID: Final = "run_id"

MOST_PARTS: Final = 100
"""More parts become one."""

_LOCK: Final = ".lock"
_KEY: Final = b"twin_sweep"
_KEPT: Final = "the finished runs are kept, run the same command again to go on"


@dataclass(frozen=True)
class Identity:
    """Whose rows a folder holds.

    Attributes:
        title: Of the sweep.
        sweep_sha256: Digest of the sweep.
        versions_sha256: Digest of what computes.
        keys: The varied keys.
    """

    title: str
    sweep_sha256: str
    versions_sha256: str
    keys: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return `sweep.json`."""
        return {
            "title": self.title,
            "sweep_sha256": self.sweep_sha256,
            "versions_sha256": self.versions_sha256,
            "keys": list(self.keys),
        }

    def check(self, folder: Path) -> bool:
        """Return whether the folder has rows of this sweep already; False for one without any.

        Raises:
            BadInputError: It holds rows of another sweep, or of another version of the twin.
        """
        found = read_identity(folder)
        if found is None:
            if (folder / RUNS).exists() or any((folder / PARTS).glob("*.parquet")):
                raise BadInputError(folder, "", None, "holds a Parquet that is of no sweep; choose another folder")
            return False
        if found.sweep_sha256 != self.sweep_sha256:
            raise BadInputError(folder, "", None, f"holds another sweep, {found.title!r}; choose another folder")
        if found.versions_sha256 != self.versions_sha256:
            said = "holds runs of another version of the twin, of its library or of its packages; choose another folder"
            raise BadInputError(folder, "", None, said)
        return True


@dataclass
class Store:
    """The rows of a sweep, for the one process that writes them.

    Attributes:
        folder: Where they are.
        schema: Their columns.
        numbers: Numbers of the parts to come.
        done: The runs that are there.
    """

    folder: Path
    schema: Any
    numbers: Iterator[int]
    done: set[str] = field(default_factory=set)

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, all or none.

        Raises:
            BadInputError: There is no room, or the folder cannot be written to; what was there is still there.
        """
        if rows:
            _write(self._next_part(), _arrow().Table.from_pylist(list(rows), schema=self.schema))
            self.done |= {row[RUN_ID] for row in rows}
            if len(_parts(self.folder)) > MOST_PARTS:
                self._merge()

    def finish(self) -> None:
        """Make one file of all rows, in the order of their ids; the same rows make the same bytes.

        Raises:
            BadInputError: There is no room, or the folder cannot be written to; what was there is still there.
        """
        parts = _parts(self.folder)
        if parts or not (self.folder / RUNS).is_file():
            _write(self.folder / RUNS, read_runs(self.folder).sort_by(RUN_ID).cast(self.schema))
        for part in parts:
            part.unlink()
        with suppress(OSError):  # it is not there, or holds something that is not the sweep's
            (self.folder / PARTS).rmdir()

    def _merge(self) -> None:
        """Make one part of all; a kill on the way leaves rows twice, and whoever reads takes each once."""
        parts = _parts(self.folder)
        _write(self._next_part(), _joined([_read(part) for part in parts]))
        for part in parts:
            part.unlink()

    def _next_part(self) -> Path:
        folder = self.folder / PARTS
        folder.mkdir(exist_ok=True)
        return folder / f"part-{next(self.numbers):06d}.parquet"


@contextmanager
def open_store(folder: Path, identity: Identity, sweep: bytes, schema: Any) -> Iterator[Store]:
    """Open the folder of a sweep, which must be there, for writing; nobody else can until the block ends.

    Raises:
        BadInputError: Somebody else writes there, or it holds something else.
    """
    with _locked(folder):
        _remove_leftovers(folder)
        signed = () if identity.check(folder) else _sign(folder, identity, sweep)
        metadata = {_KEY: identity.sweep_sha256.encode()}
        first_free = 1 + max((_number(path) for path in _parts(folder)), default=0)
        store = Store(folder, schema.with_metadata(metadata), count(first_free), _done(folder, metadata))
        try:
            yield store
        except BaseException:
            if signed and not store.done:  # nothing of the sweep is there
                for path in (*signed, folder / _LOCK):
                    path.unlink(missing_ok=True)
            raise


def _sign(folder: Path, identity: Identity, sweep: bytes) -> tuple[Path, ...]:
    """Write whose folder it is, and return the files; a sweep that the user keeps there is not written over."""
    said, copy = folder / IDENTITY, folder / COPY
    is_kept_there = copy.is_file()
    if is_kept_there and copy.read_bytes() != sweep:
        raise BadInputError(copy, "", None, "is another sweep; choose another folder")
    if not is_kept_there:
        write_bytes(copy, sweep)
    write_bytes(said, (json.dumps(identity.as_dict(), indent=2) + "\n").encode())
    return (said,) if is_kept_there else (said, copy)


def _number(part: Path) -> int:
    number = part.stem.removeprefix("part-")
    if not (number.isascii() and number.isdigit()):
        raise BadInputError(part, "", None, "is of no sweep; choose another folder")
    return int(number)


def _done(folder: Path, metadata: Mapping[bytes, bytes]) -> set[str]:
    done: set[str] = set()
    for path in _files(folder):
        table = _read(path, columns=[RUN_ID])
        if (table.schema.metadata or {}) != metadata:
            raise BadInputError(path, "", None, "is of another sweep; choose another folder")
        done |= set(table.column(RUN_ID).to_pylist())
    return done


def read_identity(folder: Path) -> Identity | None:
    """Return whose rows a folder holds; None for a folder of no sweep.

    Raises:
        BadInputError: It says so in a file that cannot be read.
    """
    path = folder / IDENTITY
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_bytes())
        digests = str(said["sweep_sha256"]), str(said["versions_sha256"])
        return Identity(str(said["title"]), *digests, tuple(map(str, said["keys"])))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise BadInputError(path, "", None, "cannot be read as what a sweep says of itself") from None


def read_runs(folder: Path) -> Any:
    """Return the rows of a sweep, finished or under way, each run once: a `pyarrow.Table`.

    Raises:
        BadInputError: The folder holds no sweep, or none of its runs is done.
    """
    if read_identity(folder) is None:
        raise BadInputError(folder, "", None, f"holds no sweep: it has no {IDENTITY}")
    for last_try in (False, False, True):
        try:
            tables = [_read(path) for path in _files(folder)]
        except FileNotFoundError:
            if last_try:
                raise
            continue  # made into one with others while it was looked for
        if not tables:
            break
        return _joined(tables)
    raise BadInputError(folder, "", None, "none of its runs is done yet")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, so that it outlasts a loss of power.

    Raises:
        BadInputError: There is no room, or it cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BadInputError as error:
        raise BadInputError(error.source, "", None, f"{error.allowed}; {_KEPT}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which the kernel gives back however this process ends."""
    try:
        lock = (folder / _LOCK).open("ab")
    except OSError as error:
        raise BadInputError(folder, "", None, f"cannot be written to: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            said = "another sweep writes there now; wait for its end, or choose another folder"
            raise BadInputError(folder, "", None, said) from None
        yield


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed process had begun to write."""
    for place in (folder, folder / PARTS):
        for path in place.glob(".*.tmp"):
            path.unlink()


def _parts(folder: Path) -> list[Path]:
    return sorted((folder / PARTS).glob("part-*.parquet"))


def _files(folder: Path) -> list[Path]:
    whole = folder / RUNS
    # The parts first: they become the whole, and not the other way round.
    return [*_parts(folder), *([whole] if whole.is_file() else [])]


def _arrow() -> Any:
    return import_module("pyarrow")


def _read(path: Path, columns: list[str] | None = None) -> Any:
    arrow, parquet = _arrow(), import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read(columns=columns)
        table.validate(full=True)
        table.column(RUN_ID)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, arrow.ArrowException) as error:  # a damaged file fails anywhere within
        raise BadInputError(path, "", None, f"is no Parquet of a sweep: {error}") from None
    return table


def _joined(tables: Sequence[Any]) -> Any:
    """Return all rows, each run once."""
    table = _arrow().concat_tables(tables)
    first = {run_id: index for index, run_id in reversed(list(enumerate(table.column(RUN_ID).to_pylist())))}
    return table.take(_arrow().array(sorted(first.values()), "int64"))


def _write(path: Path, table: Any) -> None:
    arrow = _arrow()
    sink = arrow.BufferOutputStream()
    import_module("pyarrow.parquet").write_table(table, sink, compression="zstd")
    write_bytes(path, sink.getvalue().to_pybytes())

"""One damaged file given to one reader: read, refused, or a finding."""

from __future__ import annotations

import re
import time
import traceback
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HANG_S: Final = 5.0
"""Of host time; a file that takes longer is a finding."""
LARGEST_BYTES: Final = 1 << 30
"""What reading a file may allocate."""

Verdict = Literal["read", "refused", "exception", "memory", "slow", "hang", "death"]


@dataclass(frozen=True)
class Trial:
    """What came of a file.

    Attributes:
        verdict: "read" and "refused" are as they should be; all others are findings.
        text: What is wrong, and where; the same for the same defect.
    """

    verdict: Verdict
    text: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether it is a defect of the reader."""
        return self.verdict not in ("read", "refused")


def try_file(target: Callable[[Path], object], path: Path) -> Trial:
    """Give a file to a reader; warnings count as exceptions."""
    begin_s = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target(path)
        trial = Trial("read")
    except BadInputError as error:
        short = "\n" not in str(error)
        trial = Trial("refused") if short else Trial("exception", "a refusal of several lines")
        if _ran_out_of_memory(error):
            trial = Trial("memory", f"more than {LARGEST_BYTES} bytes: {_place(error)}")
    except MemoryError as error:
        trial = Trial("memory", f"more than {LARGEST_BYTES} bytes: {_place(error)}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        said = re.sub(r"[0-9]+", "#", str(error)[:80])
        trial = Trial("exception", f"{type(error).__name__} {said!r}: {_place(error)}")
    took_s = time.monotonic() - begin_s
    if took_s > HANG_S and not trial.is_finding:
        return Trial("slow", f"took more than {HANG_S:g} s")
    return trial


def _ran_out_of_memory(error: BaseException | None) -> bool:
    """Tell whether a refusal hides that there was no memory."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _place(error: BaseException) -> str:
    """Return the last line of the project that an error passed, and the one where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename and "/fuzz/" not in frame.filename]
    last = ours[-1] if ours else frames[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno} in {last.name}"

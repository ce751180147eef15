"""What a test asks of a machine, looked at before anything runs: spans of time, texts, ports, addresses."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.boards.board import Board

MAX_ADDRESS: Final = 0xFFFF_FFFF
_UARTS: Final = ("usart", "lpuart")


def check_span_s(asked: str, key: str, span_s: float) -> None:
    """Refuse what is no span of time: a number of 0 or more.

    Raises:
        BadInputError: It is none.
    """
    if isinstance(span_s, bool) or not isinstance(span_s, int | float) or math.isnan(span_s) or span_s < 0:
        raise BadInputError(asked, key, span_s, "must be a number of 0 or more")


def check_functions(asked: str, functions: Mapping[str, int] | None) -> None:
    """Refuse what are no addresses of functions by name.

    Raises:
        BadInputError: One is no 32-bit address.
    """
    for name, address in (functions or {}).items():
        if isinstance(address, bool) or not isinstance(address, int) or not 0 <= address <= MAX_ADDRESS:
            raise BadInputError(asked, f"functions[{name!r}]", address, f"must be an address, 0 to {MAX_ADDRESS:#x}")


def check_wanted(asked: str, wanted: object) -> None:
    """Refuse what cannot be looked for in a line: an empty text, an expression for bytes.

    Raises:
        BadInputError: It cannot.
    """
    text = wanted.pattern if isinstance(wanted, re.Pattern) else wanted
    if not isinstance(text, str) or wanted == "":
        raise BadInputError(
            asked, "wanted", wanted, "must be a text that is not empty, or a regular expression of text"
        )


def check_uart(asked: str, board: Board, port: str | None) -> None:
    """Refuse a UART that the board does not have; None is any.

    Raises:
        BadInputError: The board has no UART of this name.
    """
    uarts = [name for name, sheet in board.sheet.peripherals.items() if sheet.type in _UARTS]
    if port is not None and port not in uarts:
        raise BadInputError(asked, "port", port, f"{board.name} has {', '.join(uarts)}")


def check_gpio(asked: str, board: Board, port: str, pin: str) -> None:
    """Refuse a pin of a port that the board does not have.

    Raises:
        BadInputError: The board has no such port.
    """
    if port not in board.sheet.peripherals:
        raise BadInputError(asked, "", pin, f"{board.name} has no {port}")

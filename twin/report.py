"""placeholder"""
from __future__ import annotations
from typing import Any
def report_html(prediction: Any) -> bytes:
    return b""

"""Plans of one's own, kept by the server under a name made of their content, so that a reloaded page finds them."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import streamlit as st

LARGEST_BYTES = 32_000_000
"""All plans together; the ones that were not asked for longest make room."""

KEY_LETTERS = 32
"""Of the sha256 in hexadecimals."""


class PlanStore:
    """Plans by what they say."""

    def __init__(self, largest_bytes: int = LARGEST_BYTES) -> None:
        self._largest_bytes = largest_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, content: bytes) -> str:
        """Keep a plan; return its key."""
        key = hashlib.sha256(content).hexdigest()[:KEY_LETTERS]
        with self._lock:
            self._held[key] = content
            self._held.move_to_end(key)
            while len(self._held) > 1 and sum(map(len, self._held.values())) > self._largest_bytes:
                self._held.popitem(last=False)
        return key

    def get(self, key: str) -> bytes | None:
        """Return the plan of a key, or None when it is not there, or not any more."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)


@st.cache_resource(show_spinner=False)
def plan_store() -> PlanStore:
    """Return the store of this server."""
    return PlanStore()

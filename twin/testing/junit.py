"""What came of a suite as JUnit XML, the form that servers for continuous integration read.

One `testcase` for each case: `failure` where the firmware failed, `error` where a case could not be run or its time was
up, `skipped` where a backend is missing or the case is in quarantine. Characters that XML has no place for become
U+FFFD.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from twin.testing.suite_case import CaseResult

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_OUTPUT: Final = 100_000


def junit_xml(title: str, results: Sequence[CaseResult]) -> bytes:
    """Return the file.

    Args:
        title: Of the suite.
        results: One for each case.
    """
    counted = {
        "tests": len(results),
        "failures": sum(one.counts and one.outcome == "failed" for one in results),
        "errors": sum(one.counts and one.outcome in ("error", "timed out") for one in results),
        "skipped": sum(one.outcome == "skipped" or (one.is_quarantined and one.outcome != "passed") for one in results),
    }
    attributes = {name: str(number) for name, number in counted.items()}
    time_s = f"{sum(one.host_s for one in results):.3f}"
    root = ET.Element("testsuites", {**attributes, "time": time_s})
    suite = ET.SubElement(root, "testsuite", {"name": _clean(title), **attributes, "time": time_s})
    for one in results:
        suite.append(_case(title, one))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(title: str, one: CaseResult) -> Element:
    attributes = {"classname": _clean(title), "name": _clean(one.name), "time": f"{one.host_s:.3f}"}
    case = ET.Element("testcase", attributes)
    _add_properties(case, one)
    first = one.told.splitlines()[0] if one.told else ""
    if one.outcome == "skipped":
        ET.SubElement(case, "skipped", {"message": _clean(first)})
    elif one.outcome != "passed" and one.is_quarantined:
        ET.SubElement(case, "skipped", {"message": _clean(f"in quarantine: {one.outcome}, {first}")})
    elif one.outcome != "passed":
        kind = "failure" if one.outcome == "failed" else "error"
        ET.SubElement(case, kind, {"type": one.outcome, "message": _clean(first)}).text = _clean(one.told)
    if one.uart:
        ET.SubElement(case, "system-out").text = _clean(one.uart[-_MAX_OUTPUT:])
    return case


def _add_properties(case: Element, one: CaseResult) -> None:
    known = {"virtual_s": f"{one.virtual_s:.6f}", "tries": str(one.tries), "artefacts": one.artefacts}
    properties = ET.SubElement(case, "properties")
    for name, value in known.items():
        if value:
            ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)

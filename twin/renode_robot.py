"""A Robot Framework test, in Renode's keywords, of what the twin predicts of a node."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.emulated_node import FIRST_LOOK_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

LATENCY_TOLERANCE_PERCENT = 3.0
DUTY_TOLERANCE_PERCENT = 2.0
"""How far Renode may be off, relative to the prediction: it counts instructions where the twin counts cycles."""
_PER_ROW = 10
_TEST = """\
*** Settings ***
Documentation     <title>: what it answers to each frame, how long an
...               inference takes and how long the core is awake, as the digital twin predicts it.
...               Run it with `renode-test <name>.robot`.

*** Variables ***
${SCRIPT}                        ${CURDIR}/<name>.resc
${UART}                          sysbus.<uart>
${TIMING_PIN}                    sysbus.<timing_pin>
${LONGEST_SILENCE_S}             <silence_s>
${TO_THE_LAST_S}                 <to_the_last_s>
${INFERENCE_US}                  <inference_us>
${INFERENCE_TOLERANCE_PERCENT}   <latency_tolerance>
${DUTY_PERCENT}                  <duty_percent>
${DUTY_TOLERANCE_PERCENT}        <duty_tolerance>
@{GREETING}<greeting>
@{ANSWERS}<answers>

*** Test Cases ***
Should Do As The Twin Predicts
    Build The Machine
    Next Lines Should Be          ${GREETING}
    Next Lines Should Be          ${ANSWERS}[:1]
    ${run_us}  ${asleep_us}=      Time Of The Core
    Execute Command               emulation RunFor "${TO_THE_LAST_S}"
    Next Lines Should Be          ${ANSWERS}[1:-1]    stop=false
    Next Lines Should Be          ${ANSWERS}[-1:]
    Run Keyword And Continue On Failure    Inferences Should Take As Long As Predicted
    Run Keyword And Continue On Failure    Core Should Be Awake As Predicted Since    ${run_us}    ${asleep_us}

*** Keywords ***
Build The Machine
    Execute Script                ${SCRIPT}
    Create Terminal Tester        ${UART}    timeout=${LONGEST_SILENCE_S}

Next Lines Should Be
    [Documentation]               Each is the next line on the UART. Time stops with each, unless it is there already.
    [Arguments]                   ${expected}    ${stop}=true
    FOR    ${text}    IN    @{expected}
        ${line}=                  Wait For Next Line On Uart    pauseEmulation=${stop}
        Should Be Equal           ${line.Line}    ${text}    said and predicted
    END

Inferences Should Take As Long As Predicted
    [Documentation]               The firmware holds a pin high while front end and network run.
    ${count}=                     Number From    ${TIMING_PIN} Count
    ${expected}=                  Get Length    ${ANSWERS}
    Should Be Equal As Integers   ${count}    ${expected}    inferences
    ${mean_us}=                   Number From    ${TIMING_PIN} MeanMicroseconds
    Should Be Near                Mean inference in us    ${mean_us}
    ...                           ${INFERENCE_US}    ${INFERENCE_TOLERANCE_PERCENT}

Core Should Be Awake As Predicted Since
    [Documentation]               Over whole periods: from the first answer to the last.
    [Arguments]                   ${first_run_us}    ${first_asleep_us}
    ${run_us}  ${asleep_us}=      Time Of The Core
    ${awake_us}=                  Evaluate    ${run_us} - ${first_run_us}
    ${all_us}=                    Evaluate    ${awake_us} + ${asleep_us} - ${first_asleep_us}
    ${share_percent}=             Evaluate    100 * ${awake_us} / ${all_us}
    Should Be Near                Duty cycle in percent    ${share_percent}
    ...                           ${DUTY_PERCENT}    ${DUTY_TOLERANCE_PERCENT}

Time Of The Core
    ${run_us}=                    Number From    sysbus.core RunMicroseconds
    ${asleep_us}=                 Number From    sysbus.core AsleepMicroseconds
    RETURN                        ${run_us}    ${asleep_us}

Number From
    [Arguments]                   ${command}
    ${text}=                      Execute Command    ${command}
    ${number}=                    Convert To Number    ${text}
    RETURN                        ${number}

Should Be Near
    [Arguments]                   ${what}    ${measured}    ${predicted}    ${tolerance_percent}
    ${off_percent}=               Evaluate    100 * (${measured} / ${predicted} - 1)
    ${values}=                    Create List    ${measured}    ${predicted}    ${off_percent}
    ${numbers}=                   Evaluate    "%.4f, predicted %.4f, %+.2f" % tuple(map(float, $values))
    ${seen}=                      Set Variable    ${what}: ${numbers} % off, allowed ${tolerance_percent} %
    Log To Console                ${seen}
    Should Be True                abs(${off_percent}) <= ${tolerance_percent}    ${seen}
"""


@dataclass(frozen=True)
class Expectation:
    """What a node is expected to do.

    Attributes:
        uart: The UART it answers on, as the platform calls it.
        greeting: Lines before the first answer.
        answers: One line for each frame.
        span_s: From the first answer to the last.
        inference_s: Mean time of front end and network.
        duty: Share of that span in which the core is awake.
    """

    uart: str
    greeting: tuple[str, ...]
    answers: tuple[str, ...]
    span_s: float
    inference_s: float
    duty: float


def robot_test(name: str, title: str, timing_pin: str, expectation: Expectation) -> str:
    """Return the test of a node that `<name>.resc` builds.

    Args:
        name: Of the files.
        title: What the node is, in a line.
        timing_pin: Where the platform has the timer of pulses, such as "gpioa.timingPin".
        expectation: What is expected.
    """
    values = {
        "name": name,
        "title": _cell(title),
        "uart": expectation.uart,
        "timing_pin": timing_pin,
        "silence_s": f"{FIRST_LOOK_LIMIT_S:g}",
        "to_the_last_s": f"{_to_the_last_s(expectation):.6f}",
        "inference_us": f"{expectation.inference_s * 1e6:.3f}",
        "latency_tolerance": f"{LATENCY_TOLERANCE_PERCENT:g}",
        "duty_percent": f"{expectation.duty * 100:.4f}",
        "duty_tolerance": f"{DUTY_TOLERANCE_PERCENT:g}",
        "greeting": _rows(expectation.greeting, 1),
        "answers": _rows(expectation.answers, _PER_ROW),
    }
    return re.sub(r"<(\w+)>", lambda place: values[place[1]], _TEST)


def _to_the_last_s(expectation: Expectation) -> float:
    """Return how long after the first answer the last but one is there and the last is not."""
    return expectation.span_s * (1 - 0.5 / (len(expectation.answers) - 1))


def _rows(texts: Sequence[str], per_row: int) -> str:
    rows = (texts[begin : begin + per_row] for begin in range(0, len(texts), per_row))
    return "".join("\n...    " + "    ".join(map(_cell, row)) for row in rows)


def _cell(text: str) -> str:
    """Return text as Robot Framework reads it back: nothing in it is a variable, a comment or the end of a cell."""
    text = re.sub(r"[\\$@&%#=|]", r"\\\g<0>", text)
    text = re.sub(r" (?= )|^ | $", r"${SPACE}", text)
    return text or "${EMPTY}"

"""What is drawn for a campaign: within its ranges, from its seed, each fault by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from mcu_models.boards.board import find_board
from mcu_models.firmware.library import find_image
from twin.campaign.campaign_file import KINDS, LIBRARY, Campaign, load_campaign
from twin.campaign.draws import DrawnFault, Surroundings, draw_faults
from twin.campaign.ram_places import memories, stack, variables

if TYPE_CHECKING:
    from typing import Any

AWAKE = ((12.0, 12.5), (14.0, 14.1))


def around() -> Surroundings:
    return Surroundings(
        board=find_board("stm32l4a6zg"),
        image=find_image("people_counter_stm32l4a6zg"),
        address=0x69,
        port="USART2",
        oscillators=("lse", "lsi", "msi"),
        from_s=10.0,
        until_s=20.0,
        awake=AWAKE,
        source="campaign.toml",
    )


def drawn(**keys: Any) -> list[DrawnFault]:
    return draw_faults(Campaign.model_validate({"play": "office_doorway", **keys}, strict=False), around())


def test_a_file_of_one_line_draws_five_hundred_faults_of_all_kinds() -> None:
    faults = drawn()
    assert [fault.number for fault in faults] == list(range(500))
    assert {fault.kind for fault in faults} == set(KINDS)
    assert all(10.0 <= fault.begin_s <= 20.0 for fault in faults)
    for fault in faults:
        ((key, _),) = fault.plan.faults()
        assert key == f"{fault.kind}[0]"


def test_counts_and_shares() -> None:
    campaign = Campaign.model_validate(
        {"play": "x", "faults": 20, "i2c_nack": {"count": 5}, "clock_drift": {"share": 2.0}, "watchdog_reset": {}}
    )
    assert campaign.counts == {"i2c_nack": 5, "clock_drift": 10, "watchdog_reset": 5}


def test_a_fault_more_leaves_all_others_as_they_were() -> None:
    few, many = drawn(faults=3, i2c_data={}), drawn(faults=9, i2c_data={}, i2c_nack={"count": 5})
    words = [fault.words for fault in many if fault.kind == "i2c_data"]
    assert [fault.words for fault in few] == words[:3]
    assert [fault.words for fault in drawn(faults=3, i2c_data={}, seed=2)] != words[:3]


def test_parameters_keep_to_their_ranges() -> None:
    faults = drawn(faults=40, i2c_brown_out={"seconds": [0.2, 0.4]}, clock_drift={"ppm": [5.0, 6.0]})
    for fault in faults:
        if fault.kind == "clock_drift":
            assert fault.lasts
            assert 5.0 <= fault.plan.clock_drift[0].ppm <= 6.0
        else:
            assert 0.2 <= fault.end_s - fault.begin_s <= 0.4 + 1e-9


def test_bit_flips_hit_variables_and_the_stack_and_are_told_by_name() -> None:
    board, image = find_board("stm32l4a6zg"), find_image("people_counter_stm32l4a6zg")
    places = {place.name: place for place in [*variables(board, image), *stack(board, image, 512)]}
    faults = drawn(faults=200, ram_bit_flip={})
    for fault in faults:
        place, address = places[fault.target], fault.plan.ram_bit_flip[0].address or 0
        assert place.address <= address < place.address + place.size
    assert {"answers", "stack"} <= {fault.target for fault in faults}
    each = [fault.target for fault in drawn(faults=200, ram_bit_flip={"each": "variable"})]
    assert each.count("answers") < 40 < [fault.target for fault in faults].count("answers")
    (only,) = {fault.target for fault in drawn(faults=20, ram_bit_flip={"symbols": ["pixels"]})}
    assert only == "pixels"
    assert "sram2" in {place.name for place in memories(board)}


def test_flips_begin_while_the_core_runs_as_often_as_was_asked_for() -> None:
    awake = drawn(faults=50, register_bit_flip={"awake_share": 1.0})
    assert all(any(begin_s <= fault.begin_s <= end_s for begin_s, end_s in AWAKE) for fault in awake)
    asleep = drawn(faults=50, register_bit_flip={"awake_share": 0.0})
    assert max(fault.begin_s for fault in asleep) > 15.0


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"ram_bit_flip": {"symbols": ["pixel"]}}, "ram_bit_flip.symbols is 'pixel'; did you mean 'pixels'"),
        ({"ram_bit_flip": {"memories": ["sram9"]}}, "ram_bit_flip.memories is 'sram9'; did you mean 'sram"),
        ({"clock_drift": {"oscillators": ["csi"]}}, "clock_drift.oscillators is 'csi'; did you mean"),
    ],
)
def test_what_is_not_there_cannot_be_hit(keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadInputError) as refused:
        drawn(**keys)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "play; is required and missing"),
        ("play = 'x'\n[i2c_nak]", "did you mean 'i2c_nack'"),
        ("play = 'x'\nfaults = 0", "faults is 0"),
        ("play = 'x'\nanswer = '('", "must be a regular expression"),
        ("play = 'x'\nanswer = 'x'", "needs a group"),
        ("play = 'x'\nfrom_s = 2.0\nuntil_s = 1.0", "until_s must be above from_s"),
        ("play = 'x'\n[i2c_nack]\nseconds = [2.0, 1.0]", "must be [lowest, highest]"),
        ("play = 'x'\n[i2c_nack]\nshare = 0.0", "holds no fault"),
        ("play = 'x'\n[i2c_stuck]\nscl = 'B8'", "must be a pin such as"),
        ("play = 'x'\n[register_bit_flip]\nnames = ['r13']", "register_bit_flip.names"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(text)
    with pytest.raises(BadInputError) as refused:
        load_campaign(str(path))
    assert str(refused.value).startswith(str(path))
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", library_names(LIBRARY))
def test_every_campaign_of_the_library_can_be_read(name: str) -> None:
    _, campaign = load_campaign(name)
    assert sum(campaign.counts.values()) == campaign.faults


def test_the_examples_in_the_manual_can_be_read(tmp_path: Path) -> None:
    examples = Path("docs/fault_campaigns.md").read_text().split("```toml\n")[1:]
    assert examples
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(example.partition("```")[0])
        load_campaign(str(path))

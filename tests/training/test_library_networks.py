"""The networks that come with the twin are those that their manifest rows describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.compiler.counter import people_counter
from mcu_models.compiler.frontend import frontend_codes
from mcu_models.compiler.reader import read_network
from mcu_models.networks.library import find_network, network_names
from training.architectures import cost, read_architecture
from training.protocol import metrics
from training.sessions import Session, Simulated, simulated_session
from training.windows import inputs, prepare
from twin.host_node import host_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINED = [name for name in network_names() if "architecture" in find_network(name).row]
FAMILIES = {
    "single_frame_cnn", "multi_channel_cnn", "majority_voting", "concatenated_cnn", "cnn_lstm", "cnn_tcn",
}  # fmt: skip
PUBLISHED = {"Top", "Size-H", "MAC-H", "Size-L", "MAC-L", "Top-Q", "Size-H-Q/MAC-H-Q", "Size-L-Q", "MAC-L-Q"}
"""Table IV of arXiv 2304.06059, whose tenth row, `deterministic`, is no network."""


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    """Return sessions of a seed that nothing was trained on or chosen by."""
    return [simulated_session(Simulated("test", index, 99, 60.0)) for index in range(12)]


def _degc(session: Session) -> NDArray[np.float32]:
    return np.asarray(session.steps / 4, np.float32)


def test_every_family_has_an_int8_network() -> None:
    rows = [find_network(name).row for name in TRAINED]
    assert {row["family"] for row in rows if row["precision"].startswith("int8")} == FAMILIES


def test_published_networks_are_there_by_name() -> None:
    rows = {find_network(name).row.get("published") for name in TRAINED}
    assert rows >= PUBLISHED
    assert find_network("Top-Q") == find_network("people_c8_p_c8_fc_fc_vote5")
    assert find_network("MAC-H-Q") == find_network("Size-H-Q")
    assert find_network("deterministic") == find_network("panasonic_grid_eye_api")


@pytest.mark.parametrize("name", TRAINED)
def test_row_and_network_agree(name: str) -> None:
    row, entry = find_network(name).row, find_network(name)
    architecture = read_architecture(row["family"], row["architecture"], row["window"])
    network = read_network(entry.path)
    assert (row["parameters"], row["macs"]) == (cost(architecture).parameters, cost(architecture).macs)
    assert entry.votes == architecture.votes
    assert network.input.dtype == ("float32" if row["precision"] == "float32" else "int8")
    assert sum(operator.macs for operator in network.operators) * entry.votes == row["macs"]
    assert row["frontend"] == "hold_zero"


@pytest.mark.parametrize("name", TRAINED)
def test_unseen_sessions_are_counted_about_as_well_as_the_row_says(name: str, sessions: list[Session]) -> None:
    """Twelve minutes more or less lucky: 0.12 either way."""
    entry = find_network(name)
    counted = np.concatenate([host_count(entry, _degc(one)) for one in sessions])
    truth = np.concatenate([one.count for one in sessions])
    asked = np.concatenate([one.easy for one in sessions]) & (truth < 4)
    found = metrics(truth[asked], counted[asked]).balanced_accuracy
    assert found == pytest.approx(entry.row["balanced_accuracy"], abs=0.12)


@pytest.mark.parametrize("name", TRAINED)
def test_an_even_room_shows_nobody(name: str) -> None:
    assert set(host_count(find_network(name), np.full((20, 8, 8), 24.25, dtype=np.float32)).tolist()) == {0}


def test_training_sees_what_the_firmware_sees(sessions: list[Session]) -> None:
    """The float inputs of training and the firmware's codes are the same degrees, but for what codes round."""
    name = "people_c8_p_c8_fc_w3"
    entry, session = find_network(name), sessions[0]
    network, row = read_network(entry.path), entry.row
    counter = people_counter(network, entry.frontend)
    codes = frontend_codes(session.steps.reshape(-1, 64), counter.table)
    stood_for = (codes.astype(np.float64) - network.input.zero_point) * network.input.scale
    architecture = read_architecture(row["family"], row["architecture"], row["window"])
    newest = inputs(prepare([session]), np.arange(len(codes)), architecture)[..., -1].reshape(codes.shape)
    inside = (codes > -128) & (codes < 127)
    assert inside.mean() > 0.9
    fine_degc = counter.table.frontend.step_degc
    assert np.abs(newest - stood_for)[inside].max() <= (network.input.scale + fine_degc) / 2 + 1e-5

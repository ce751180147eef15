"""Names of networks, and what they cost beside the published figures."""

from __future__ import annotations

import pytest

from datasheet.bad_input import BadInputError
from training.architectures import FAMILIES, all_names, cost, default_names, read_architecture

# Deployed networks of arXiv 2304.06059: name there, family, layers, window, and counted by hand from the layers:
# parameters, and MACs of all frames of the window.
DEPLOYED = [
    ("Top", "cnn_lstm", "C8-P-C8-L16-FC", 3, 2332, 14176),
    ("Size-H", "concatenated_cnn", "C8-P-C8-Cat-FC", 3, 764, 9600),
    ("MAC-H", "multi_channel_cnn", "C8-P-C16-FC", 3, 1460, 8992),
    ("Size-L", "majority_voting", "C8-P-FC", 5, 372, 14400),
    ("MAC-L", "single_frame_cnn", "C8-P-FC", 1, 372, 2880),
    ("Top-Q", "majority_voting", "C8-P-C8-FC-FC", 5, 1500, 19680),
    ("Size-H-Q", "multi_channel_cnn", "C8-P-C8-FC", 3, 844, 8384),
    ("MAC-H-Q", "multi_channel_cnn", "C8-P-C8-FC", 3, 844, 8384),
    ("Size-L-Q", "majority_voting", "C8-P-FC", 3, 372, 8640),
    ("MAC-L-Q", "single_frame_cnn", "C8-P-FC", 1, 372, 2880),
]

# Size of the float32 networks as published, in units of 1024 bytes.
FLOAT_SIZE_KIB = {"Top": 9.28, "Size-H": 2.97, "MAC-H": 5.70, "Size-L": 1.45, "MAC-L": 1.45}


@pytest.mark.parametrize(("name", "family", "layers", "window", "parameters", "macs"), DEPLOYED)
def test_deployed_networks_cost_what_their_layers_say_and_the_paper_allows(
    name: str, family: str, layers: str, window: int, parameters: int, macs: int
) -> None:
    found = cost(read_architecture(family, layers, window))
    assert (found.parameters, found.macs) == (parameters, macs), name
    # The paper's ranges, 0.4 k to 2.4 k and 2.9 k to 20 k, are rounded: the smallest network has 372 and 2880.
    assert 0.35e3 <= found.parameters <= 2.4e3
    assert 2.85e3 <= found.macs <= 20e3


@pytest.mark.parametrize(("name", "size_kib"), FLOAT_SIZE_KIB.items())
def test_float_sizes_agree_with_the_published_ones(name: str, size_kib: float) -> None:
    # The LSTM is published 43 parameters larger, the concatenated network 4 smaller (as if without a last bias).
    family, layers, window = next(row[1:4] for row in DEPLOYED if row[0] == name)
    assert cost(read_architecture(family, layers, window)).parameters * 4 / 1024 == pytest.approx(size_kib, rel=0.02)


def test_a_tcn_is_a_convolution_over_three_frames() -> None:
    found = cost(read_architecture("cnn_tcn", "C8-P-C8-T8-FC", 5))
    assert found.parameters == 664 + (3 * 8 * 8 + 8) + (3 * 8 * 4 + 4)
    assert found.macs == 5 * 3168 + 3 * 192 + 96


@pytest.mark.parametrize("family", FAMILIES)
def test_every_name_of_the_exploration_can_be_read(family: str) -> None:
    window = 1 if family == "single_frame_cnn" else 9
    names = all_names(family)
    assert len(set(names)) == len(names) >= 80
    for name in (*names, *default_names(family)):
        assert cost(read_architecture(family, name, window)).parameters > 0


@pytest.mark.parametrize(
    ("family", "name", "window", "said"),
    [
        ("single_cnn", "C8-P-FC", 1, "did you mean 'single_frame_cnn'?"),
        ("single_frame_cnn", "C8-Q-FC", 1, "layer 'Q' is unknown"),
        ("single_frame_cnn", "C8-P", 1, "must be C<n> and P"),
        ("single_frame_cnn", "FC-C8", 1, "must be C<n> and P"),
        ("single_frame_cnn", "C8-Cat-FC", 1, "must not have Cat"),
        ("single_frame_cnn", "C8-P-C8-C8-FC", 1, "does not fit an image of 8 x 8"),
        ("single_frame_cnn", "C8-P-FC", 3, "window is 3; must be one of 1"),
        ("cnn_lstm", "C8-P-FC", 3, "must have one L before FC"),
        ("cnn_tcn", "C8-P-C8-T8-FC", 1, "window is 1; must be one of 3, 5, 7, 9"),
        ("majority_voting", "C8-P-FC", 4, "window is 4; must be one of 3, 5, 7, 9"),
    ],
)
def test_what_is_no_network_is_refused_in_one_line(family: str, name: str, window: int, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read_architecture(family, name, window)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)

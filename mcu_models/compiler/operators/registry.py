"""Which family computes an operator, by its name and by the type of its first computed operand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.compiler.operators.convolution import CONV_2D
from mcu_models.compiler.operators.dense import FULLY_CONNECTED
from mcu_models.compiler.operators.depthwise import DEPTHWISE_CONV_2D
from mcu_models.compiler.operators.elementwise import ADD, MUL, SUB
from mcu_models.compiler.operators.float_codes import DEQUANTIZE, QUANTIZE
from mcu_models.compiler.operators.float_layers import FLOAT_CONV_2D, FLOAT_FULLY_CONNECTED
from mcu_models.compiler.operators.layout import CONCATENATION, PAD, SPLIT, STRIDED_SLICE, TRANSPOSE
from mcu_models.compiler.operators.lstm import FLOAT_LSTM, LSTM
from mcu_models.compiler.operators.mean import MEAN
from mcu_models.compiler.operators.pool import FLOAT_MAX_POOL, POOL
from mcu_models.compiler.operators.resize import RESIZE_NEAREST_NEIGHBOR
from mcu_models.compiler.operators.softmax import FLOAT_SOFTMAX, SOFTMAX
from mcu_models.compiler.operators.table import LEAKY_RELU, TABLE
from mcu_models.compiler.operators.view import VIEW

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Operator
    from mcu_models.compiler.operators.family import Family

_FAMILIES: Final[dict[str, dict[str, Family]]] = {
    "ADD": {"int8": ADD},
    "AVERAGE_POOL_2D": {"int8": POOL},
    "CONCATENATION": {"int8": CONCATENATION, "float32": CONCATENATION},
    "CONV_2D": {"int8": CONV_2D, "float32": FLOAT_CONV_2D},
    "DEPTHWISE_CONV_2D": {"int8": DEPTHWISE_CONV_2D},
    "DEQUANTIZE": {"int8": DEQUANTIZE},
    "EXPAND_DIMS": {"int8": VIEW, "float32": VIEW},
    "FULLY_CONNECTED": {"int8": FULLY_CONNECTED, "float32": FLOAT_FULLY_CONNECTED},
    "LEAKY_RELU": {"int8": LEAKY_RELU},
    "LOGISTIC": {"int8": TABLE},
    "MAX_POOL_2D": {"int8": POOL, "float32": FLOAT_MAX_POOL},
    "MEAN": {"int8": MEAN},
    "MUL": {"int8": MUL},
    "PAD": {"int8": PAD, "float32": PAD},
    "QUANTIZE": {"int8": TABLE, "float32": QUANTIZE},
    "RELU": {"int8": TABLE},
    "RELU6": {"int8": TABLE},
    "RESHAPE": {"int8": VIEW, "float32": VIEW},
    "RESIZE_NEAREST_NEIGHBOR": {"int8": RESIZE_NEAREST_NEIGHBOR, "float32": RESIZE_NEAREST_NEIGHBOR},
    "SOFTMAX": {"int8": SOFTMAX, "float32": FLOAT_SOFTMAX},
    "SPLIT": {"int8": SPLIT, "float32": SPLIT},
    "SQUEEZE": {"int8": VIEW, "float32": VIEW},
    "STRIDED_SLICE": {"int8": STRIDED_SLICE, "float32": STRIDED_SLICE},
    "SUB": {"int8": SUB},
    "TANH": {"int8": TABLE},
    "TRANSPOSE": {"int8": TRANSPOSE, "float32": TRANSPOSE},
    "UNIDIRECTIONAL_SEQUENCE_LSTM": {"int8": LSTM, "float32": FLOAT_LSTM},
}

SUPPORTED_OPERATORS: Final = tuple(sorted(_FAMILIES))


def supported_types(name: str) -> tuple[str, ...]:
    """Return the types of values on which a supported operator is computed."""
    return tuple(_FAMILIES[name])


def find_family(path: Path, index: int, name: str, dtype: str) -> Family:
    """Return the family of an operator on values of a type.

    Raises:
        BadInputError: The operator is not supported, or not on this type.
    """
    if name not in _FAMILIES:
        raise BadInputError(path, f"operator {index}", name, f"supported: {', '.join(SUPPORTED_OPERATORS)}")
    types = _FAMILIES[name]
    if dtype not in types:
        raise BadInputError(path, f"operator {index} {name}: input type", dtype, f"supported: {', '.join(types)}")
    return types[dtype]


def family_of(path: Path, operator: Operator) -> Family:
    """Return the family of an operator of a network.

    Raises:
        BadInputError: None computes it.
    """
    computed = operator.computed_inputs
    return find_family(path, operator.index, operator.name, computed[0].dtype if computed else "constant")

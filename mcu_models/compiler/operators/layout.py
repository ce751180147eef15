"""CONCATENATION, PAD, STRIDED_SLICE, SPLIT and TRANSPOSE: values are moved, not computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.compiler import ctext
from mcu_models.compiler.model import ITEM_BYTES, ConcatenationOptions, SliceOptions
from mcu_models.compiler.operators.family import C_TYPES, Family, Layer, OptionsReader, layer
from mcu_models.compiler.operators.runs import MOST_AXES, merged_runs, runs_struct, steps_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcu_models.compiler.checks import OperatorCheck
    from mcu_models.compiler.model import Operator, Tensor

_INTEGERS: Final = ("int32", "int64")
_MOST_OPERANDS: Final = 64


def _check_values(check: OperatorCheck) -> None:
    """Check that values are moved to tensors that mean by them the same."""
    check.activations(check.operator.input.dtype)
    check.same_quantisation()


def _axis(check: OperatorCheck, axis: int, rank: int) -> int:
    check.demand(-rank <= axis < rank, "axis", axis, f"expected {-rank} to {rank - 1}")
    return axis % rank


def _copy(name: str, lengths: Sequence[int], source: Sequence[int], target: Sequence[int], item_bytes: int) -> str:
    axes, run = merged_runs(lengths, source, target, item_bytes)
    return runs_struct(name, axes, run)


def _offset(pointer: str, offset: int, dtype: str) -> str:
    """Return a pointer so many bytes behind another."""
    items = offset // ITEM_BYTES[dtype]
    return f"{pointer} + {items}" if items else pointer


# CONCATENATION


def _read_concatenation(reader: OptionsReader) -> ConcatenationOptions:
    return ConcatenationOptions(int(reader.table.Axis()), reader.activation())


def _parts(operator: Operator) -> list[Tensor]:
    return [tensor for tensor in operator.inputs if tensor is not None]


def _check_concatenation(check: OperatorCheck) -> None:
    check.operands(1, _MOST_OPERANDS)
    options, result = check.operator.options_as(ConcatenationOptions), check.operator.output
    check.demand(options.activation == "none", "activation", options.activation, "expected none")
    _check_values(check)
    axis = _axis(check, options.axis, len(result.shape))
    parts = _parts(check.operator)
    check.demand(len(parts) == len(check.operator.inputs), "inputs", len(parts), "none may be left out")
    for part in parts:
        good = (part.dtype, part.quantisation) == (result.dtype, result.quantisation) and not part.is_state
        check.demand(good, "input scale", part.scales[:1], f"expected the output's, {result.scales[:1]}")
        rest = [n for i, n in enumerate(part.shape) if i != axis]
        good = len(part.shape) == len(result.shape) and rest == [n for i, n in enumerate(result.shape) if i != axis]
        check.demand(good, "input shape", list(part.shape), f"does not fit {list(result.shape)}")
    total = sum(part.shape[axis] for part in parts)
    check.demand(total == result.shape[axis], "output shape", list(result.shape), f"expected {total} on axis {axis}")


def _write_concatenation(_: Path, operator: Operator) -> Layer:
    result = operator.output
    axis = operator.options_as(ConcatenationOptions).axis % len(result.shape)
    item_bytes = ITEM_BYTES[result.dtype]
    target = steps_of(result.shape, item_bytes)
    names = _input_names(operator)
    body, data, offset = "", "", 0
    for position, part in enumerate(_parts(operator)):
        body += _copy(f"steps_{position}", part.shape, steps_of(part.shape, item_bytes), target, item_bytes)
        goal = _offset("output", offset, result.dtype)
        body += f"    layout_copy_runs({names[position]}, {goal}, steps_{position});\n"
        if part.data is not None:
            data += ctext.constants(C_TYPES[part.dtype], names[position], part.data)
        offset += part.shape[axis] * target[axis]
    return layer(operator, body, "layout.h", data=data)


def _input_names(operator: Operator) -> list[str]:
    """Return what each operand is called in C: parameters count the computed ones only."""
    count = len(operator.computed_inputs)
    names, computed = [], 0
    for position, part in enumerate(_parts(operator)):
        if part.data is None:
            names.append("input" if count == 1 else f"input_{computed}")
            computed += 1
        else:
            names.append(f"network_data_{operator.index}_part_{position}")
    return names


# PAD


def _check_pad(check: OperatorCheck) -> None:
    check.operands(2)
    source = check.computed()
    _check_values(check)
    amounts = check.constant(1, "paddings", _INTEGERS)
    rank = len(source.shape)
    check.demand(amounts.shape == (rank, 2), "paddings shape", list(amounts.shape), f"expected {[rank, 2]}")
    values = check.operator.constant(1)
    check.demand(int(values.min()) >= 0, "paddings", values.tolist(), "expected none below 0")
    check.demand(rank <= MOST_AXES, "input shape", list(source.shape), f"at most {MOST_AXES} axes")
    check.shape(tuple(n + int(sum(pair)) for n, pair in zip(source.shape, values.tolist(), strict=True)))


def _write_pad(_: Path, operator: Operator) -> Layer:
    source, result = operator.input, operator.output
    item_bytes = ITEM_BYTES[source.dtype]
    target = steps_of(result.shape, item_bytes)
    before = [int(pair[0]) for pair in operator.constant(1)]
    start = sum(n * step for n, step in zip(before, target, strict=True))
    zero = source.zero_point if source.scales else 0
    body = (
        _copy("steps", source.shape, steps_of(source.shape, item_bytes), target, item_bytes)
        + f"    layout_fill(output, {zero}, {result.size_bytes});\n"
        + f"    layout_copy_runs(input, {_offset('output', start, result.dtype)}, steps);\n"
    )
    return layer(operator, body, "layout.h")


# STRIDED_SLICE


def _read_slice(reader: OptionsReader) -> SliceOptions:
    table = reader.table
    for key, value in (("ellipsis mask", table.EllipsisMask()), ("new axis mask", table.NewAxisMask())):
        if value:
            raise reader.error(key, value, "expected 0")
    if table.Offset():
        raise reader.error("offset", value=True, allowed="expected false")
    return SliceOptions(table.BeginMask(), table.EndMask(), table.ShrinkAxisMask())


def _slices(operator: Operator) -> list[range]:
    """Return the indices taken along each axis."""
    options = operator.options_as(SliceOptions)
    begins, ends, strides = (operator.constant(position).tolist() for position in (1, 2, 3))
    taken = []
    for axis, length in enumerate(operator.input.shape):
        bit = 1 << axis
        begin = None if options.begin_mask & bit else begins[axis]
        end = None if options.end_mask & bit else ends[axis]
        indices = range(*slice(begin, end, strides[axis]).indices(length))
        if options.shrink_mask & bit:
            first = begins[axis] % length if -length <= begins[axis] < length else length
            indices = range(first, first + 1)
        taken.append(indices)
    return taken


def _check_slice(check: OperatorCheck) -> None:
    check.operands(4)
    source = check.computed()
    _check_values(check)
    rank = len(source.shape)
    check.demand(rank <= MOST_AXES, "input shape", list(source.shape), f"at most {MOST_AXES} axes")
    for position, key in ((1, "begin"), (2, "end"), (3, "strides")):
        tensor = check.constant(position, key, ("int32",))
        check.demand(tensor.shape == (rank,), f"{key} shape", list(tensor.shape), f"expected {[rank]}")
    strides = check.operator.constant(3).tolist()
    check.demand(all(strides), "strides", strides, "expected none of 0")
    taken = _slices(check.operator)
    shrink = check.operator.options_as(SliceOptions).shrink_mask
    for axis, indices in enumerate(taken):
        good = len(indices) > 0 and max(indices[0], indices[-1]) < source.shape[axis]
        check.demand(good, f"slice of axis {axis}", [*check.operator.constant(1).tolist()], "takes nothing")
        good = not shrink & (1 << axis) or strides[axis] > 0
        check.demand(good, "strides", strides, "expected a positive one where an axis is dropped")
    check.shape(tuple(len(indices) for axis, indices in enumerate(taken) if not shrink & (1 << axis)))


def _write_slice(_: Path, operator: Operator) -> Layer:
    source = operator.input
    item_bytes = ITEM_BYTES[source.dtype]
    taken = _slices(operator)
    steps = steps_of(source.shape, item_bytes)
    start = sum(indices[0] * step for indices, step in zip(taken, steps, strict=True))
    lengths = [len(indices) for indices in taken]
    strided = [indices.step * step for indices, step in zip(taken, steps, strict=True)]
    body = _copy("steps", lengths, strided, steps_of(lengths, item_bytes), item_bytes)
    body += f"    layout_copy_runs({_offset('input', start, source.dtype)}, output, steps);\n"
    return layer(operator, body, "layout.h")


# SPLIT


def _split_axis(operator: Operator) -> int:
    return int(operator.constant(0).reshape(-1)[0]) % len(operator.input.shape)


def _check_split(check: OperatorCheck) -> None:
    check.operands(2, outputs=len(check.operator.outputs))
    axis = check.constant(0, "axis", ("int32",))
    check.demand(axis.size == 1, "axis", list(axis.shape), "expected one number")
    source = check.computed(1)
    _check_values(check)
    _axis(check, int(check.operator.constant(0).reshape(-1)[0]), len(source.shape))
    place = _split_axis(check.operator)
    parts = len(check.operator.outputs)
    check.demand(source.shape[place] % parts == 0, "outputs", parts, f"expected a divisor of {source.shape[place]}")
    expected = list(source.shape)
    expected[place] //= parts
    for result in check.operator.outputs:
        check.demand(list(result.shape) == expected, "output shape", list(result.shape), f"expected {expected}")


def _write_split(_: Path, operator: Operator) -> Layer:
    source, axis = operator.input, _split_axis(operator)
    item_bytes = ITEM_BYTES[source.dtype]
    steps = steps_of(source.shape, item_bytes)
    shape = operator.output.shape
    body = _copy("steps", shape, steps, steps_of(shape, item_bytes), item_bytes)
    count = len(operator.outputs)
    for position in range(count):
        place = _offset("input", position * shape[axis] * steps[axis], source.dtype)
        goal = "output" if count == 1 else f"output_{position}"
        body += f"    layout_copy_runs({place}, {goal}, steps);\n"
    return layer(operator, body, "layout.h")


# TRANSPOSE


def _check_transpose(check: OperatorCheck) -> None:
    check.operands(2)
    source = check.computed()
    _check_values(check)
    check.constant(1, "permutation", ("int32",))
    order = check.operator.constant(1).reshape(-1).tolist()
    rank = len(source.shape)
    check.demand(sorted(order) == list(range(rank)), "permutation", order, f"expected each of 0 to {rank - 1} once")
    check.demand(rank <= MOST_AXES, "input shape", list(source.shape), f"at most {MOST_AXES} axes")
    check.shape(tuple(source.shape[axis] for axis in order))


def _write_transpose(_: Path, operator: Operator) -> Layer:
    item_bytes = ITEM_BYTES[operator.input.dtype]
    steps = steps_of(operator.input.shape, item_bytes)
    order = operator.constant(1).reshape(-1).tolist()
    shape = operator.output.shape
    body = _copy("steps", shape, [steps[axis] for axis in order], steps_of(shape, item_bytes), item_bytes)
    return layer(operator, f"{body}    layout_copy_runs(input, output, steps);\n", "layout.h")


CONCATENATION: Final = Family(
    check=_check_concatenation,
    write=_write_concatenation,
    options_type="ConcatenationOptions",
    read=_read_concatenation,
)
PAD: Final = Family(check=_check_pad, write=_write_pad)
SPLIT: Final = Family(check=_check_split, write=_write_split)
STRIDED_SLICE: Final = Family(
    check=_check_slice, write=_write_slice, options_type="StridedSliceOptions", read=_read_slice
)
TRANSPOSE: Final = Family(check=_check_transpose, write=_write_transpose)

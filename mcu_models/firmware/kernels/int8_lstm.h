/* An LSTM over a sequence: int8 inputs, weights and outputs, int16 gates and cell, equal in every bit to the
 * reference kernels of TensorFlow Lite (gemmlowp's fixed point in int16). Qm.n: m integer and n fraction bits. */
#ifndef INT8_LSTM_H
#define INT8_LSTM_H

#include "int8_arithmetic.h"
#include "layout.h"

#define INT16_EXP_TERMS 7

/* How a sum over weights becomes Q3.12: multiplier / 2^31 * 2^(left - right). */
typedef struct {
    int32_t multiplier;
    int16_t left;
    int16_t right;
} int8_lstm_scale;

/* One gate. Weights are [cells][inputs] and [cells][cells]; biases hold the zero points' parts too. */
typedef struct {
    const int8_t *input_weights;
    const int8_t *recurrent_weights;
    const int32_t *input_bias;
    const int32_t *recurrent_bias;
    int8_lstm_scale input_scale;
    int8_lstm_scale recurrent_scale;
} int8_lstm_gate;

typedef struct {
    int32_t steps;
    int32_t inputs;
    int32_t cells;
    int32_t cell_bits;  /* the cell's scale is 2^-cell_bits */
    int32_t cell_limit; /* the cell is held within this; 0: within int16 only */
    int8_lstm_scale output_scale;
    int32_t output_zero_point;
    int8_t state_zero_point; /* what the output is taken for before the first step */
} int8_lstm_shape;

INT8_INLINE int32_t int16_saturate(int32_t value)
{
    return int8_clamp(value, INT16_MIN, INT16_MAX);
}

INT8_INLINE int32_t int16_wrap(int32_t value)
{
    return (int32_t)(int16_t)value;
}

INT8_INLINE int32_t int8_lstm_rescale(int32_t value, int8_lstm_scale scale)
{
    return int8_divide(int8_high_product(value * (INT32_C(1) << scale.left), scale.multiplier), scale.right);
}

/* High half of 2ab, rounded, halves up; a and b are int16, not both INT16_MIN. */
INT8_INLINE int32_t int16_high_product(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

/* exp(a) in Q0.15 for a in Q0.15 from -1/4 up to 0: a Taylor series around -1/8. */
static inline int32_t int16_exp_quarter(int32_t a)
{
    const int32_t exp_of_minus_eighth = 28918;
    const int32_t third = 10923;
    const int32_t x = a + (1 << 12);
    const int32_t x2 = int16_high_product(x, x);
    const int32_t x3 = int16_high_product(x2, x);
    const int32_t x4 = int16_high_product(x2, x2);
    const int32_t higher = int8_divide(int16_high_product(int8_divide(x4, 2) + x3, third) + x2, 1);
    return int16_saturate(exp_of_minus_eighth + int16_high_product(exp_of_minus_eighth, x + higher));
}

/* exp(a) in Q0.15 for a < 0 in Q(integer_bits). */
static inline int32_t int16_exp_negative(int32_t a, int32_t integer_bits)
{
    /* exp(-1/4), exp(-1/2), exp(-1), ..., exp(-16) in Q0.15 */
    static const int16_t factors[INT16_EXP_TERMS] = {25520, 19875, 12055, 4435, 600, 11, 0};
    const int32_t fraction_bits = 15 - integer_bits;
    const int32_t quarter = 1 << (fraction_bits - 2);
    const int32_t last = (a & (quarter - 1)) - quarter;
    const int32_t digits = int16_wrap(last - a);
    int32_t result = int16_exp_quarter(int16_saturate(last * (1 << integer_bits)));
    for (int32_t i = 0; i < INT16_EXP_TERMS; ++i) {
        if (integer_bits > i - 2 && (digits & (quarter << i)) != 0) {
            result = int16_high_product(result, factors[i]);
        }
    }
    return integer_bits > 5 && a < -(1 << (fraction_bits + 5)) ? 0 : result;
}

/* 1 / (1 + a) in Q2.13 for a in Q0.15 from 0 up to 1: three Newton steps on half of 1 + a. */
static inline int32_t int16_reciprocal_of_one_plus(int32_t a)
{
    const int32_t start = 23130;  /* 48/17 in Q2.13 */
    const int32_t slope = -15420; /* -32/17 in Q2.13 */
    const int32_t half = (a + INT16_MAX + 1) / 2;
    int32_t x = int16_saturate(start + int16_high_product(half, slope));
    for (int32_t step = 0; step < 3; ++step) {
        const int32_t error = int16_wrap((1 << 13) - int16_high_product(half, x));
        x = int16_wrap(x + int16_saturate(int16_high_product(x, error) * 4));
    }
    return x;
}

/* 1 / (1 + exp(-a)) in Q0.15 for a in Q3.12. */
static inline int32_t int16_sigmoid(int32_t a)
{
    if (a == 0) {
        return 1 << 14;
    }
    const int32_t falling = int16_reciprocal_of_one_plus(int16_exp_negative(a > 0 ? -a : a, 3));
    const int32_t result = int16_saturate(falling * 2);
    return a > 0 ? result : int16_wrap(INT16_MAX - result);
}

/* tanh(a) in Q0.15 for a in Q(integer_bits). */
static inline int32_t int16_tanh(int32_t a, int32_t integer_bits)
{
    if (a == 0) {
        return 0;
    }
    /* tanh(a) = 2 / (1 + exp(-2a)) - 1: read with one integer bit more, a is doubled */
    const int32_t half = int16_reciprocal_of_one_plus(int16_exp_negative(int16_wrap(a > 0 ? -a : a), integer_bits + 1));
    const int32_t result = int16_saturate(int16_wrap(half - (1 << 13)) * 4);
    return a > 0 ? result : int16_wrap(-result);
}

INT8_INLINE void int8_lstm_evaluate(const int8_lstm_gate *gate, const int8_t *restrict input,
                                    const int8_t *restrict state, int16_t *restrict result, int8_lstm_shape s)
{
    for (int32_t c = 0; c < s.cells; ++c) {
        const int32_t from_input = int8_dot(gate->input_bias[c], input, gate->input_weights + c * s.inputs, s.inputs);
        const int32_t from_state =
            int8_dot(gate->recurrent_bias[c], state, gate->recurrent_weights + c * s.cells, s.cells);
        const int32_t first = int16_saturate(int8_lstm_rescale(from_input, gate->input_scale));
        result[c] = (int16_t)int16_saturate(int8_lstm_rescale(from_state, gate->recurrent_scale) + first);
    }
}

/* `gates`: input, forget, cell and output gate. `scratch`: ten bytes for each cell, then one. */
INT8_INLINE void int8_lstm(const int8_t *restrict input, int8_t *restrict output, const int8_lstm_gate *gates,
                           int8_t *restrict scratch, int8_lstm_shape s)
{
    int16_t *cell = (int16_t *)(void *)scratch;
    int16_t *values = cell + s.cells;
    int8_t *state = (int8_t *)(values + 4 * s.cells);
    for (int32_t c = 0; c < s.cells; ++c) {
        cell[c] = 0;
        state[c] = s.state_zero_point;
    }
    for (int32_t step = 0; step < s.steps; ++step) {
        for (int32_t gate = 0; gate < 4; ++gate) {
            int8_lstm_evaluate(gates + gate, input, state, values + gate * s.cells, s);
        }
        for (int32_t c = 0; c < s.cells; ++c) {
            const int32_t in = int16_sigmoid(values[c]);
            const int32_t keep = int16_sigmoid(values[s.cells + c]);
            const int32_t fresh = int16_tanh(values[2 * s.cells + c], 3);
            const int32_t out = int16_sigmoid(values[3 * s.cells + c]);
            const int32_t kept = int16_wrap(int8_divide(keep * cell[c], 15));
            int32_t sum = int16_saturate(kept + int16_wrap(int8_divide(in * fresh, 30 - s.cell_bits)));
            if (s.cell_limit > 0) {
                sum = int8_clamp(sum, -s.cell_limit, s.cell_limit);
            }
            cell[c] = (int16_t)sum;
            const int32_t value = int8_lstm_rescale(out * int16_tanh(sum, 15 - s.cell_bits), s.output_scale);
            state[c] = (int8_t)int8_clamp(value + s.output_zero_point, INT8_MIN, INT8_MAX);
        }
        layout_copy(state, output, s.cells);
        input += s.inputs;
        output += s.cells;
    }
}

#endif

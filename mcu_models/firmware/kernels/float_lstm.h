/* An LSTM over a sequence in float32. */
#ifndef FLOAT_LSTM_H
#define FLOAT_LSTM_H

#include "float_math.h"

/* One gate. Weights are [cells][inputs] and [cells][cells]. */
typedef struct {
    const float *input_weights;
    const float *recurrent_weights;
    const float *bias;
} float_lstm_gate;

typedef struct {
    int32_t steps;
    int32_t inputs;
    int32_t cells;
    float cell_limit; /* the cell is held within this; 0: it is not */
} float_lstm_shape;

FLOAT_INLINE float float_lstm_sum(const float_lstm_gate *gate, const float *restrict input,
                                  const float *restrict state, int32_t c, float_lstm_shape s)
{
    const float sum = float_dot(gate->bias[c], input, gate->input_weights + c * s.inputs, s.inputs);
    return float_dot(sum, state, gate->recurrent_weights + c * s.cells, s.cells);
}

/* `gates`: input, forget, cell and output gate. `scratch`: the cells and the last output, 8 bytes for each cell. */
FLOAT_INLINE void float_lstm(const float *restrict input, float *restrict output, const float_lstm_gate *gates,
                             int8_t *restrict scratch, float_lstm_shape s)
{
    float *cell = (float *)(void *)scratch;
    float *state = cell + s.cells;
    for (int32_t c = 0; c < 2 * s.cells; ++c) {
        cell[c] = 0.0f;
    }
    for (int32_t step = 0; step < s.steps; ++step) {
        for (int32_t c = 0; c < s.cells; ++c) {
            const float in = float_sigmoid(float_lstm_sum(gates, input, state, c, s));
            const float keep = float_sigmoid(float_lstm_sum(gates + 1, input, state, c, s));
            const float fresh = float_tanh(float_lstm_sum(gates + 2, input, state, c, s));
            const float out = float_sigmoid(float_lstm_sum(gates + 3, input, state, c, s));
            const float sum = keep * cell[c] + in * fresh;
            cell[c] = s.cell_limit > 0.0f ? float_clamp(sum, -s.cell_limit, s.cell_limit) : sum;
            output[c] = out * float_tanh(cell[c]);
        }
        for (int32_t c = 0; c < s.cells; ++c) {
            state[c] = output[c];
        }
        input += s.inputs;
        output += s.cells;
    }
}

#endif

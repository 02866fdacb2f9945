// SPDX-License-Identifier: AGPL-3.0-or-later
#include "matrix_mult_fabric.hpp"

#include "ap_int.h"

namespace {

// Columns of the result that are computed at once: one multiplier each.
constexpr int lanes = 32;
constexpr int groups = matrix_size / lanes;

using element_t = ap_int<8>;
using product_t = ap_int<16>;
// 256 x (-128 x -128) = 2^22 is the largest sum
using sum_t = ap_int<24>;

}  // namespace

void matrix_mult_fabric(const int8_t *a, const int8_t *b, int32_t *out) {
#pragma HLS INTERFACE m_axi port = a bundle = gmem offset = slave depth = 65536 max_widen_bitwidth = 64
#pragma HLS INTERFACE m_axi port = b bundle = gmem offset = slave depth = 65536 max_widen_bitwidth = 64
#pragma HLS INTERFACE m_axi port = out bundle = gmem offset = slave depth = 65536 max_widen_bitwidth = 64
#pragma HLS INTERFACE s_axilite port = a bundle = CTRL
#pragma HLS INTERFACE s_axilite port = b bundle = CTRL
#pragma HLS INTERFACE s_axilite port = out bundle = CTRL
#pragma HLS INTERFACE s_axilite port = return bundle = CTRL

    // static: block RAM of the kernel, and too large for a stack in C simulation
    static element_t columns[matrix_size][matrix_size];  // b, one memory for each lane
    static element_t row[matrix_size];                   // of a
    static sum_t sums[matrix_size];                      // the row of the result
#pragma HLS ARRAY_PARTITION variable = columns dim = 2 type = cyclic factor = 32
#pragma HLS ARRAY_PARTITION variable = sums dim = 1 type = cyclic factor = 32

read_b:
    for (int k = 0; k < matrix_size; ++k) {
        for (int j = 0; j < matrix_size; ++j) {
#pragma HLS PIPELINE II = 1
            columns[k][j] = b[k * matrix_size + j];
        }
    }

rows:
    for (int i = 0; i < matrix_size; ++i) {
    read_a:
        for (int k = 0; k < matrix_size; ++k) {
#pragma HLS PIPELINE II = 1
            row[k] = a[i * matrix_size + k];
        }
    multiply:
        for (int group = 0; group < groups; ++group) {
            sum_t partial[lanes];
#pragma HLS ARRAY_PARTITION variable = partial type = complete
            for (int k = 0; k < matrix_size; ++k) {
#pragma HLS PIPELINE II = 1
                for (int lane = 0; lane < lanes; ++lane) {
#pragma HLS UNROLL
                    const product_t product = row[k] * columns[k][group * lanes + lane];
#pragma HLS BIND_OP variable = product op = mul impl = fabric
                    const sum_t before = k == 0 ? sum_t(0) : partial[lane];
                    partial[lane] = before + product;
                }
            }
            for (int lane = 0; lane < lanes; ++lane) {
#pragma HLS UNROLL
                sums[group * lanes + lane] = partial[lane];
            }
        }
    write:
        for (int j = 0; j < matrix_size; ++j) {
#pragma HLS PIPELINE II = 1
            out[i * matrix_size + j] = sums[j];
        }
    }
}

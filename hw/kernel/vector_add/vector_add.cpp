// SPDX-License-Identifier: AGPL-3.0-or-later
#include "vector_add.hpp"

namespace {

// Both inputs come through one port, so they are read block by block: a burst of each, not one word of each in turn.
constexpr int32_t block = 64;

void read_block(const int32_t *source, int32_t buffer[block], int32_t count) {
#pragma HLS INLINE off
read:
    for (int32_t i = 0; i < count; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
#pragma HLS PIPELINE II = 1
        buffer[i] = source[i];
    }
}

}  // namespace

void vector_add(const int32_t *a, const int32_t *b, int32_t *out, int32_t n) {
#pragma HLS INTERFACE m_axi port = a bundle = gmem offset = slave depth = 1048576 max_read_burst_length = 64
#pragma HLS INTERFACE m_axi port = b bundle = gmem offset = slave depth = 1048576 max_read_burst_length = 64
#pragma HLS INTERFACE m_axi port = out bundle = gmem offset = slave depth = 1048576 max_write_burst_length = 64
#pragma HLS INTERFACE s_axilite port = a bundle = CTRL
#pragma HLS INTERFACE s_axilite port = b bundle = CTRL
#pragma HLS INTERFACE s_axilite port = out bundle = CTRL
#pragma HLS INTERFACE s_axilite port = n bundle = CTRL
#pragma HLS INTERFACE s_axilite port = return bundle = CTRL

    int32_t a_block[block];
    int32_t b_block[block];
blocks:
    for (int32_t start = 0; start < n; start += block) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16384
        const int32_t left = n - start;
        const int32_t count = left < block ? left : block;
        read_block(a + start, a_block, count);
        read_block(b + start, b_block, count);
    add:
        for (int32_t i = 0; i < count; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
#pragma HLS PIPELINE II = 1
            // unsigned, because the sum wraps
            out[start + i] = static_cast<int32_t>(static_cast<uint32_t>(a_block[i]) + static_cast<uint32_t>(b_block[i]));
        }
    }
}

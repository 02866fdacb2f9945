// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

constexpr int matrix_size = 256;
constexpr int matrix_elements = matrix_size * matrix_size;

// out = a x b: row-major 256x256 matrices, int8 inputs, exact int32 results. Multipliers on DSP48E1.
void matrix_mult(const int8_t *a, const int8_t *b, int32_t *out);

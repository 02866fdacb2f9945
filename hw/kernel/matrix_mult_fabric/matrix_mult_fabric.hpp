// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

constexpr int matrix_size = 256;
constexpr int matrix_elements = matrix_size * matrix_size;

// out = a x b: row-major 256x256 matrices, int8 inputs, exact int32 results. Multipliers in LUTs.
void matrix_mult_fabric(const int8_t *a, const int8_t *b, int32_t *out);

// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

// Elements that fit the buffers of a call: the depth of the m_axi ports.
constexpr int32_t max_elements = 1048576;

// out[i] = a[i] + b[i] for i in 0 … n-1, modulo 2^32; nothing is written for n <= 0.
void vector_add(const int32_t *a, const int32_t *b, int32_t *out, int32_t n);

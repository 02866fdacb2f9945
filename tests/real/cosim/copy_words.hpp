// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

// out[i] = a[i] for i in 0 … n-1, n at most 16; `fault` makes the RTL do something wrong.
void copy_words(const int32_t *a, int32_t *out, int32_t n, int32_t fault);

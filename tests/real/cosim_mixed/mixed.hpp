// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "ap_int.h"

// Every kind of argument at once: see mixed_tb.cpp for what it computes. Declared as C, with an array and without const.
extern "C" void mixed(float x[32], ap_int<64> *state, int8_t small, int64_t large, double real, ap_uint<16> *few);

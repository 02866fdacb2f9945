// SPDX-License-Identifier: AGPL-3.0-or-later
#include "mixed.hpp"

#include <cstdio>
#include <cstring>

static float x[32];
static ap_int<64> state[4];
static ap_uint<16> few[8];

int main() {
    for (int i = 0; i < 32; ++i) x[i] = 1.5f * i;
    for (int i = 0; i < 4; ++i) state[i] = -i;
    for (int i = 0; i < 8; ++i) few[i] = 0xbeef;
    for (int call = 0; call < 2; ++call) {
        const int8_t small = -3 + call;
        const int64_t large = 0x123456789abcdefLL + call;
        const double real = -0.1 * (call + 1);
        uint64_t real_bits;
        std::memcpy(&real_bits, &real, 8);
        const uint64_t before = state[2].to_uint64();
        mixed(x, state, small, large, real, few);
        // state[2] += small + large + bits of real; x[16 … 31] = x[0 … 15]; few[1] = low half of x[0], but for its low byte
        const uint64_t expected = before + static_cast<uint64_t>(static_cast<int64_t>(small)) + static_cast<uint64_t>(large) + real_bits;
        if (state[2].to_uint64() != expected || state[1].to_int64() != -1 || state[3].to_int64() != -3) {
            std::printf("mixed: FAIL: state[2] is %llx, expected %llx\n", static_cast<unsigned long long>(state[2].to_uint64()), static_cast<unsigned long long>(expected));
            return 1;
        }
        for (int i = 0; i < 16; ++i) {
            if (x[i] != 1.5f * i || x[i + 16] != x[i]) {
                std::printf("mixed: FAIL: x[%d] is %f\n", i + 16, static_cast<double>(x[i + 16]));
                return 1;
            }
        }
        if (few[0] != 0xbeef || few[1] != 0x12ef || few[2] != 0xbeef) {
            std::printf("mixed: FAIL: few[1] is %x\n", few[1].to_uint());
            return 1;
        }
    }
    std::printf("mixed: PASS\n");
    return 0;
}

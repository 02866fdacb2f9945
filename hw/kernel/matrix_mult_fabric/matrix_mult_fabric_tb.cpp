// SPDX-License-Identifier: AGPL-3.0-or-later
// Self-checking testbench: 0 only if every element of every case is right. It knows nothing but the top function, so
// the co-simulation can link it with the RTL's stand-in. Arrays have the full size of the ports.
#include "matrix_mult_fabric.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <random>
#include <vector>

namespace {

constexpr int size = matrix_size;

std::vector<int8_t> a(matrix_elements), b(matrix_elements);
std::vector<int32_t> out(matrix_elements), expected(matrix_elements);

void reference() {
    std::fill(expected.begin(), expected.end(), 0);
    for (int i = 0; i < size; ++i) {
        for (int k = 0; k < size; ++k) {
            for (int j = 0; j < size; ++j) expected[i * size + j] += a[i * size + k] * b[k * size + j];
        }
    }
}

bool passes(const char *name) {
    reference();
    std::fill(out.begin(), out.end(), 0x5eed5eed);
    matrix_mult_fabric(a.data(), b.data(), out.data());
    const auto wrong = std::mismatch(out.begin(), out.end(), expected.begin());
    if (wrong.first == out.end()) return true;
    const int at = static_cast<int>(wrong.first - out.begin());
    std::printf("matrix_mult_fabric: FAIL: %s: out[%d][%d] is %" PRId32 ", expected %" PRId32 "\n", name, at / size, at % size,
                *wrong.first, *wrong.second);
    return false;
}

}  // namespace

int main() {
    std::mt19937 random(1);
    auto fill = [&random](std::vector<int8_t> &values) {
        for (int8_t &value : values) value = static_cast<int8_t>(random() & 0xff);
    };

    fill(a);
    fill(b);
    if (!passes("random")) return 1;

    std::fill(a.begin(), a.end(), -128);
    std::fill(b.begin(), b.end(), -128);
    for (int j = 0; j < size; j += 2) b[3 * size + j] = 127;
    if (!passes("extremes")) return 1;

    fill(a);
    std::fill(b.begin(), b.end(), 0);
    for (int i = 0; i < size; ++i) b[i * size + i] = 1;
    if (!passes("identity")) return 1;

    std::printf("matrix_mult_fabric: PASS: 3 cases\n");
    return 0;
}

// SPDX-License-Identifier: AGPL-3.0-or-later
// Self-checking testbench: 0 only if every element of every case is right, and none was written beyond n.
// It knows nothing but the top function, so the co-simulation can link it with the RTL's stand-in. The arrays have
// the full depth of the ports, because the co-simulation lets the RTL reach all of it.
#include "vector_add.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <limits>
#include <random>
#include <vector>

namespace {

constexpr int32_t untouched = 0x5eed5eed;

std::vector<int32_t> a(max_elements), b(max_elements), out(max_elements);

int32_t wrapping_sum(int32_t x, int32_t y) {
    const int64_t sum = static_cast<int64_t>(x) + y;
    return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(sum)));
}

bool passes(const char *name, int32_t n) {
    std::fill(out.begin(), out.end(), untouched);
    vector_add(a.data(), b.data(), out.data(), n);
    for (int32_t i = 0; i < max_elements; ++i) {
        const int32_t expected = i < n ? wrapping_sum(a[i], b[i]) : untouched;
        if (out[i] != expected) {
            std::printf("vector_add: FAIL: %s, n = %" PRId32 ": out[%" PRId32 "] is %" PRId32 ", expected %" PRId32 "\n",
                        name, n, i, out[i], expected);
            return false;
        }
    }
    return true;
}

}  // namespace

int main() {
    std::mt19937 random(1);
    auto fill = [&random](std::vector<int32_t> &values) {
        for (int32_t &value : values) value = static_cast<int32_t>(random());
    };
    int cases = 0;
    fill(a);
    fill(b);
    for (const int32_t n : {0, 1, 2, 7, 16, 17, 64, 65, 1000, 1024, 4097, 20011, -1}) {
        if (!passes("random", n)) return 1;
        ++cases;
    }
    const int32_t least = std::numeric_limits<int32_t>::min(), most = std::numeric_limits<int32_t>::max();
    const int32_t extremes[] = {least, -1, 0, 1, most};
    int32_t n = 0;
    for (const int32_t x : extremes) {
        for (const int32_t y : extremes) {
            a[n] = x;
            b[n++] = y;
        }
    }
    if (!passes("extremes", n)) return 1;
    ++cases;
    std::printf("vector_add: PASS: %d cases\n", cases);
    return 0;
}

// SPDX-License-Identifier: AGPL-3.0-or-later
// Three calls; the fault comes from the environment, so that one build serves all tests.
#include "copy_words.hpp"

#include <cstdio>
#include <cstdlib>
#include <vector>

int main() {
    const char *text = std::getenv("COPY_WORDS_FAULT");
    const int32_t fault = text ? std::atoi(text) : 0;
    std::vector<int32_t> a(2048), out(2048, -1);
    for (int32_t i = 0; i < 2048; ++i) a[i] = 3 * i + 7;
    if (fault == 100) return 0;
    if (fault == 101) {  // a bug of the testbench's own: AddressSanitizer finds it in C simulation
        volatile int32_t beyond = 2048;
        out.data()[beyond] = 1;
    }
    for (const int32_t n : {16, 5, 0}) {
        copy_words(a.data(), out.data(), n, fault);
        for (int32_t i = 0; i < n; ++i) {
            if (out[i] != a[i]) {
                std::printf("copy_words: FAIL: n = %d: out[%d] is %d, expected %d\n", n, i, out[i], a[i]);
                std::exit(1);
            }
        }
    }
    std::printf("copy_words: PASS\n");
}

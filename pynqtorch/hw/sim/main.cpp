// SPDX-License-Identifier: AGPL-3.0-or-later
// Runs a kernel's testbench, whose main() was renamed when it was linked, against the simulated device.
#include <cstdlib>
#include <memory>

#include "kernel_call.hpp"
#include "testbenches.hpp"

namespace pynqtorch {
namespace {

Options options;
std::unique_ptr<Device> the_device;
const Testbench *chosen = nullptr;

// At exit, not at the end of main: a testbench may call exit().
void finish() {
    the_device.reset();  // closes the trace
    if (report().cycles.empty()) {
        std::fprintf(stderr, "simulation: error: the testbench ended without a call of the kernel\n");
        report().write("the testbench ended without a call of the kernel");
        std::_Exit(exit_verify);
    }
    report().write("");
}

}  // namespace

Device &device() {
    if (!the_device) the_device = make_device(options);
    return *the_device;
}

const Instance &instance() { return chosen->instance; }

}  // namespace pynqtorch

int main(int argc, char **argv) {
    using namespace pynqtorch;
    options = parse_options(argc, argv);
    for (const Testbench &testbench : testbenches)
        if (chosen == nullptr && (options.instance.empty() || options.instance == testbench.instance.name))
            chosen = &testbench;
    if (chosen == nullptr) {
        std::fprintf(stderr, "simulation: error: no instance %s\n", options.instance.c_str());
        return 2;
    }
    Report &figures = report();
    figures.path = options.report;
    figures.transport = transport;
    figures.instance = chosen->instance.name;
    figures.seed = options.seed;
    figures.stall = options.stall;
    figures.read_latency = options.read_latency;
    figures.write_latency = options.write_latency;
    figures.bandwidth = options.bandwidth;
    figures.alignment = options.alignment;
    std::atexit(finish);
    char *arguments[] = {argv[0], nullptr};
    return chosen->main(1, arguments);
}

// SPDX-License-Identifier: AGPL-3.0-or-later
// Options of a simulation run, from the command line: --name=value.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace pynqtorch {

struct Options {
    std::string instance;             // kernel instance that the testbench drives; empty: the first
    std::string report;               // JSON file with the figures of the run
    std::string trace;                // FST file; empty: no trace
    uint64_t seed = 0;                // of the stalls and of registers without a reset
    uint64_t stall = 0;               // per cent of cycles in which each READY or VALID of ours is held back
    uint64_t read_latency = 32;       // cycles from a read address to its first beat
    uint64_t write_latency = 16;      // cycles from the last write beat to its response
    uint64_t bandwidth = 0;           // bytes a cycle of each memory port, reads and writes together; 0: the bus's
    uint64_t outstanding = 8;         // bursts of each direction that a memory port takes before it answers (UG585: HP)
    uint64_t alignment = 4096;        // of the buffers' addresses in bytes; a page is what Linux gives
    uint64_t max_cycles = 20'000'000; // of one call
};

inline Options parse_options(int argc, char **argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
        bool known = equals != std::string::npos;
        auto number = [&](const char *option, uint64_t &target) {
            if (name != option) return false;
            char *end = nullptr;
            target = std::strtoull(value.c_str(), &end, 0);
            known = known && !value.empty() && *end == '\0';
            return true;
        };
        auto text = [&](const char *option, std::string &target) {
            if (name != option) return false;
            target = value;
            return true;
        };
        known = (text("--instance", options.instance) || text("--report", options.report) ||
                 text("--trace", options.trace) || number("--seed", options.seed) || number("--stall", options.stall) ||
                 number("--read-latency", options.read_latency) || number("--write-latency", options.write_latency) ||
                 number("--bandwidth", options.bandwidth) || number("--outstanding", options.outstanding) ||
                 number("--alignment", options.alignment) || number("--max-cycles", options.max_cycles)) &&
                known;
        if (!known || options.stall > 95 || options.outstanding == 0 || options.alignment == 0 ||
            (options.alignment & (options.alignment - 1)) != 0) {
            std::fprintf(stderr, "simulation: error: bad option %s\n", argument.c_str());
            std::exit(2);
        }
    }
    return options;
}

}  // namespace pynqtorch

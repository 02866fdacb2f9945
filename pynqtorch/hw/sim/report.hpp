// SPDX-License-Identifier: AGPL-3.0-or-later
// Figures of a run as JSON, and the one way a simulation fails: loudly, with the report written.
#pragma once

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace pynqtorch {

// Exit code of a run whose results or protocol are wrong; VerifyError.code of pynqtorch/errors.py.
constexpr int exit_verify = 9;

[[gnu::format(printf, 1, 2)]] inline std::string format(const char *pattern, ...) {
    std::va_list arguments;
    va_start(arguments, pattern);
    char buffer[1024];
    std::vsnprintf(buffer, sizeof buffer, pattern, arguments);
    va_end(arguments);
    return buffer;
}

struct Traffic {
    uint64_t bytes_read = 0, bytes_written = 0, read_bursts = 0, write_bursts = 0;

    Traffic &operator+=(const Traffic &other) {
        bytes_read += other.bytes_read;
        bytes_written += other.bytes_written;
        read_bursts += other.read_bursts;
        write_bursts += other.write_bursts;
        return *this;
    }
};

// One of these per process; see report().
class Report {
  public:
    std::string path;
    std::string transport, instance;
    uint64_t seed = 0, stall = 0, read_latency = 0, write_latency = 0, bandwidth = 0, alignment = 0;
    std::vector<uint64_t> cycles;       // of each call
    std::vector<const char *> waits;    // how each call was waited for: "poll" or "interrupt"
    std::vector<std::string> warnings;  // the first 20, each once
    Traffic traffic;
    uint64_t total_cycles = 0;

    void warn(const std::string &text) {
        if (warnings.size() >= 20 || std::find(warnings.begin(), warnings.end(), text) != warnings.end()) return;
        warnings.push_back(text);
        std::fprintf(stderr, "simulation: warning: %s\n", text.c_str());
    }

    void write(const std::string &error) const {
        if (path.empty()) return;
        const std::string temporary = path + ".part";
        std::FILE *file = std::fopen(temporary.c_str(), "w");
        if (file == nullptr) {
            std::fprintf(stderr, "simulation: error: cannot write %s\n", temporary.c_str());
            std::_Exit(8);
        }
        uint64_t sum = 0;
        std::string cycle_list, wait_list, warning_list;
        for (size_t i = 0; i < cycles.size(); ++i) {
            sum += cycles[i];
            cycle_list += format("%s%" PRIu64, i ? ", " : "", cycles[i]);
            wait_list += format("%s\"%s\"", i ? ", " : "", waits[i]);
        }
        for (const std::string &warning : warnings) warning_list += (warning_list.empty() ? "" : ", ") + quoted(warning);
        const auto [least, most] = std::minmax_element(cycles.begin(), cycles.end());
        const uint64_t bytes = traffic.bytes_read + traffic.bytes_written;
        std::fprintf(file, "{\"transport\": %s, \"instance\": %s, \"seed\": %" PRIu64 ", \"stall_percent\": %" PRIu64,
                     quoted(transport).c_str(), quoted(instance).c_str(), seed, stall);
        std::fprintf(file, ", \"read_latency\": %" PRIu64 ", \"write_latency\": %" PRIu64, read_latency, write_latency);
        std::fprintf(file, ", \"bandwidth\": %" PRIu64 ", \"alignment\": %" PRIu64, bandwidth, alignment);
        std::fprintf(file, ", \"calls\": %zu, \"cycles\": [%s]", cycles.size(), cycle_list.c_str());
        std::fprintf(file, ", \"cycles_min\": %" PRIu64 ", \"cycles_max\": %" PRIu64, cycles.empty() ? 0 : *least,
                     cycles.empty() ? 0 : *most);
        std::fprintf(file, ", \"waits\": [%s], \"total_cycles\": %" PRIu64, wait_list.c_str(), total_cycles);
        std::fprintf(file, ", \"bytes_read\": %" PRIu64 ", \"bytes_written\": %" PRIu64, traffic.bytes_read,
                     traffic.bytes_written);
        std::fprintf(file, ", \"read_bursts\": %" PRIu64 ", \"write_bursts\": %" PRIu64, traffic.read_bursts,
                     traffic.write_bursts);
        std::fprintf(file, ", \"bytes_per_cycle\": %.4f", sum ? static_cast<double>(bytes) / static_cast<double>(sum) : 0.0);
        std::fprintf(file, ", \"warnings\": [%s], \"error\": %s}\n", warning_list.c_str(), quoted(error).c_str());
        if (std::fclose(file) != 0 || std::rename(temporary.c_str(), path.c_str()) != 0) {
            std::fprintf(stderr, "simulation: error: cannot write %s\n", path.c_str());
            std::_Exit(8);
        }
    }

  private:
    static std::string quoted(const std::string &text) {
        std::string result = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') result += '\\';
            result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
        return result + "\"";
    }
};

inline Report &report() {
    static Report instance;
    return instance;
}

// Ends the process: a testbench must not be able to catch it.
[[noreturn]] inline void fail(const std::string &text) {
    std::fflush(stdout);
    std::fprintf(stderr, "simulation: error: %s\n", text.c_str());
    std::fflush(stderr);
    report().write(text);
    std::_Exit(exit_verify);
}

}  // namespace pynqtorch

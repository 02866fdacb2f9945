// SPDX-License-Identifier: AGPL-3.0-or-later
// One call of a kernel as a driver makes it: arguments into registers, ap_start, wait for ap_done (ap_ctrl_hs, UG1399).
#pragma once

#include <cstring>
#include <tuple>

#include "device.hpp"

namespace pynqtorch {

// Type of argument `Index` of a function, from its declaration: the stand-in then has the very signature of the kernel.
template <class Function> struct Signature;
template <class... Arguments> struct Signature<void (*)(Arguments...)> {
    static constexpr size_t count = sizeof...(Arguments);
    template <size_t Index> using argument = std::tuple_element_t<Index, std::tuple<Arguments...>>;
};

// A kernel in a device. `line` is its interrupt.
struct Instance {
    const char *name, *kernel;
    uint64_t base;
    unsigned line;
};

// The device and the instance that this run is about; defined in main.cpp.
Device &device();
const Instance &instance();

class KernelCall {
  public:
    KernelCall() : device_(device()), instance_(instance()), first_(report().cycles.empty()) {
        if (!(control() & idle)) fail(std::string(instance_.name) + ": ap_idle is 0 before ap_start");
    }

    template <class Element> void buffer(const char *name, unsigned offset, Element *data, uint64_t elements, bool in, bool out) {
        // the host's buffer itself is mapped: the kernel works on it as it would on shared memory
        void *bytes = const_cast<std::remove_cv_t<Element> *>(data);
        set(name, offset, 64, device_.memory().map(name, bytes, elements * sizeof(Element), in, out));
    }

    template <class Value> void scalar(const char *name, unsigned offset, unsigned bits, const Value &value) {
        static_assert(sizeof(Value) <= 8, "scalars have at most 64 bits");
        uint64_t raw = 0;
        std::memcpy(&raw, &value, sizeof value);
        set(name, offset, bits, bits == 64 ? raw : raw & ((uint64_t{1} << bits) - 1));
    }

    // Every second call waits for the interrupt, the others poll.
    void run() {
        const bool by_interrupt = device_.has_interrupt() && report().cycles.size() % 2 == 1;
        const uint64_t start = device_.now();
        if (by_interrupt) {
            write(0x8, 1);
            write(0x4, 1);
        }
        write(0x0, ap_start);
        const uint64_t limit = device_.now() + device_.options().max_cycles;
        while (!(by_interrupt ? device_.interrupt(instance_.line) : (control() & done) != 0)) {
            if (by_interrupt) device_.cycle();
            if (device_.now() > limit) time_out(by_interrupt);
        }
        report().cycles.push_back(device_.now() - start);
        report().waits.push_back(by_interrupt ? "interrupt" : "poll");
        device_.check_quiet();
        if (by_interrupt) acknowledge();
        for (int i = 0; !(control() & idle); ++i)
            if (i == 100) fail(std::string(instance_.name) + ": ap_idle stays 0 after ap_done");
        device_.memory().unmap_all();
        report().traffic = device_.traffic();
        report().total_cycles = device_.now();
    }

  private:
    static constexpr uint32_t ap_start = 1, done = 2, idle = 4;

    uint32_t control() { return device_.read(instance_.base); }
    void write(unsigned offset, uint32_t value) { device_.write(instance_.base + offset, value); }

    void set(const char *name, unsigned offset, unsigned bits, uint64_t value) {
        for (unsigned word = 0; word < (bits + 31) / 32; ++word) {
            const auto part = static_cast<uint32_t>(value >> 32 * word);
            write(offset + 4 * word, part);
            if (!first_) continue;  // the register map is checked once
            const uint32_t found = device_.read(instance_.base + offset + 4 * word);
            if (found != part)
                fail(format("%s: register 0x%02x (%s) holds 0x%08x after 0x%08x was written", instance_.name,
                            offset + 4 * word, name, found, part));
        }
    }

    void acknowledge() {
        if (!(control() & done)) fail(std::string(instance_.name) + ": interrupt, but ap_done is 0");
        if (!(device_.read(instance_.base + 0xc) & 1)) fail(std::string(instance_.name) + ": interrupt, but IP_ISR[0] is 0");
        write(0xc, 1);
        for (int i = 0; device_.interrupt(instance_.line); ++i, device_.cycle())
            if (i == 100) fail(std::string(instance_.name) + ": the interrupt stays after IP_ISR was cleared");
        write(0x4, 0);
        write(0x8, 0);
    }

    [[noreturn]] void time_out(bool by_interrupt) {
        fail(format("%s: call %zu: no %s within %" PRIu64 " cycles\n  ", instance_.name, report().cycles.size() + 1,
                    by_interrupt ? "interrupt" : "ap_done", device_.options().max_cycles) + device_.state());
    }

    Device &device_;
    const Instance &instance_;
    bool first_;
};

}  // namespace pynqtorch

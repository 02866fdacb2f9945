// SPDX-License-Identifier: AGPL-3.0-or-later
// A simulated device: registers at addresses, interrupt lines, and a memory that its masters reach.
//
// Two are rendered: one kernel with its own AXI ports ("kernel"), and a whole overlay behind the ports of the PS7 ("ps7").
// Both are what a program on the board would see, so a driver written against Device knows nothing of the transport.
#pragma once

#include <memory>
#include <string>

#include "axi_master.hpp"
#include "axi_slave.hpp"

namespace pynqtorch {

class Device {
  public:
    explicit Device(const Options &options) : options_(options), memory_(options.alignment) {}
    virtual ~Device() = default;
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;

    // One rising edge of the clock, from just before it to just before the next.
    virtual void cycle() = 0;
    virtual bool interrupt(unsigned line) const = 0;
    virtual bool has_interrupt() const = 0;
    // State of every port, for the message of a time-out.
    virtual std::string state() const = 0;
    virtual Traffic traffic() const = 0;
    virtual void check_quiet() const = 0;

    void write(uint64_t address, uint32_t value) {
        AxiMaster &port = master(address);
        port.start_write(address, value);
        finish(port, "write to", address);
    }

    uint32_t read(uint64_t address) {
        AxiMaster &port = master(address);
        port.start_read(address);
        finish(port, "read of", address);
        return port.read_value();
    }

    uint64_t now() const { return now_; }
    Memory &memory() { return memory_; }
    const Options &options() const { return options_; }

  protected:
    virtual AxiMaster &master(uint64_t address) = 0;

    uint64_t now_ = 0;

  private:
    static constexpr uint64_t access_limit = 10'000;  // cycles

    void finish(const AxiMaster &port, const char *what, uint64_t address) {
        const uint64_t end = now_ + access_limit;
        while (port.busy()) {
            cycle();
            if (now_ > end)
                fail(format("%s register 0x%08" PRIx64 " had no answer in %" PRIu64 " cycles\n  ", what, address, access_limit) + state());
        }
    }

    const Options &options_;
    Memory memory_;
};

// Rendered for each transport.
std::unique_ptr<Device> make_device(const Options &options);

}  // namespace pynqtorch

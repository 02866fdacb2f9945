// SPDX-License-Identifier: AGPL-3.0-or-later
// The five channels of an AXI port as plain values, before the rising edge (sampled) or after it (driven).
//
// AXI4-Lite, AXI3 and AXI4 share these; what a port does not have stays 0. Rules that are checked: "AMBA AXI and ACE
// Protocol Specification" (IHI 0022), A3.2.1 (a VALID and what goes with it stay until READY) and A3.4.1 (bursts).
#pragma once

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstring>
#include <string>

#include "report.hpp"

namespace pynqtorch {

constexpr unsigned max_data_bytes = 64;  // 512 bits

using Word = std::array<uint8_t, max_data_bytes>;

// Between a signal of the verilated model (an integer or VlWide) and a Word; both are little-endian.
template <class Signal> void load(Word &word, const Signal &signal) {
    static_assert(sizeof signal <= max_data_bytes, "m_axi data wider than 512 bits");
    std::memcpy(word.data(), &signal, sizeof signal);
}
template <class Signal> void store(Signal &signal, const Word &word) { std::memcpy(&signal, word.data(), sizeof signal); }

template <class Payload> struct Channel {
    bool valid = false, ready = false;
    Payload payload{};

    bool transfer() const { return valid && ready; }
    std::string state() const {
        return format("%s%s", valid ? "VALID" : "-", ready ? (valid ? "+READY" : "READY") : "");
    }
};

struct Address {
    uint64_t address = 0;
    uint32_t id = 0, length = 0 /* beats - 1 */, size = 0 /* log2 of bytes */, burst = 1 /* INCR */;
    bool operator==(const Address &) const = default;
};
struct WriteData {
    Word data{};
    uint64_t strobe = 0;
    uint32_t id = 0;  // AXI3
    bool last = false;
    bool operator==(const WriteData &) const = default;
};
struct WriteResponse {
    uint32_t id = 0, response = 0;
    bool operator==(const WriteResponse &) const = default;
};
struct ReadData {
    Word data{};
    uint32_t id = 0, response = 0;
    bool last = false;
    bool operator==(const ReadData &) const = default;
};

struct AxiBus {
    Channel<Address> aw, ar;
    Channel<WriteData> w;
    Channel<WriteResponse> b;
    Channel<ReadData> r;

    std::string state() const {
        return "AW " + aw.state() + ", W " + w.state() + ", B " + b.state() + ", AR " + ar.state() + ", R " + r.state();
    }
};

// VALID must not fall, and its payload must not change, before READY.
template <class Payload> class StabilityCheck {
  public:
    void check(const char *port, const char *channel, const Channel<Payload> &now) {
        if (waiting_ && !now.valid) fail(format("%s: %sVALID fell before %sREADY", port, channel, channel));
        if (waiting_ && !(now.payload == before_))
            fail(format("%s: the payload of %s changed while %sVALID waited for %sREADY", port, channel, channel, channel));
        waiting_ = now.valid && !now.ready;
        if (waiting_) before_ = now.payload;
    }

  private:
    bool waiting_ = false;
    Payload before_{};
};

// Small, fast, seeded (xorshift64*): decides in which cycles our side of a channel stalls.
class Stalls {
  public:
    Stalls(uint64_t seed, uint64_t per_cent) : state_(seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du), per_cent_(per_cent) {}

    bool stall() {
        if (per_cent_ == 0) return false;
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return (state_ * 0x2545f4914f6cdd1du >> 33) % 100 < per_cent_;
    }

  private:
    uint64_t state_, per_cent_;
};

}  // namespace pynqtorch

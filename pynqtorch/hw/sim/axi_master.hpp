// SPDX-License-Identifier: AGPL-3.0-or-later
// An AXI4-Lite or AXI3 master for single 32-bit accesses, as a processor makes them to registers. One access at a time.
#pragma once

#include <string>
#include <utility>

#include "axi.hpp"
#include "options.hpp"

namespace pynqtorch {

// What a register port speaks: AXI4-Lite has neither IDs nor RLAST.
enum class ControlBus { lite, axi3 };

class AxiMaster {
  public:
    AxiBus bus;

    AxiMaster(std::string name, ControlBus kind, const Options &options, uint64_t seed)
        : name_(std::move(name)), has_id_(kind == ControlBus::axi3), stalls_(options.seed * 1000 + seed, options.stall) {}

    void start_write(uint64_t address, uint32_t value) {
        next_address_ = address_of(address);
        next_data_ = {};
        std::memcpy(next_data_.data.data(), &value, sizeof value);
        next_data_.strobe = 0xf;
        next_data_.id = id_;
        next_data_.last = true;
        send_aw_ = send_w_ = busy_ = writing_ = true;
    }

    void start_read(uint64_t address) {
        next_address_ = address_of(address);
        send_ar_ = busy_ = true;
        writing_ = false;
    }

    bool busy() const { return busy_; }
    uint32_t read_value() const { return value_; }

    void tick() {
        b_stable_.check(name_.c_str(), "B", bus.b);
        r_stable_.check(name_.c_str(), "R", bus.r);
        if (bus.aw.transfer()) bus.aw.valid = false;
        if (bus.w.transfer()) bus.w.valid = false;
        if (bus.ar.transfer()) bus.ar.valid = false;
        const bool write_open = busy_ && writing_ && !send_aw_ && !send_w_ && !bus.aw.valid && !bus.w.valid;
        const bool read_open = busy_ && !writing_ && !send_ar_ && !bus.ar.valid;
        if (bus.b.valid && !write_open) fail(name_ + ": BVALID without a finished write; " + bus.state());
        if (bus.r.valid && !read_open) fail(name_ + ": RVALID without a read; " + bus.state());
        if (bus.b.transfer()) finish(bus.b.payload.id, bus.b.payload.response, true);
        if (bus.r.transfer()) {
            std::memcpy(&value_, bus.r.payload.data.data(), sizeof value_);
            finish(bus.r.payload.id, bus.r.payload.response, bus.r.payload.last);
        }
        drive();
    }

    std::string state() const { return name_ + ": " + bus.state() + (busy_ ? "; an access is under way" : ""); }

  private:
    Address address_of(uint64_t address) {
        id_ = (id_ + 1) & 0xfff;  // a slave must give back what it got; AXI4-Lite has none
        return {address, id_, 0, 2, 1};
    }

    // The VALIDs of AW and W rise independently of each other, so a slave that needs an order is found.
    void drive() {
        auto offer = [this](bool &pending, auto &channel, const auto &payload) {
            if (!pending || stalls_.stall()) return;
            channel.payload = payload;
            channel.valid = true;
            pending = false;
        };
        offer(send_aw_, bus.aw, next_address_);
        offer(send_w_, bus.w, next_data_);
        offer(send_ar_, bus.ar, next_address_);
        bus.b.ready = !stalls_.stall();
        bus.r.ready = !stalls_.stall();
    }

    void finish(uint32_t id, uint32_t response, bool last) {
        static const char *const names[] = {"OKAY", "EXOKAY", "SLVERR", "DECERR"};
        const auto where = format("%s: %s 0x%08" PRIx64, name_.c_str(), writing_ ? "write to" : "read of", next_address_.address);
        if (response != 0) fail(where + " is answered with " + names[response & 3]);
        if (has_id_ && id != next_address_.id) fail(where + format(": the response has ID %u, not %u", id, next_address_.id));
        if (has_id_ && !last) fail(where + ": RLAST is low at the only beat");
        busy_ = false;
    }

    std::string name_;
    bool has_id_;
    Stalls stalls_;
    uint32_t id_ = 0, value_ = 0;
    bool busy_ = false, writing_ = false, send_aw_ = false, send_w_ = false, send_ar_ = false;
    Address next_address_;
    WriteData next_data_;
    StabilityCheck<WriteResponse> b_stable_;
    StabilityCheck<ReadData> r_stable_;
};

}  // namespace pynqtorch

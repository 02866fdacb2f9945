// SPDX-License-Identifier: AGPL-3.0-or-later
// An AXI3 or AXI4 memory slave that checks its master. One call of tick() is one rising edge of its clock.
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "axi.hpp"
#include "memory.hpp"
#include "options.hpp"

namespace pynqtorch {

enum class AxiVersion { axi3, axi4 };

class AxiMemorySlave {
  public:
    AxiBus bus;

    AxiMemorySlave(std::string name, AxiVersion version, unsigned data_bytes, Memory &memory, const Options &options, uint64_t seed)
        : name_(std::move(name)), version_(version), data_bytes_(data_bytes), memory_(memory), options_(options),
          stalls_(options.seed * 1000 + seed, options.stall) {}

    void tick() {
        ++cycle_;
        check_stability();
        take_addresses();
        take_write_data();
        if (bus.b.transfer()) {
            bus.b.valid = false;
            --unanswered_;
        }
        if (bus.r.transfer()) bus.r.valid = false;
        finish_writes();
        drive();
    }

    // Between calls nothing may be under way, or the caller reads its results before they are there.
    void check_quiet() const {
        if (!writes_.empty() || !beats_.empty() || unanswered_ != 0)
            fail(name_ + ": ap_done, but writes are still under way: " + state());
        if (!reads_.empty() || bus.r.valid) report().warn(name_ + ": ap_done, but reads are still under way");
    }

    void check_reset() const {
        if (bus.aw.valid || bus.w.valid || bus.ar.valid)
            fail(name_ + ": a VALID is high in reset: " + bus.state());
    }

    std::string state() const {
        return format("%s: %s; %zu reads, %zu writes under way, %u responses open", name_.c_str(), bus.state().c_str(),
                      reads_.size() + (bus.r.valid ? 1 : 0), writes_.size(), unanswered_);
    }

    const Traffic &traffic() const { return traffic_; }

  private:
    struct Burst {
        Address address;
        unsigned beat = 0;
        uint64_t due = 0;
    };

    static constexpr size_t early_beats = 16;  // write data that is taken before its address

    void check_stability() {
        aw_stable_.check(name_.c_str(), "AW", bus.aw);
        w_stable_.check(name_.c_str(), "W", bus.w);
        ar_stable_.check(name_.c_str(), "AR", bus.ar);
    }

    void take_addresses() {
        if (bus.aw.transfer()) {
            check_burst("AW", bus.aw.payload);
            writes_.push_back({bus.aw.payload, 0, 0});
            ++unanswered_;
            ++traffic_.write_bursts;
        }
        if (bus.ar.transfer()) {
            check_burst("AR", bus.ar.payload);
            reads_.push_back({bus.ar.payload, 0, cycle_ + options_.read_latency});
            ++traffic_.read_bursts;
        }
    }

    void check_burst(const char *channel, const Address &a) const {
        const uint64_t bytes = uint64_t{1} << a.size, total = bytes * (a.length + 1);
        const uint64_t first = a.address & ~(bytes - 1);
        auto bad = [&](const std::string &rule) {
            fail(format("%s: %s burst at 0x%08" PRIx64 " of %u beats of %" PRIu64 " bytes: %s", name_.c_str(), channel,
                        a.address, a.length + 1, bytes, rule.c_str()));
        };
        if (bytes > data_bytes_) bad(format("beats are wider than the bus of %u bytes", data_bytes_));
        switch (a.burst) {
        case 0:  // FIXED
            if (a.length > 15) bad("a FIXED burst has at most 16 beats");
            break;
        case 1:  // INCR
            if (version_ == AxiVersion::axi3 && a.length > 15) bad("an AXI3 burst has at most 16 beats");
            if (first >> 12 != (first + total - 1) >> 12) bad("it crosses a 4 KB boundary");
            break;
        case 2:  // WRAP
            if (a.length != 1 && a.length != 3 && a.length != 7 && a.length != 15) bad("a WRAP burst has 2, 4, 8 or 16 beats");
            if (a.address != first) bad("a WRAP burst starts at a multiple of its beat");
            break;
        default:
            bad("burst type 3 is reserved");
        }
    }

    static uint64_t beat_address(const Burst &burst) {
        const Address &a = burst.address;
        const uint64_t bytes = uint64_t{1} << a.size, first = a.address & ~(bytes - 1);
        if (burst.beat == 0 || a.burst == 0) return a.address;
        const uint64_t next = first + bytes * burst.beat;
        if (a.burst == 1) return next;
        const uint64_t total = bytes * (a.length + 1), low = a.address & ~(total - 1);
        return low + ((next - low) & (total - 1));
    }

    void take_write_data() {
        if (!bus.w.transfer()) return;
        beats_.push_back(bus.w.payload);
        if (options_.bandwidth) credit_ -= static_cast<int64_t>(data_bytes_);
    }

    // Write data belongs to addresses in order; it may come before its address (AXI4 A5.3).
    void finish_writes() {
        while (!beats_.empty()) {
            size_t at = 0;
            while (at < writes_.size() && writes_[at].due != 0) ++at;  // those wait for their response only
            if (at == writes_.size()) return;
            Burst &burst = writes_[at];
            write_beat(burst, beats_.front());
            beats_.pop_front();
            if (burst.beat > burst.address.length) burst.due = cycle_ + options_.write_latency + 1;
        }
    }

    void write_beat(Burst &burst, const WriteData &beat) {
        const Address &a = burst.address;
        const bool last = burst.beat == a.length;
        if (beat.last != last)
            fail(format("%s: WLAST is %d at beat %u of %u of the burst at 0x%08" PRIx64, name_.c_str(), beat.last,
                        burst.beat + 1, a.length + 1, a.address));
        if (version_ == AxiVersion::axi3 && beat.id != a.id)
            fail(format("%s: WID %u in the burst with AWID %u at 0x%08" PRIx64, name_.c_str(), beat.id, a.id, a.address));
        const uint64_t start = beat_address(burst), bytes = uint64_t{1} << a.size;
        const uint64_t bus_base = start & ~uint64_t{data_bytes_ - 1}, end = (start & ~(bytes - 1)) + bytes;
        for (unsigned lane = 0; lane < data_bytes_; ++lane) {
            if (!(beat.strobe >> lane & 1)) continue;
            const uint64_t address = bus_base + lane;
            if (address < start || address >= end)
                fail(format("%s: WSTRB 0x%" PRIx64 " of beat %u of the burst at 0x%08" PRIx64 " is outside of its byte lanes",
                            name_.c_str(), beat.strobe, burst.beat + 1, a.address));
            memory_.write(name_.c_str(), address, beat.data[lane]);
            ++traffic_.bytes_written;
        }
        ++burst.beat;
    }

    bool may_transfer() const { return options_.bandwidth == 0 || credit_ >= static_cast<int64_t>(data_bytes_); }

    void drive() {
        if (options_.bandwidth) {
            const auto most = static_cast<int64_t>(data_bytes_ + options_.bandwidth);
            credit_ = std::min(credit_ + static_cast<int64_t>(options_.bandwidth), most);
        }
        drive_read();
        if (!bus.b.valid && !writes_.empty() && writes_.front().due != 0 && writes_.front().due <= cycle_ && !stalls_.stall()) {
            bus.b.payload = {writes_.front().address.id, 0};
            bus.b.valid = true;
            writes_.pop_front();
        }
        bus.aw.ready = unanswered_ < options_.outstanding && !stalls_.stall();
        bus.ar.ready = reads_.size() < options_.outstanding && !stalls_.stall();
        bus.w.ready = beats_.size() < early_beats && may_transfer() && !stalls_.stall();
    }

    void drive_read() {
        if (bus.r.valid || reads_.empty() || reads_.front().due > cycle_ || !may_transfer() || stalls_.stall()) return;
        Burst &burst = reads_.front();
        const uint64_t start = beat_address(burst), bytes = uint64_t{1} << burst.address.size;
        const uint64_t end = (start & ~(bytes - 1)) + bytes;
        bus.r.payload.data.fill(Memory::unmapped_byte);
        memory_.read(name_.c_str(), start, &bus.r.payload.data[start % data_bytes_], static_cast<unsigned>(end - start));
        traffic_.bytes_read += end - start;
        bus.r.payload.id = burst.address.id;
        bus.r.payload.last = burst.beat == burst.address.length;
        bus.r.valid = true;
        ++burst.beat;
        if (bus.r.payload.last) reads_.pop_front();
        if (options_.bandwidth) credit_ -= static_cast<int64_t>(data_bytes_);
    }

    std::string name_;
    AxiVersion version_;
    unsigned data_bytes_;
    Memory &memory_;
    const Options &options_;
    Stalls stalls_;
    uint64_t cycle_ = 0;
    int64_t credit_ = 0;
    unsigned unanswered_ = 0;  // write bursts whose response the master has not taken
    std::deque<Burst> reads_, writes_;
    std::deque<WriteData> beats_;
    Traffic traffic_;
    StabilityCheck<Address> aw_stable_, ar_stable_;
    StabilityCheck<WriteData> w_stable_;
};

}  // namespace pynqtorch

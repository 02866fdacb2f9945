// SPDX-License-Identifier: AGPL-3.0-or-later
// The memory that kernels reach: buffers of the caller, mapped at addresses of their own.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "report.hpp"

namespace pynqtorch {

class Memory {
  public:
    // Bytes that no buffer holds read as this, so a result that depends on them is visibly wrong.
    static constexpr uint8_t unmapped_byte = 0xa5;

    explicit Memory(uint64_t alignment) : alignment_(alignment) {}

    // Gives `size` bytes at `data` an address: a multiple of the alignment, and, where that is less than a page, of no
    // larger power of two. At least a page of nothing lies between two buffers.
    uint64_t map(std::string name, void *data, uint64_t size, bool readable, bool writable) {
        constexpr uint64_t page = 4096;
        const uint64_t end = regions_.empty() ? first_address : regions_.back().base + regions_.back().size;
        uint64_t base = (end + 2 * page - 1) & ~(page - 1);
        base = alignment_ > page ? (base + alignment_ - 1) & ~(alignment_ - 1) : base + alignment_ % page;
        if (base + size > address_limit) fail(name + ": buffers of more than 4 GB do not fit the address space");
        regions_.push_back({std::move(name), base, size, static_cast<uint8_t *>(data), readable, writable});
        return base;
    }

    void unmap_all() { regions_.clear(); }

    // `count` bytes at `address` for a read; a beat must touch a buffer that the kernel may read.
    void read(const char *who, uint64_t address, uint8_t *target, unsigned count) const {
        bool mapped = false;
        const Region *region = nullptr;
        for (unsigned i = 0; i < count; ++i) {
            region = find(address + i, region);
            if (region == nullptr) {
                target[i] = unmapped_byte;
                continue;
            }
            if (!region->readable) fail(format("%s reads 0x%08" PRIx64 " in %s, an output", who, address + i, region->name.c_str()));
            if (!mapped && i == 0 && address + count <= region->base + region->size) {
                std::copy_n(region->data + (address - region->base), count, target);
                return;
            }
            mapped = true;
            target[i] = region->data[address + i - region->base];
        }
        if (!mapped) fail(format("%s reads 0x%08" PRIx64 ", where no buffer is%s", who, address, nearest(address).c_str()));
    }

    void write(const char *who, uint64_t address, uint8_t value) {
        const Region *region = last_written_ = find(address, last_written_);
        if (region == nullptr) fail(format("%s writes 0x%08" PRIx64 ", where no buffer is%s", who, address, nearest(address).c_str()));
        if (!region->writable) fail(format("%s writes 0x%08" PRIx64 " in %s, an input", who, address, region->name.c_str()));
        region->data[address - region->base] = value;
    }

  private:
    struct Region {
        std::string name;
        uint64_t base, size;
        uint8_t *data;
        bool readable, writable;

        bool holds(uint64_t address) const { return address >= base && address - base < size; }
    };

    static constexpr uint64_t first_address = 0x0100'0000;
    static constexpr uint64_t address_limit = 0x1'0000'0000;

    const Region *find(uint64_t address, const Region *guess) const {
        if (guess != nullptr && guess >= regions_.data() && guess < regions_.data() + regions_.size() &&
            guess->holds(address))
            return guess;
        for (const Region &region : regions_)
            if (region.holds(address)) return &region;
        return nullptr;
    }

    std::string nearest(uint64_t address) const {
        std::string text = "; buffers:";
        for (const Region &region : regions_) {
            text += format(" %s 0x%08" PRIx64 "-0x%08" PRIx64, region.name.c_str(), region.base, region.base + region.size - 1);
            if (address >= region.base + region.size && address < region.base + region.size + 4096)
                text += format(" (%" PRIu64 " bytes behind its end)", address - region.base - region.size);
        }
        return regions_.empty() ? " (no call is running)" : text;
    }

    uint64_t alignment_;
    std::vector<Region> regions_;
    const Region *last_written_ = nullptr;
};

}  // namespace pynqtorch

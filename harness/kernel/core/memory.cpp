// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/memory.hpp"

#include <array>

extern "C" const char tb_image_end[];

namespace tb::kernel {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMostHoles = 256;
constexpr std::size_t kHeapGrain = std::size_t{1} << 20;

struct Hole {
    std::uint64_t start;
    std::uint64_t size;
};

// Free ranges, ascending and never adjacent. One that finds no place here is lost, not given out twice.
constinit std::array<Hole, kMostHoles> holes{};
constinit std::size_t hole_count = 0;

std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

void erase(std::size_t index) {
    for (std::size_t i = index + 1; i < hole_count; ++i) holes[i - 1] = holes[i];
    --hole_count;
}

bool insert(std::size_t index, Hole hole) {
    if (hole_count == kMostHoles) return false;
    for (std::size_t i = hole_count; i > index; --i) holes[i] = holes[i - 1];
    holes[index] = hole;
    ++hole_count;
    return true;
}

/// The heap: pieces one after the other in blocks of pages, each with its size before it; a free one may be
/// cut, and joins free ones behind it when it is looked at.
struct alignas(16) Piece {
    std::uint64_t size;  ///< bytes behind this header
    bool free;
    bool last;  ///< of its block
};

constinit Piece* first_block = nullptr;

struct BlockLink {
    Piece* next_block;
};

Piece* next(Piece* piece) {
    return reinterpret_cast<Piece*>(reinterpret_cast<std::byte*>(piece + 1) + piece->size);
}

Piece* first_piece(Piece* block) {
    return block + 1;
}
BlockLink& link(Piece* block) {
    return *reinterpret_cast<BlockLink*>(block);
}

void* take(Piece* piece, std::size_t bytes) {
    if (piece->size >= bytes + 2 * sizeof(Piece)) {
        auto* rest = reinterpret_cast<Piece*>(reinterpret_cast<std::byte*>(piece + 1) + bytes);
        *rest = {piece->size - bytes - sizeof(Piece), true, piece->last};
        piece->size = bytes;
        piece->last = false;
    }
    piece->free = false;
    return piece + 1;
}

Piece* find_piece(Piece* block, std::size_t bytes) {
    for (Piece* piece = first_piece(block);; piece = next(piece)) {
        while (piece->free && !piece->last && next(piece)->free) {
            const Piece* joined = next(piece);
            piece->last = joined->last;
            piece->size += sizeof(Piece) + joined->size;
        }
        if (piece->free && piece->size >= bytes) return piece;
        if (piece->last) return nullptr;
    }
}

}  // namespace

void initialise_memory(const StartInfo& info) {
    const auto* ranges = reinterpret_cast<const MemoryRange*>(info.memory_map);
    const std::uint64_t floor = round_up(reinterpret_cast<std::uint64_t>(tb_image_end), kPage);
    for (std::uint32_t i = 0; i < info.memory_map_entries; ++i) {
        const MemoryRange& range = ranges[i];
        if (range.type != kRam) continue;
        const std::uint64_t start = round_up(range.start < floor ? floor : range.start, kPage);
        const std::uint64_t end = (range.start + range.size) & ~std::uint64_t{kPage - 1};
        if (start < end && start < 0x1'0000'0000) insert(hole_count, {start, end - start});
    }
}

void* allocate_pages(std::size_t bytes, std::size_t alignment) {
    bytes = round_up(bytes == 0 ? 1 : bytes, kPage);
    if (alignment < kPage) alignment = kPage;
    for (std::size_t i = 0; i < hole_count; ++i) {
        const Hole hole = holes[i];
        const std::uint64_t start = round_up(hole.start, alignment);
        if (start < hole.start || start - hole.start > hole.size || bytes > hole.size - (start - hole.start))
            continue;
        const Hole behind{start + bytes, hole.start + hole.size - start - bytes};
        holes[i].size = start - hole.start;
        if (behind.size != 0) insert(i + 1, behind);
        if (holes[i].size == 0) erase(i);
        auto* memory = reinterpret_cast<void*>(start);
        __builtin_memset(memory, 0, bytes);
        return memory;
    }
    return nullptr;
}

void free_pages(void* memory, std::size_t bytes) {
    const auto start = reinterpret_cast<std::uint64_t>(memory);
    bytes = round_up(bytes == 0 ? 1 : bytes, kPage);
    std::size_t index = 0;
    while (index < hole_count && holes[index].start < start) ++index;
    if (index > 0 && holes[index - 1].start + holes[index - 1].size == start) {
        holes[--index].size += bytes;
    } else if (!insert(index, {start, bytes})) {
        return;
    }
    if (index + 1 < hole_count && holes[index].start + holes[index].size == holes[index + 1].start) {
        holes[index].size += holes[index + 1].size;
        erase(index + 1);
    }
}

void* allocate(std::size_t bytes) {
    bytes = round_up(bytes == 0 ? 1 : bytes, 16);
    for (Piece* block = first_block; block != nullptr; block = link(block).next_block)
        if (Piece* piece = find_piece(block, bytes)) return take(piece, bytes);
    const std::size_t size = round_up(bytes + 2 * sizeof(Piece), kHeapGrain);
    auto* block = static_cast<Piece*>(allocate_pages(size));
    if (block == nullptr) return nullptr;
    link(block).next_block = first_block;
    first_block = block;
    *first_piece(block) = {size - 2 * sizeof(Piece), true, true};
    return take(first_piece(block), bytes);
}

void release(void* memory) {
    if (memory != nullptr) (static_cast<Piece*>(memory) - 1)->free = true;
}

}  // namespace tb::kernel

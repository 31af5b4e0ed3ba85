// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/shared_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tb::qemu {

SharedMemory::SharedMemory(const char* name, std::size_t size)
    : fd_(::memfd_create(name, MFD_CLOEXEC)), size_(size) {
    if (!fd_ || ::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0)
        throw std::system_error(errno, std::generic_category(), name);
    void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), name);
    data_ = static_cast<std::uint8_t*>(mapped);
}

SharedMemory::~SharedMemory() {
    ::munmap(data_, size_);
}

}  // namespace tb::qemu

// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/file_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace tb::model::block {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why,
                         const std::string& remedy) {
    throw std::runtime_error("disk image " + path.string() + ": " + why + "; " + remedy);
}

}  // namespace

FileDisk::Opened FileDisk::open_image(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        refuse(path, std::strerror(errno),
               "create it, for example with: truncate -s 8M '" + path.string() + "'");
    struct stat about = {};
    const bool regular = ::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
    const auto bytes = static_cast<std::uint64_t>(about.st_size);
    if (!regular || bytes == 0 || bytes % kSectorBytes != 0) {
        ::close(descriptor);
        if (!regular) refuse(path, "not a regular file", "give a raw image file");
        if (bytes == 0)
            refuse(path, "empty", "give it a size, for example with: truncate -s 8M '" + path.string() + "'");
        refuse(path, std::to_string(bytes) + " bytes long, which is not a multiple of 512",
               "pad it with: truncate -s %512 '" + path.string() + "'");
    }
    return {descriptor, bytes / kSectorBytes};
}

FileDisk::FileDisk(const std::filesystem::path& path, Mode mode) : FileDisk(open_image(path), mode) {}

FileDisk::FileDisk(const Opened& opened, Mode mode)
    : OverlayDisk(opened.sectors), descriptor_(opened.descriptor) {
    set_read_only(mode == Mode::kReadOnly);
}

FileDisk::~FileDisk() {
    ::close(descriptor_);
}

int FileDisk::read_base(std::uint64_t sector, std::span<std::byte> data) {
    for (std::size_t done = 0; done < data.size();) {
        const auto offset = static_cast<off_t>(sector * kSectorBytes + done);
        const ssize_t got = ::pread(descriptor_, data.data() + done, data.size() - done, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        // Someone cut the file while it was in use.
        if (got == 0) return EIO;
        done += static_cast<std::size_t>(got);
    }
    return 0;
}

}  // namespace tb::model::block

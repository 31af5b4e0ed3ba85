// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/nbd_server.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "harness/qemu/nbd_protocol.hpp"

namespace tb::qemu {
namespace {

constexpr std::uint32_t kSector = 512;

/// The protocol has its own short list of error numbers, which happen to be Linux's.
std::uint32_t to_nbd_error(int error) {
    switch (error) {
        case 0:
        case EPERM:
        case EIO:
        case ENOMEM:
        case EINVAL:
        case ENOSPC:
        case EOVERFLOW:
        case EOPNOTSUPP:
        case ESHUTDOWN:
            return static_cast<std::uint32_t>(error);
        default:
            return EIO;
    }
}

bool to_operation(std::uint16_t command, BlockOperation& operation) {
    switch (command) {
        case nbd::kCmdRead:
            operation = BlockOperation::kRead;
            return true;
        case nbd::kCmdWrite:
            operation = BlockOperation::kWrite;
            return true;
        case nbd::kCmdFlush:
            operation = BlockOperation::kFlush;
            return true;
        case nbd::kCmdTrim:
            operation = BlockOperation::kDiscard;
            return true;
        case nbd::kCmdWriteZeroes:
            operation = BlockOperation::kWriteZeroes;
            return true;
        default:
            return false;
    }
}

}  // namespace

NbdServer::NbdServer(UniqueFd socket, BlockBackend& backend, std::uint32_t min_block)
    : socket_(std::move(socket)), backend_(backend), min_block_(min_block), disk_size_(backend.size()) {
    nbd::put(output_, nbd::kMagic, 8);
    nbd::put(output_, nbd::kOptionMagic, 8);
    nbd::put(output_, nbd::kFlagFixedNewstyle | nbd::kFlagNoZeroes, 2);
}

void NbdServer::pump() {
    receive();
    while (consume()) {
    }
    flush_output();
}

void NbdServer::receive() {
    std::array<std::uint8_t, 65536> piece;
    while (socket_) {
        const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
        if (got > 0) {
            input_.insert(input_.end(), piece.data(), piece.data() + got);
            traffic_ += static_cast<std::uint64_t>(got);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else {
            if (got == 0 || errno != EAGAIN) close();
            return;
        }
    }
}

void NbdServer::flush_output() {
    while (socket_ && output_at_ < output_.size()) {
        const ssize_t put = ::send(socket_.get(), output_.data() + output_at_, output_.size() - output_at_,
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0) {
            output_at_ += static_cast<std::size_t>(put);
            traffic_ += static_cast<std::uint64_t>(put);
        } else if (errno == EINTR) {
            continue;
        } else {
            if (errno != EAGAIN) close();
            return;
        }
    }
    output_.clear();
    output_at_ = 0;
}

void NbdServer::close() {
    phase_ = Phase::kClosed;
    socket_.reset();
    input_.clear();
    output_.clear();
    output_at_ = 0;
    held_.clear();
    queue_.clear();
}

bool NbdServer::consume() {
    switch (phase_) {
        case Phase::kClientFlags:
            return consume_client_flags();
        case Phase::kOptions:
            return consume_option();
        case Phase::kTransmission:
            return consume_request();
        case Phase::kClosed:
            return false;
    }
    return false;
}

bool NbdServer::consume_client_flags() {
    if (input_.size() < 4) return false;
    no_zeroes_ = (nbd::get(input_, 0, 4) & nbd::kFlagNoZeroes) != 0;
    input_.erase(input_.begin(), input_.begin() + 4);
    phase_ = Phase::kOptions;
    return true;
}

bool NbdServer::consume_option() {
    constexpr std::size_t kHeader = 16;
    if (input_.size() < kHeader) return false;
    const auto option = static_cast<std::uint32_t>(nbd::get(input_, 8, 4));
    const std::uint64_t length = nbd::get(input_, 12, 4);
    if (nbd::get(input_, 0, 8) != nbd::kOptionMagic || length > 65536) {
        close();
        return false;
    }
    if (input_.size() < kHeader + length) return false;
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(kHeader + length));
    // There is one export, whatever name it is asked for by. Structured replies and metadata contexts are
    // refused: simple replies are all that ordered, whole answers need.
    switch (option) {
        case nbd::kOptExportName:
            nbd::put(output_, kWindow, 8);
            nbd::put(output_, transmission_flags(), 2);
            if (!no_zeroes_) output_.insert(output_.end(), 124, 0);
            phase_ = Phase::kTransmission;
            break;
        case nbd::kOptInfo:
            send_export(option);
            break;
        case nbd::kOptGo:
            send_export(option);
            phase_ = Phase::kTransmission;
            break;
        case nbd::kOptAbort:
            send_option_reply(option, nbd::kRepAck);
            flush_output();
            close();
            break;
        default:
            send_option_reply(option, nbd::kRepErrUnsupported);
            break;
    }
    return true;
}

void NbdServer::send_option_reply(std::uint32_t option, std::uint32_t type,
                                  std::span<const std::uint8_t> data) {
    nbd::put(output_, nbd::kOptionReplyMagic, 8);
    nbd::put(output_, option, 4);
    nbd::put(output_, type, 4);
    nbd::put(output_, data.size(), 4);
    output_.insert(output_.end(), data.begin(), data.end());
}

void NbdServer::send_export(std::uint32_t option) {
    std::vector<std::uint8_t> info;
    nbd::put(info, nbd::kInfoExport, 2);
    nbd::put(info, kWindow, 8);
    nbd::put(info, transmission_flags(), 2);
    send_option_reply(option, nbd::kRepInfo, info);
    info.clear();
    nbd::put(info, nbd::kInfoBlockSize, 2);
    nbd::put(info, min_block_, 4);
    nbd::put(info, 4096, 4);
    nbd::put(info, nbd::kMaxPayload, 4);
    send_option_reply(option, nbd::kRepInfo, info);
    send_option_reply(option, nbd::kRepAck);
}

std::uint16_t NbdServer::transmission_flags() const {
    const std::uint16_t flags = nbd::kTransHasFlags | nbd::kTransSendFlush | nbd::kTransSendFua |
                                nbd::kTransSendTrim | nbd::kTransSendWriteZeroes;
    return backend_.read_only() ? flags | nbd::kTransReadOnly : flags;
}

bool NbdServer::consume_request() {
    if (input_.size() < nbd::kRequestSize) return false;
    Pending pending{};
    pending.flags = static_cast<std::uint16_t>(nbd::get(input_, 4, 2));
    const auto command = static_cast<std::uint16_t>(nbd::get(input_, 6, 2));
    pending.cookie = nbd::get(input_, 8, 8);
    const std::uint64_t offset = nbd::get(input_, 16, 8);
    const auto length = static_cast<std::uint32_t>(nbd::get(input_, 24, 4));
    const std::size_t payload = command == nbd::kCmdWrite ? length : 0;
    if (nbd::get(input_, 0, 4) != nbd::kRequestMagic || command == nbd::kCmdDisconnect ||
        payload > nbd::kMaxPayload) {
        close();
        return false;
    }
    if (input_.size() < nbd::kRequestSize + payload) return false;
    const auto body = input_.begin() + static_cast<std::ptrdiff_t>(nbd::kRequestSize);
    pending.data.assign(body, body + static_cast<std::ptrdiff_t>(payload));
    input_.erase(input_.begin(), body + static_cast<std::ptrdiff_t>(payload));

    BlockRequest& request = pending.request;
    if (!to_operation(command, request.operation)) {
        reply(pending.cookie, EINVAL, {});
        return true;
    }
    if (request.operation != BlockOperation::kFlush) {
        const std::uint64_t begin = window_offset(disk_size_);
        // The start of the window lies before any disk: Vm asks there to be answered.
        if (request.operation == BlockOperation::kRead && offset == 0 && length == kSector) {
            reply(pending.cookie, 0, std::vector<std::uint8_t>(length));
            return true;
        }
        // Past its end: QEMU's raw node lets nothing such through.
        if (offset < begin || offset > kWindow || length > kWindow - offset) {
            reply(pending.cookie, EINVAL, {});
            return true;
        }
        request.offset = offset - begin;
        request.length = length;
    }
    log_.push_back(request);
    (holding_ ? held_ : queue_).push_back(std::move(pending));
    return true;
}

bool NbdServer::step() {
    if (queue_.empty() || wants_write()) return false;
    const Pending pending = std::move(queue_.front());
    queue_.pop_front();
    if (pending.forced_error != 0)
        reply(pending.cookie, pending.forced_error, {});
    else
        execute(pending);
    if (!held_.empty()) stuck_ = true;
    flush_output();
    return true;
}

void NbdServer::execute(const Pending& pending) {
    const BlockRequest& request = pending.request;
    std::vector<std::uint8_t> data;
    int error = 0;
    switch (request.operation) {
        case BlockOperation::kRead:
            data.resize(request.length);
            error = backend_.read(request.offset, data);
            break;
        case BlockOperation::kWrite:
            error = backend_.write(request.offset, pending.data);
            break;
        case BlockOperation::kFlush:
            error = backend_.flush();
            break;
        case BlockOperation::kDiscard:
            error = backend_.discard(request.offset, request.length);
            break;
        case BlockOperation::kWriteZeroes:
            error = backend_.write_zeroes(request.offset, request.length,
                                          (pending.flags & nbd::kCmdFlagNoHole) == 0);
            break;
    }
    if (error == 0 && (pending.flags & nbd::kCmdFlagFua) != 0) error = backend_.flush();
    if (error != 0) data.clear();
    reply(pending.cookie, error, data);
}

void NbdServer::reply(std::uint64_t cookie, int error, std::span<const std::uint8_t> data) {
    nbd::put(output_, nbd::kSimpleReplyMagic, 4);
    nbd::put(output_, to_nbd_error(error), 4);
    nbd::put(output_, cookie, 8);
    output_.insert(output_.end(), data.begin(), data.end());
}

void NbdServer::hold(bool on) {
    holding_ = on;
    if (!on) release_all();
}

std::vector<BlockRequest> NbdServer::held() const {
    std::vector<BlockRequest> requests;
    requests.reserve(held_.size());
    for (const Pending& pending : held_) requests.push_back(pending.request);
    return requests;
}

void NbdServer::release(std::size_t index, int forced_error) {
    if (index >= held_.size()) throw std::out_of_range("NbdServer: no held request of this index");
    held_[index].forced_error = forced_error;
    queue_.push_back(std::move(held_[index]));
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
}

void NbdServer::release_one(std::size_t index) {
    release(index, 0);
}

void NbdServer::release_all() {
    while (!held_.empty()) release(0, 0);
}

void NbdServer::fail_one(std::size_t index, int error) {
    release(index, error);
}

bool NbdServer::on_stall() {
    if (queue_.empty() && !held_.empty()) {
        ++forced_releases_;
        release(0, 0);
    }
    return step();
}

std::vector<BlockRequest> NbdServer::take_requests() {
    return std::exchange(log_, {});
}

}  // namespace tb::qemu

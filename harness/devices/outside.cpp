// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/outside.hpp"

namespace tb::harness {

void Outside::unsupported(const char* what) {
    throw OutsideUnsupported(std::string(what) + " is not something this machine's device or back end has");
}

void Outside::send_frame(std::span<const std::byte>) {
    unsupported("a network");
}
std::vector<Bytes> Outside::take_frames() {
    unsupported("a network");
}
void Outside::set_link(bool) {
    unsupported("a network link");
}
void Outside::announce() {
    unsupported("a device that announces itself");
}
void Outside::type(std::span<const std::byte>) {
    unsupported("a character line");
}
Bytes Outside::take_output() {
    unsupported("a character line");
}
void Outside::send_break() {
    unsupported("a break condition");
}
void Outside::set_modem_lines(bool, bool, bool, bool) {
    unsupported("a set of modem lines");
}
void Outside::hold_requests(bool) {
    unsupported("holding requests");
}
void Outside::release_request(unsigned) {
    unsupported("holding requests");
}
unsigned Outside::held_requests() {
    unsupported("holding requests");
}
void Outside::resize_medium(std::uint64_t) {
    unsupported("resizing the medium");
}
void Outside::fail_sectors(std::uint64_t, std::uint64_t, const std::string&) {
    unsupported("failing sectors");
}
void Outside::fail_flushes(const std::string&) {
    unsupported("failing flushes");
}
Bytes Outside::medium_contents(std::uint64_t, std::uint64_t) {
    unsupported("a medium");
}
void Outside::set_latency(std::uint64_t, std::uint64_t) {
    unsupported("a latency plan");
}

}  // namespace tb::harness

// SPDX-License-Identifier: BSD-3-Clause
#include "net/e1000.hpp"

#include <hal/poll.hpp>

namespace tb::net {

using namespace e1000;  // the names of registers and fields
using hal::Error;
using hal::LogLevel;
using hal::Status;

namespace {

constexpr const char* kName = "e1000";
constexpr std::uint32_t kRegisterBar = 0;
constexpr hal::Duration kLinkInterval = hal::milliseconds(10);

LinkState decode(std::uint32_t device_status) {
    constexpr std::uint16_t kMegabits[4] = {10, 100, 1000, 1000};
    return {.up = true,
            .megabits = kMegabits[device_status >> status::kSpeedShift & status::kSpeedMask],
            .full_duplex = (device_status & status::kFD) != 0};
}

}  // namespace

Status E1000::probe(hal::Platform platform, pci::Function function) {
    if (started_) return Error::kBusy;
    probed_ = false;
    platform_ = platform;
    function_ = function;
    const hal::Result<pci::Identity> identity = function_.identify();
    if (!identity) return identity.error();
    const bool known = identity->device == kDevice82540Em || identity->device == kDevice82545Em ||
                       identity->device == kDevice82544Gc;
    if (identity->vendor != kVendorIntel || !known) return Error::kUnsupported;
    is_82544_ = identity->device == kDevice82544Gc;

    const hal::Result<hal::MmioWindow> regs = function_.map_memory_bar(kRegisterBar);
    if (!regs) return regs.error();
    if (regs->size() < kRegisterBytes) return Error::kUnsupported;
    regs_ = *regs;
    function_.set_command(pci::kCommandMemory);
    if (read(reg::kSTATUS) == kAllOnes) return Error::kDeviceGone;
    // Whatever ran before may have left the device receiving into memory that is another's by now.
    write(reg::kIMC, kAllOnes);
    write(reg::kRCTL, 0);
    write(reg::kTCTL, tctl::kPSP);

    nvm_ = Nvm(platform_, regs_);
    phy_ = Phy(platform_, regs_);
    fault_ = {};
    info_ = {.tx_checksum = true, .tx_segmentation = true, .max_fragments = TxRing::kMaxFragments};
    if (const Status found = find_mac(); !found) return found;
    probed_ = true;
    return {};
}

Status E1000::find_mac() {
    nvm_status_ = {};
    mac_source_ = MacSource::kNvm;
    hal::Result<MacAddress> mac = nvm_.mac_address();
    if (!mac) {
        nvm_status_ = mac.error();
        platform_.log(LogLevel::kWarning, kName, "the EEPROM gives no address",
                      static_cast<std::uint64_t>(mac.error()));
        mac_source_ = MacSource::kReceiveAddress;
        mac = nvm_.receive_address();
    }
    if (!mac) {
        mac_source_ = MacSource::kNone;
        return mac.error() == Error::kDeviceGone ? Error::kDeviceGone : nvm_status_.error();
    }
    info_.mac = *mac;
    filters_.set_station(*mac);
    return {};
}

Status E1000::start(const Options& options) {
    if (!probed_) return Error::kNotStarted;
    if (started_) return Error::kBusy;
    if (const Status valid = check(options, is_82544_); !valid) return valid;
    options_ = options;
    info_.max_frame = options.max_frame;
    info_.vlan = options.vlan_offload;
    promiscuous_ = options.promiscuous;
    fault_ = {};
    pending_ = 0;
    more_ = false;
    tx_hangs_ = 0;
    overruns_ = 0;
    link_ = {};
    filters_.configure(regs_, options.multicast_offset);
    // Frames without a VLAN of their own, but with a priority, are VLAN 0's.
    if (options.vlan_filter) static_cast<void>(filters_.set_vlan(0, true));

    Status done = allocate_rings();
    if (done) done = reset_device();
    if (done) done = configure();
    if (done) {
        counters_.start(regs_);
        done = attach();
    }
    if (!done) {
        undo_start();
        return done;
    }
    started_ = true;
    enable();
    link_changes_ = 0;
    if (options.link_timeout.ns != 0) static_cast<void>(wait_for_link(options.link_timeout));
    if (!fault_) {
        const Error why = fault_.error();
        stop();
        return why;
    }
    return {};
}

Status E1000::attach() {
    if (options_.interrupts == Interrupts::kPolled) return {};
    function_.set_command(0, pci::kCommandInterruptDisable);
    const auto handler = [](void* context) { static_cast<E1000*>(context)->on_interrupt(); };
    const hal::Result<hal::Interrupt> attached =
        platform_.attach_intx(function_.config().address(), handler, this);
    if (!attached) return attached.error();
    interrupt_ = *attached;
    return {};
}

void E1000::undo_start() {
    write(reg::kIMC, kAllOnes);
    platform_.detach(interrupt_);
    interrupt_ = {};
    function_.set_command(0, pci::kCommandBusMaster);
    tx_.abort(Error::kReset);
    tx_.release();
    rx_.release();
}

void E1000::stop() {
    if (!started_) return;
    started_ = false;
    write(reg::kIMC, kAllOnes);
    // A device that does not come out of reset is cut off from memory all the same, by bus mastering.
    if (const Status reset = reset_device(); !reset)
        platform_.log(LogLevel::kWarning, kName, "stopped without a reset",
                      static_cast<std::uint64_t>(reset.error()));
    undo_start();
    link_ = {};
    pending_ = 0;
    more_ = false;
}

void E1000::on_interrupt() {
    const std::uint32_t causes = read(reg::kICR);
    __atomic_fetch_or(&pending_, causes, __ATOMIC_RELAXED);
}

bool E1000::work_pending() const {
    return more_ || __atomic_load_n(&pending_, __ATOMIC_RELAXED) != 0;
}

std::uint32_t E1000::take_causes() {
    // Without interrupts the causes still gather in ICR.
    if (options_.interrupts == Interrupts::kPolled) return read(reg::kICR);
    return __atomic_exchange_n(&pending_, 0, __ATOMIC_RELAXED);
}

unsigned E1000::poll(unsigned budget) {
    if (!running()) return 0;
    const std::uint32_t causes = take_causes();
    if (causes == kAllOnes && read(reg::kSTATUS) == kAllOnes) {
        fail(Error::kDeviceGone);
        return 0;
    }
    if ((causes & icr::kRXO) != 0) ++overruns_;
    if ((causes & icr::kLink) != 0 || !link_.up) update_link(read(reg::kSTATUS));
    // Frames that were not announced yet have gone back to their owners then.
    if (!running()) return 0;
    tx_.publish();
    const unsigned received = rx_.harvest(budget);
    const unsigned sent = tx_.reap(budget);
    more_ = received == budget || sent == budget;
    watch_transmitter();
    return received + sent;
}

void E1000::watch_transmitter() {
    switch (tx_.progress(options_.tx_hang_timeout)) {
        case TxRing::Progress::kFine:
            return;
        case TxRing::Progress::kGone:
            fail(Error::kDeviceGone);
            return;
        case TxRing::Progress::kStalled:
            break;
    }
    ++tx_hangs_;
    platform_.log(LogLevel::kError, kName, "the transmitter hangs; resetting", tx_.in_flight());
    static_cast<void>(recover());
}

Status E1000::running() const {
    if (!started_) return Error::kNotStarted;
    return fault_;
}

void E1000::fail(Error why) {
    if (!fault_) return;
    fault_ = why;
    link_ = {};
    platform_.log(LogLevel::kError, kName, hal::to_string(why));
    // Also if it is only slow to answer, it must not read buffers that go back to their owners.
    function_.set_command(0, pci::kCommandBusMaster);
    tx_.abort(why);
}

Status E1000::recover() {
    if (!started_) return Error::kNotStarted;
    const Status reset = reset_device();
    if (reset) tx_.abort(Error::kReset);
    const Status done = reset ? configure() : reset;
    if (!done) {
        fault_ = {};
        fail(done.error());
        return done;
    }
    fault_ = {};
    enable();
    return fault_;
}

LinkState E1000::link() {
    if (!running()) return {};
    update_link(read(reg::kSTATUS));
    return link_;
}

void E1000::update_link(std::uint32_t device_status) {
    if (device_status == kAllOnes) {
        fail(Error::kDeviceGone);
        return;
    }
    LinkState now;
    if ((device_status & status::kLU) != 0) {
        // A PHY that cannot be asked leaves the MAC's word.
        const hal::Result<bool> heard = phy_.link_up();
        if (!heard || *heard) now = decode(device_status);
    }
    const bool changed = now.up != link_.up;
    link_ = now;
    if (!changed) return;
    ++link_changes_;
    platform_.log(LogLevel::kInfo, kName, now.up ? "link up, Mb/s" : "link down", now.megabits);
    if (now.up) write_collision_distance();
}

hal::Result<LinkState> E1000::wait_for_link(hal::Duration timeout) {
    if (const Status ok = running(); !ok) return ok.error();
    hal::poll_until(platform_, timeout, kLinkInterval, [&] { return link().up || !running(); });
    if (const Status ok = running(); !ok) return ok.error();
    if (!link_.up) return Error::kTimeout;
    return link_;
}

hal::Result<Token> E1000::send(const TxFrame& frame) {
    if (const Status ok = running(); !ok) return ok.error();
    if (!link_.up) return Error::kLinkDown;
    return tx_.send(frame);
}

std::optional<TxCompletion> E1000::next_sent() {
    return tx_.next_completion();
}

hal::Result<RxFrame> E1000::receive(std::span<std::byte> buffer) {
    if (const Status ok = running(); !ok) return ok.error();
    return rx_.receive(buffer);
}

Status E1000::set_promiscuous(bool on) {
    if (const Status ok = running(); !ok) return ok;
    promiscuous_ = on;
    write(reg::kRCTL, receive_control() | rctl::kEN);
    return {};
}

Status E1000::set_multicast(std::span<const MacAddress> addresses) {
    if (const Status ok = running(); !ok) return ok;
    if (const Status valid = filters_.set_multicast(addresses); !valid) return valid;
    filters_.write_multicast();
    return {};
}

Status E1000::set_mac(const MacAddress& mac) {
    if (!probed_) return Error::kNotStarted;
    if (!is_station_address(mac)) return Error::kInvalidArgument;
    if (!fault_) return fault_;
    info_.mac = mac;
    filters_.set_station(mac);
    if (started_) filters_.write_station();
    return {};
}

Status E1000::set_vlan(std::uint16_t vlan, bool on) {
    if (const Status ok = running(); !ok) return ok;
    if (!options_.vlan_filter) return Error::kUnsupported;
    if (const Status valid = filters_.set_vlan(vlan, on); !valid) return valid;
    filters_.write_vlan(vlan);
    return {};
}

Status E1000::vlan_filter_add(std::uint16_t vlan) {
    return set_vlan(vlan, true);
}
Status E1000::vlan_filter_remove(std::uint16_t vlan) {
    return set_vlan(vlan, false);
}

Statistics E1000::statistics() {
    if (running()) counters_.update_errors();
    return {.rx_frames = rx_.frames(),
            .rx_bytes = rx_.bytes(),
            .rx_errors = rx_.errors() + counters_[Counter::kCrcErrors] +
                         counters_[Counter::kAlignmentErrors] + counters_[Counter::kReceiveErrors] +
                         counters_[Counter::kCarrierErrors] + counters_[Counter::kUndersize] +
                         counters_[Counter::kOversize],
            .rx_missed = rx_.lost() + counters_[Counter::kMissed],
            .tx_frames = tx_.sent_frames(),
            .tx_bytes = tx_.sent_bytes(),
            .tx_hangs = tx_hangs_};
}

const Counters& E1000::counters() {
    if (running()) counters_.update_all();
    return counters_;
}

hal::Result<std::uint16_t> E1000::nvm_read(unsigned word) {
    if (!probed_) return Error::kNotStarted;
    return nvm_.read(word);
}

hal::Result<std::uint16_t> E1000::phy_read(unsigned number) {
    if (!probed_) return Error::kNotStarted;
    return phy_.read(number);
}

Status E1000::phy_write(unsigned number, std::uint16_t value) {
    if (!probed_) return Error::kNotStarted;
    return phy_.write(number, value);
}

Status E1000::restart_autonegotiation() {
    if (!probed_) return Error::kNotStarted;
    return phy_.start_autonegotiation();
}

}  // namespace tb::net

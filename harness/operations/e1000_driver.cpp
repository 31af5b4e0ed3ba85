// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <hal/platform.hpp>
#include <vector>

#include "harness/operations/net_operations.hpp"
#include "harness/operations/placement.hpp"
#include "net/e1000.hpp"

namespace tb::harness {

namespace {

constexpr KeySpec kStart[] = {
    {"interrupts", ValueType::kBoolean, false, "false: polled (default true: INTx)"},
    {"tx_descriptors", ValueType::kInteger, false, "8 to 256, a multiple of 8 (default 128)"},
    {"rx_descriptors", ValueType::kInteger, false, "8 to 256, a multiple of 8 (default 128)"},
    {"rx_buffer", ValueType::kInteger, false, "bytes: 256 to 16384, a power of two (default 2048)"},
    {"max_frame", ValueType::kInteger, false, "bytes without FCS, 1514 to 16110 (default 1514)"},
    {"itr", ValueType::kInteger, false, "least time between interrupts in 256 ns (default 0)"},
    {"rdtr", ValueType::kInteger, false, "receive delay in 1.024 us (default 0)"},
    {"radv", ValueType::kInteger, false, "longest receive delay in 1.024 us (default 0)"},
    {"tidv", ValueType::kInteger, false, "transmit delay in 1.024 us (default 0)"},
    {"tadv", ValueType::kInteger, false, "longest transmit delay in 1.024 us (default 0)"},
    {"vlan_offload", ValueType::kBoolean, false, "strip and insert tags (default false)"},
    {"vlan_filter", ValueType::kBoolean, false, "only VLANs that were added (default false)"},
    {"promiscuous", ValueType::kBoolean, false, "receive everything (default false)"},
    {"multicast_offset", ValueType::kInteger, false, "RCTL.MO, 0 to 3 (default 0)"},
    {"strip_fcs", ValueType::kBoolean, false, "the device strips the FCS (default false)"},
    {"link_timeout", ValueType::kDuration, false, "how long to wait for the link (default: not at all)"},
    {"hang_timeout", ValueType::kDuration, false, "when a transmitter hangs (default 2s)"},
};
constexpr KeySpec kStarted[] = {
    {"mac", ValueType::kText, false, "station address"},
    {"eeprom", ValueType::kText, false, "\"good\", or why the EEPROM did not give the address"},
};
constexpr KeySpec kVlan[] = {{"vlan", ValueType::kInteger, true, "VLAN identifier, 0 to 4095"}};
constexpr KeySpec kWord[] = {{"word", ValueType::kInteger, true, "word of the EEPROM, 0 to 63"}};
constexpr KeySpec kPhyRead[] = {{"register", ValueType::kInteger, true, "register of the PHY, 0 to 31"}};
constexpr KeySpec kPhyWrite[] = {kPhyRead[0], {"value", ValueType::kInteger, true, "16 bits"}};
constexpr KeySpec kValue[] = {{"value", ValueType::kInteger, false, "16 bits"}};
constexpr KeySpec kWait[] = {{"timeout", ValueType::kDuration, true, "how long to wait"}};
constexpr KeySpec kEvents[] = {{"overruns", ValueType::kInteger, false, "receive overruns seen"},
                               {"link_changes", ValueType::kInteger, false, "link changes seen"}};

constexpr OperationSpec kOwn[] = {
    {"start", "find the controller, and let frames flow", kStart, kStarted},
    {"stop", "end everything and give it back", {}, {}},
    {"e1000.recover", "reset and configure anew", {}, {}},
    {"e1000.vlan_add", "let a VLAN through", kVlan, {}},
    {"e1000.vlan_remove", "let a VLAN through no more", kVlan, {}},
    {"e1000.nvm_read", "read a word of the EEPROM", kWord, kValue},
    {"e1000.phy_read", "read a register of the PHY", kPhyRead, kValue},
    {"e1000.phy_write", "write a register of the PHY", kPhyWrite, {}},
    {"e1000.restart_autonegotiation", "negotiate the link anew", {}, {}},
    {"e1000.wait_for_link", "wait until the link is up", kWait, {}},
    {"e1000.events", "what poll has seen", {}, kEvents},
};

constexpr std::string_view kDevices[] = {"e1000"};

class E1000Session : public DriverSession {
  public:
    explicit E1000Session(const hal::Platform& platform)
        : platform_(platform), operations_(driver_, platform) {}
    ~E1000Session() override { driver_.stop(); }

    Outcome run(std::string_view operation, const Arguments& arguments) override {
        if (auto outcome = operations_.run(operation, arguments)) return *outcome;
        if (operation == "start") return start(arguments);
        if (operation == "stop") {
            driver_.stop();
            return {};
        }
        if (operation == "e1000.recover") return {driver_.recover(), {}};
        if (operation == "e1000.vlan_add") return {driver_.vlan_filter_add(vlan(arguments)), {}};
        if (operation == "e1000.vlan_remove") return {driver_.vlan_filter_remove(vlan(arguments)), {}};
        if (operation == "e1000.nvm_read")
            return value(driver_.nvm_read(static_cast<unsigned>(arguments.integer("word"))));
        if (operation == "e1000.phy_read") return value(driver_.phy_read(phy_register(arguments)));
        if (operation == "e1000.phy_write")
            return {driver_.phy_write(phy_register(arguments),
                                      static_cast<std::uint16_t>(arguments.integer("value"))),
                    {}};
        if (operation == "e1000.restart_autonegotiation") return {driver_.restart_autonegotiation(), {}};
        if (operation == "e1000.wait_for_link") {
            const auto link = driver_.wait_for_link(hal::nanoseconds(arguments.integer("timeout")));
            return {link ? hal::Status() : hal::Status(link.error()), {}};
        }
        return {{}, {{"overruns", driver_.overruns()}, {"link_changes", driver_.link_changes()}}};
    }

    hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments) override {
        return operations_.begin(operation, arguments);
    }
    std::optional<Outcome> finished(std::uint32_t handle) override { return operations_.finished(handle); }

  private:
    static std::uint16_t vlan(const Arguments& arguments) {
        return static_cast<std::uint16_t>(arguments.integer("vlan"));
    }
    static unsigned phy_register(const Arguments& arguments) {
        return static_cast<unsigned>(arguments.integer("register"));
    }
    static Outcome value(hal::Result<std::uint16_t> read) {
        if (!read) return {read.error(), {}};
        return {{}, {{"value", std::uint64_t{*read}}}};
    }

    Outcome start(const Arguments& arguments) {
        const pci::Function function(platform_, platform_.pci_function(kDeviceUnderTest));
        if (const hal::Status placed = placement_.ensure(function); !placed) return {placed, {}};
        if (const hal::Status found = driver_.probe(platform_, function); !found)
            return {placement_.started(found), {}};
        const hal::Status started = placement_.started(driver_.start(options(arguments)));
        const hal::Status nvm = driver_.nvm_status();
        return {started,
                {{"mac", to_text(driver_.info().mac)},
                 {"eeprom", std::string(nvm ? "good" : hal::to_string(nvm.error()))}}};
    }

    static net::E1000::Options options(const Arguments& arguments) {
        net::E1000::Options options;
        const auto short_of = [&](const char* name, std::uint64_t otherwise) {
            return static_cast<std::uint16_t>(arguments.integer(name, otherwise));
        };
        options.interrupts = arguments.boolean("interrupts", true) ? net::E1000::Interrupts::kIntx
                                                                   : net::E1000::Interrupts::kPolled;
        options.tx_descriptors = short_of("tx_descriptors", options.tx_descriptors);
        options.rx_descriptors = short_of("rx_descriptors", options.rx_descriptors);
        options.rx_buffer_bytes =
            static_cast<std::uint32_t>(arguments.integer("rx_buffer", options.rx_buffer_bytes));
        options.max_frame = static_cast<std::uint32_t>(arguments.integer("max_frame", options.max_frame));
        options.moderation = {.itr = short_of("itr", 0),
                              .rdtr = short_of("rdtr", 0),
                              .radv = short_of("radv", 0),
                              .tidv = short_of("tidv", 0),
                              .tadv = short_of("tadv", 0)};
        options.vlan_offload = arguments.boolean("vlan_offload");
        options.vlan_filter = arguments.boolean("vlan_filter");
        options.promiscuous = arguments.boolean("promiscuous");
        options.multicast_offset = static_cast<std::uint8_t>(arguments.integer("multicast_offset"));
        options.strip_fcs = arguments.boolean("strip_fcs");
        options.link_timeout = hal::nanoseconds(arguments.integer("link_timeout"));
        options.tx_hang_timeout =
            hal::nanoseconds(arguments.integer("hang_timeout", options.tx_hang_timeout.ns));
        return options;
    }

    hal::Platform platform_;
    net::E1000 driver_;
    NetOperations operations_;
    Placement placement_;
};

class E1000DriverType : public DriverType {
  public:
    E1000DriverType() : operations_(std::begin(kOwn), std::end(kOwn)) {
        const auto shared = net_operations();
        operations_.insert(operations_.end(), shared.begin(), shared.end());
    }
    std::string_view name() const override { return "e1000"; }
    std::string_view about() const override { return "Intel 8254x Gigabit Ethernet"; }
    std::span<const std::string_view> devices() const override { return kDevices; }
    std::span<const OperationSpec> operations() const override { return operations_; }
    std::unique_ptr<DriverSession> open(const hal::Platform& platform, bool) const override {
        return std::make_unique<E1000Session>(platform);
    }

  private:
    std::vector<OperationSpec> operations_;
};

}  // namespace

const DriverType& e1000_driver() {
    static const E1000DriverType type;
    return type;
}

}  // namespace tb::harness

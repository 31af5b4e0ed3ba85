// SPDX-License-Identifier: BSD-3-Clause
#include "net/virtio_net_config.hpp"

#include "net/virtio_net_regs.hpp"

namespace tb::net::virtio_net {
namespace {

using hal::Error;

/// §5.1.3.1: a feature, and what it requires, all of it.
struct Requirement {
    std::uint64_t feature;
    std::uint64_t required;
};
constexpr Requirement kRequirements[] = {
    {kFeatureHostTso4, kFeatureCsum},
    {kFeatureHostTso6, kFeatureCsum},
    {kFeatureCtrlRx, kFeatureCtrlQueue},
    {kFeatureCtrlVlan, kFeatureCtrlQueue},
    {kFeatureGuestAnnounce, kFeatureCtrlQueue},
    {kFeatureMultiQueue, kFeatureCtrlQueue},
    {kFeatureCtrlMacAddress, kFeatureCtrlQueue},
    {kFeatureCtrlGuestOffloads, kFeatureCtrlQueue},
};

/// Where the last field ends that is promised by a feature.
constexpr std::uint32_t bytes_needed(std::uint64_t features) {
    std::uint32_t need = 0;
    const auto promises = [&](std::uint64_t feature, std::uint32_t end) {
        if ((features & feature) != 0 && end > need) need = end;
    };
    promises(kFeatureMac, config::kMac + 6);
    promises(kFeatureStatus, config::kStatus + 2);
    promises(kFeatureMultiQueue, config::kMaxVirtqueuePairs + 2);
    promises(kFeatureMtu, config::kMtu + 2);
    promises(kFeatureSpeedDuplex, config::kDuplex + 1);
    return need;
}

}  // namespace

std::uint64_t choose_features(std::uint64_t offered, std::uint64_t wanted) {
    std::uint64_t chosen = offered & wanted;
    for (const Requirement& one : kRequirements)
        if ((chosen & one.required) != one.required) chosen &= ~one.feature;
    // Of the host's segmentation, either kind will do.
    if ((chosen & (kFeatureHostTso4 | kFeatureHostTso6)) == 0) chosen &= ~kFeatureHostEcn;
    return chosen;
}

hal::Result<Config> read_config(const virtio::PciTransport& transport, std::uint64_t features) {
    if (transport.config_bytes() < bytes_needed(features)) return Error::kProtocol;
    Config read;
    const auto has = [features](std::uint64_t feature) { return (features & feature) != 0; };
    const hal::Status settled = transport.read_consistently([&] {
        if (has(kFeatureMac))
            for (std::uint32_t i = 0; i < read.mac.size(); ++i)
                read.mac[i] = transport.read_config<std::uint8_t>(config::kMac + i);
        if (has(kFeatureStatus)) read.status = transport.read_config<std::uint16_t>(config::kStatus);
        if (has(kFeatureMultiQueue))
            read.max_virtqueue_pairs = transport.read_config<std::uint16_t>(config::kMaxVirtqueuePairs);
        if (has(kFeatureMtu)) read.mtu = transport.read_config<std::uint16_t>(config::kMtu);
        if (has(kFeatureSpeedDuplex)) {
            read.speed = transport.read_config<std::uint32_t>(config::kSpeed);
            read.duplex = transport.read_config<std::uint8_t>(config::kDuplex);
        }
    });
    if (!settled) return settled.error();
    return read;
}

hal::Status check_config(const Config& config, std::uint64_t features) {
    const auto has = [features](std::uint64_t feature) { return (features & feature) != 0; };
    if (has(kFeatureMac) && !is_station_address(config.mac)) return Error::kProtocol;
    if (has(kFeatureMtu) && config.mtu < config::kLeastMtu) return Error::kProtocol;
    const std::uint16_t pairs = config.max_virtqueue_pairs;
    if (has(kFeatureMultiQueue) && (pairs == 0 || pairs > config::kMostPairs)) return Error::kProtocol;
    return {};
}

LinkState link_of(const Config& config, std::uint64_t features) {
    LinkState link;
    link.up = (features & kFeatureStatus) == 0 || (config.status & config::kStatusLinkUp) != 0;
    if ((features & kFeatureSpeedDuplex) != 0) {
        // §5.1.4.2: what is above, or neither of the two, is unknown.
        if (config.speed <= config::kFastestSpeed) link.megabits = config.speed;
        // 1 is full duplex as in Linux and QEMU; the text of §5.1.4 has it the other way round.
        link.full_duplex = config.duplex == config::kFullDuplex;
    }
    return link;
}

bool is_station_address(const MacAddress& mac) {
    if ((mac[0] & 1) != 0) return false;
    for (const std::uint8_t byte : mac)
        if (byte != 0) return true;
    return false;
}

}  // namespace tb::net::virtio_net

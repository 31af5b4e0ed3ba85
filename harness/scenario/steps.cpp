// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/steps.hpp"

namespace tb::scenario {

namespace {

using enum StepValue;
using harness::KeySpec;
using harness::ValueType;

constexpr StepKey kDoKeys[] = {
    {"do", kOperation, true, "an operation of the driver"},
    {"expect", kResults, false,
     "results that it must give, or {\"error\": ...}; without it the operation must succeed"},
    {"async", kBoolean, false, "begin it and go on; an \"expect\" step takes the end"},
    {"as", kNewName, false,
     "names the operation for \"expect\", or saves its integer results as NAME.result"},
    {"within", kDuration, false, "the virtual time that it may take"},
};
constexpr StepKey kExpectKeys[] = {
    {"expect", kAsyncName, true, "an operation that was begun with \"async\" and named with \"as\""},
    {"error", kText, false, "the error that it must end with"},
    {"pending", kBoolean, false, "true: it must not have ended yet"},
    {"within", kDuration, false, "the virtual time until it must have ended (default 1s)"},
};
constexpr StepKey kWriteKeys[] = {
    {"write", kRegister, true, "the register to write"},
    {"value", kRegisterValue, true, "a number, or fields (the others are 0)"},
    {"width", kInteger, false, "bytes of the access; the register's own by default"},
};
constexpr StepKey kModifyKeys[] = {
    {"modify", kRegister, true, "the register to read, change and write back"},
    {"value", kRegisterValue, true, "the fields to change"},
};
constexpr StepKey kReadKeys[] = {
    {"read", kRegister, true, "the register to read"},
    {"expect", kRegisterValue, false, "the value that it must have, or fields"},
    {"mask", kInteger, false, "the bits of the value that count"},
    {"width", kInteger, false, "bytes of the access; the register's own by default"},
    {"as", kNewName, false, "saves the value under a name for expressions"},
};
constexpr StepKey kPollKeys[] = {
    {"poll", kRegister, true, "the register to read again and again"},
    {"until", kRegisterValue, true, "the value, or fields, to wait for"},
    {"mask", kInteger, false, "the bits of the value that count"},
    {"width", kInteger, false, "bytes of the access"},
    {"within", kDuration, false, "deadline in virtual time (default 1ms)"},
    {"every", kDuration, false, "time between two reads (default 1us)"},
};
constexpr StepKey kBufferKeys[] = {
    {"buffer", kNewName, true,
     "allocates DMA memory, zeroed; the name stands for its address in expressions"},
    {"size", kInteger, true, "bytes"},
    {"align", kInteger, false, "a power of two (default 4096)"},
    {"data", kData, false, "what it holds at first"},
    {"direction", kDirection, false,
     "\"to-device\" or \"from-device\": maps it for one direction, as drivers do with payload"},
};
constexpr StepKey kFreeKeys[] = {
    {"free", kBufferName, true, "the buffer to give back"},
};
constexpr StepKey kStoreKeys[] = {
    {"store", kBufferName, true, "the buffer to write to"},
    {"at", kInteger, false, "offset in bytes (default 0)"},
    {"width", kInteger, false, "bytes of \"value\""},
    {"value", kInteger, false, "a little-endian number"},
    {"data", kData, false, "bytes"},
    {"layout", kLayout, false, "the structure to write"},
    {"fields", kLayoutValue, false, "its parts (the others are 0)"},
    {"order", kOrder, false,
     "\"relaxed\" or \"release\": one access of \"width\" that orders no more than that (default: a full "
     "barrier behind it)"},
};
constexpr StepKey kLoadKeys[] = {
    {"load", kBufferName, true, "the buffer to look into"},
    {"at", kInteger, false, "offset in bytes (default 0)"},
    {"width", kInteger, false, "bytes of the little-endian number"},
    {"expect", kInteger, false, "the number it must be"},
    {"mask", kInteger, false, "the bits of the number that count"},
    {"data", kData, false, "the bytes that must be there"},
    {"layout", kLayout, false, "the structure that is there"},
    {"fields", kLayoutValue, false, "parts that it must have"},
    {"as", kNewName, false, "saves the number under a name for expressions"},
    {"within", kDuration, false, "waits so long, in virtual time, for it to become true"},
    {"order", kOrder, false, "\"relaxed\" or \"acquire\": one access of \"width\", ordered so"},
};
constexpr StepKey kAttachKeys[] = {
    {"attach", kInterruptSource, true, "\"msi\" or \"irqN\": counts its interrupts from now on"},
    {"as", kNewName, true,
     "its name; of a message, NAME.address and NAME.data are what the device must be told"},
};
constexpr StepKey kInterruptKeys[] = {
    {"interrupt", kInterruptName, true, "an attached interrupt"},
    {"count", kInteger, false, "how many must have come since the last look (default 1); 0 for none"},
    {"within", kDuration, false, "the virtual time to wait for them, or that must pass without one"},
};
constexpr StepKey kLineKeys[] = {
    {"line", kInterruptSource, true, "\"intx\" or \"irqN\": looks at the level of the line"},
    {"level", kBoolean, true, "the level that it must have"},
};
constexpr StepKey kWaitKeys[] = {{"wait", kDuration, true, "lets virtual time pass"}};
constexpr StepKey kHostKeys[] = {{"host", kHostOperation, true, "an act of the world outside the device"}};
constexpr StepKey kRepeatKeys[] = {
    {"repeat", kInteger, true, "how often"},
    {"as", kNewName, false, "a name that counts from 0"},
    {"steps", kSteps, true, "what to repeat"},
};
constexpr StepKey kSetKeys[] = {
    {"set", kNewName, true, "a name for expressions"},
    {"value", kInteger, true, "its value from now on"},
};
constexpr StepKey kSetupKeys[] = {
    {"setup", kTrue, true,
     "true: gives the function's BARs their addresses and turns decoding on, as firmware would"},
    {"bus_master", kBoolean, false, "whether it may reach memory (default true)"},
};

constexpr StepKey kFaultKeys[] = {
    {"fault", kAct, true, "what goes wrong from now on (`twinbench list faults`)"},
    {"on", kSite, true, "where: read, write, load, data, interrupt, allocate or attach"},
    {"of", kPart, false,
     "a register, a field, or a part of a ring, with or without indices: STATUS.LU, queue.used.ring.len; "
     "default: "
     "any"},
    {"nth", kInteger, false, "the first match that it strikes, counted from this step (default 1)"},
    {"times", kInteger, false,
     "how many it strikes, 0: all until it is healed (default 1; all for what lasts: stick, restless)"},
    {"after", kDuration, false, "strikes nothing before so much virtual time has passed"},
    {"value", kInteger, false, "of \"value\" and \"add\""},
    {"mask", kInteger, false, "of \"flip\", from the lowest bit of what \"of\" names"},
    {"by", kDuration, false, "of \"delay\""},
    {"as", kNewName, false, "its name, for \"heal\""},
};
constexpr StepKey kHealKeys[] = {
    {"heal", kFaultName, true, "the name of a fault, or \"all\": it strikes no more"},
    {"struck", kInteger, false, "how often it must have struck by now"},
};

constexpr StepSpec kAllSteps[] = {
    {StepKind::kDo, "do", "run an operation of the driver", kDoKeys, true},
    {StepKind::kExpect, "expect", "take the end of an asynchronous operation", kExpectKeys, true},
    {StepKind::kWrite, "write", "write a register", kWriteKeys},
    {StepKind::kModify, "modify", "read, change and write back a register", kModifyKeys},
    {StepKind::kRead, "read", "read a register and check it", kReadKeys},
    {StepKind::kPoll, "poll", "read a register until it has a value", kPollKeys},
    {StepKind::kBuffer, "buffer", "allocate DMA memory", kBufferKeys},
    {StepKind::kFree, "free", "give DMA memory back", kFreeKeys},
    {StepKind::kStore, "store", "write to DMA memory", kStoreKeys},
    {StepKind::kLoad, "load", "check DMA memory", kLoadKeys},
    {StepKind::kAttach, "attach", "count an interrupt", kAttachKeys},
    {StepKind::kInterrupt, "interrupt", "check how many interrupts came", kInterruptKeys},
    {StepKind::kLine, "line", "check the level of an interrupt line", kLineKeys},
    {StepKind::kWait, "wait", "let virtual time pass", kWaitKeys},
    {StepKind::kHost, "host", "act as the outside world", kHostKeys, true},
    {StepKind::kRepeat, "repeat", "run steps several times", kRepeatKeys},
    {StepKind::kSet, "set", "name a value", kSetKeys},
    {StepKind::kFault, "fault", "have the device lie, stall or vanish", kFaultKeys},
    {StepKind::kHeal, "heal", "have it behave again", kHealKeys},
    {StepKind::kSetup, "setup", "make a PCI function reachable without a driver", kSetupKeys},
};

constexpr KeySpec kFrameArguments[] = {{"data", ValueType::kData, true, "the frame without FCS"}};
constexpr KeySpec kExpectFrameArguments[] = {
    {"data", ValueType::kData, false, "the frame that must come next"},
    {"bytes", ValueType::kInteger, false, "its length"}};
constexpr KeySpec kLinkArguments[] = {{"up", ValueType::kBoolean, true, "carrier"}};
constexpr KeySpec kCharacterArguments[] = {{"data", ValueType::kData, true, "characters"}};
constexpr KeySpec kModemArguments[] = {{"cts", ValueType::kBoolean, false, "clear to send"},
                                       {"dsr", ValueType::kBoolean, false, "data set ready"},
                                       {"ri", ValueType::kBoolean, false, "ring"},
                                       {"dcd", ValueType::kBoolean, false, "carrier detect"}};
constexpr KeySpec kHoldArguments[] = {{"on", ValueType::kBoolean, true, "whether requests stay unfinished"}};
constexpr KeySpec kReleaseArguments[] = {
    {"index", ValueType::kInteger, false, "which held request, 0 the oldest (default 0)"}};
constexpr KeySpec kHeldArguments[] = {{"count", ValueType::kInteger, true, "how many requests must be held"}};
constexpr KeySpec kResizeArguments[] = {
    {"sectors", ValueType::kInteger, true, "new capacity in 512-byte sectors"}};
constexpr KeySpec kFailArguments[] = {
    {"sector", ValueType::kInteger, true, "first sector"},
    {"sectors", ValueType::kInteger, false, "how many (default 1)"},
    {"error", ValueType::kText, true, "\"eio\", \"enospc\", or \"\" to mend"}};
constexpr KeySpec kFailFlushArguments[] = {
    {"error", ValueType::kText, true, "\"eio\", \"enospc\", or \"\" to mend"}};
constexpr KeySpec kMediumArguments[] = {
    {"sector", ValueType::kInteger, true, "first sector"},
    {"data", ValueType::kData, true, "what the medium must hold from there on"}};
constexpr KeySpec kLatencyArguments[] = {
    {"each", ValueType::kDuration, true, "how long a request takes"},
    {"jitter", ValueType::kDuration, false, "and up to so much more, from the seed"}};

constexpr HostOperation kHostOperations[] = {
    {"net.frame", "a frame arrives", kFrameArguments},
    {"net.expect", "the device must have sent a frame", kExpectFrameArguments},
    {"net.expect_none", "the device must have sent no frame", {}},
    {"net.link", "carrier comes or goes", kLinkArguments},
    {"net.announce", "whoever moved the machine has the device announce itself, and ask its driver to", {}},
    {"uart.type", "characters arrive", kCharacterArguments},
    {"uart.expect", "the device must have sent exactly these characters", kCharacterArguments},
    {"uart.break", "a break condition arrives", {}},
    {"uart.modem", "the modem lines change", kModemArguments},
    {"blk.hold", "requests stay unfinished, or no longer", kHoldArguments},
    {"blk.release", "finish a held request", kReleaseArguments},
    {"blk.held", "check how many requests are held", kHeldArguments},
    {"blk.resize", "the medium changes its size", kResizeArguments},
    {"blk.fail", "requests to some sectors fail", kFailArguments},
    {"blk.fail_flush", "flushes fail", kFailFlushArguments},
    {"blk.medium", "check what the medium holds", kMediumArguments},
    {"blk.latency", "requests take time", kLatencyArguments},
};

}  // namespace

std::span<const StepSpec> step_specs() {
    return kAllSteps;
}
std::span<const HostOperation> host_operations() {
    return kHostOperations;
}

const HostOperation* find_host_operation(std::string_view name) {
    for (const HostOperation& operation : kHostOperations)
        if (name == operation.name) return &operation;
    return nullptr;
}

}  // namespace tb::scenario

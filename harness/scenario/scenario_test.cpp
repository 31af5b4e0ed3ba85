// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include "harness/devices/device_type.hpp"
#include "harness/scenario/interpreter.hpp"

namespace tb::scenario {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kHead =
    "{\n\"about\": \"a test\",\n\"device\": { \"type\": \"isa-serial\" },\n\"driver\": \"uart16550\",\n";

std::vector<Scenario> load(const std::string& text, std::vector<Problem>& problems) {
    auto document = std::make_shared<const Document>(Document::parse(text, "file.json", problems));
    if (!problems.empty()) return {};
    return load_document(std::move(document), "id", problems);
}

/// All that is wrong with a document, a line each.
std::string problems_with(const std::string& text) {
    std::vector<Problem> problems;
    const std::vector<Scenario> scenarios = load(text, problems);
    if (!problems.empty()) {
        EXPECT_THAT(scenarios, IsEmpty()) << "a file with problems gives no scenario";
    }
    std::string all;
    for (const Problem& problem : problems) all += problem.to_string() + "\n";
    return all.empty() ? "(none)" : all;
}

/// The same of a step, which stands in line 6 as /steps/1.
std::string problems_with_step(const std::string& step) {
    return problems_with(std::string(kHead) + "\"steps\": [ { \"wait\": \"1ns\" },\n" + step + "\n] }");
}

Scenario scenario_of(const std::string& rest) {
    std::vector<Problem> problems;
    const std::vector<Scenario> scenarios = load(std::string(kHead) + rest + "}", problems);
    for (const Problem& problem : problems) ADD_FAILURE() << problem.to_string();
    return scenarios.empty() ? Scenario{} : scenarios.front();
}

RunResult run(const std::string& rest) {
    const Scenario scenario = scenario_of(rest);
    if (scenario.device == nullptr) return {};
    const auto rig = scenario.device->make_model(scenario.configuration, {});
    return run_scenario(scenario, *rig);
}

std::string failure_of(const std::string& steps) {
    const RunResult result = run("\"steps\": [\n" + steps + "\n]");
    return result.passed ? "(passed)" : result.failure.to_string();
}

// What is wrong with the document as a whole

TEST(Loader, TakesAGoodScenario) {
    EXPECT_EQ(problems_with(std::string(kHead) +
                            R"("steps": [ { "do": "start", "expect": { "chip": "16550A" } } ] })"),
              "(none)");
}

TEST(Loader, SaysOnWhichBoardsAKernelCannot) {
    const std::string steps = R"(, "steps": [ { "wait": "1ns" } ])";
    const Scenario everywhere = scenario_of(R"("kernel": { "skip": "why" })" + steps);
    EXPECT_EQ(everywhere.why_not_in_kernel("q35"), "why");
    EXPECT_EQ(everywhere.why_not_in_kernel("microvm"), "why");
    const Scenario some = scenario_of(R"("kernel": { "skip": "why", "on": [ "pc", "microvm" ] })" + steps);
    EXPECT_EQ(some.why_not_in_kernel("q35"), "");
    EXPECT_EQ(some.why_not_in_kernel("pc"), "why");
    EXPECT_EQ(harness::find_device_type("pci-serial")->why_not_on("microvm"),
              "microvm has no ports for PCI functions");
    EXPECT_EQ(harness::find_device_type("pci-serial")->why_not_on("pc"), "");
}

TEST(Loader, TruncatedOrMalformedJsonGivesFileAndLine) {
    EXPECT_THAT(problems_with(kHead),
                StartsWith("file.json:4: is not JSON: syntax error while parsing object key"));
    EXPECT_THAT(problems_with("{\n\"about\" }"), StartsWith("file.json:2: is not JSON"));
    EXPECT_THAT(problems_with("[]"),
                HasSubstr("a scenario is a JSON object with \"about\", \"device\" and \"steps\""));
}

TEST(Loader, AKeyGivenTwice) {
    EXPECT_THAT(
        problems_with(std::string(kHead) + "\"about\": \"b\",\n\"steps\": [ { \"wait\": \"1ns\" } ] }"),
        StartsWith("file.json:5: /about: is given twice; remove one"));
}

TEST(Loader, AnUnknownKeyAtTheTop) {
    EXPECT_EQ(problems_with(std::string(kHead) + "\"stesp\": [],\n\"steps\": [ { \"wait\": \"1ns\" } ] }"),
              "file.json:5: /stesp: unknown key 'stesp' (did you mean 'steps'?)\n");
}

TEST(Loader, WhatIsMissing) {
    EXPECT_THAT(problems_with("{}"),
                AllOf(HasSubstr("\"about\" is missing: it is a sentence"), HasSubstr("\"device\" is missing"),
                      HasSubstr("\"steps\" is missing: it is a list of steps")));
    EXPECT_THAT(problems_with(R"({ "about": 1, "device": [], "steps": {} })"),
                AllOf(HasSubstr("/about: must be a sentence"), HasSubstr("/device: must be an object"),
                      HasSubstr("/steps: must be a list")));
}

TEST(Loader, EmptySteps) {
    EXPECT_EQ(problems_with(std::string(kHead) + "\"steps\": [] }"),
              "file.json:5: /steps: is empty: a scenario that does nothing shows nothing\n");
}

TEST(Loader, AnUnknownDevice) {
    EXPECT_THAT(
        problems_with(
            R"({ "about": "x", "device": { "type": "isa-seral" }, "steps": [ { "wait": "1ns" } ] })"),
        StartsWith("file.json:1: /device/type: unknown device 'isa-seral' (did you mean 'isa-serial'?)"));
    EXPECT_THAT(problems_with(R"({ "about": "x", "device": {}, "steps": [ { "wait": "1ns" } ] })"),
                AllOf(HasSubstr("/device: \"type\" is missing"), HasSubstr("isa-serial")));
}

TEST(Loader, AnUnknownSettingOfTheDevice) {
    EXPECT_THAT(
        problems_with(
            R"({ "about": "x", "device": { "type": "isa-serial", "absnt": true }, "steps": [ { "wait": "1ns" } ] })"),
        HasSubstr("/device/absnt: isa-serial has no setting 'absnt' (did you mean 'absent'?)"));
    EXPECT_THAT(
        problems_with(
            R"({ "about": "x", "device": { "type": "isa-serial", "absent": 1 }, "steps": [ { "wait": "1ns" } ] })"),
        HasSubstr("/device/absent: must be true or false"));
}

TEST(Loader, AnUnknownDriverOrOneForAnotherDevice) {
    EXPECT_THAT(
        problems_with(
            R"({ "about": "x", "device": { "type": "isa-serial" }, "driver": "uart16500", "steps": [ { "wait": "1ns" } ] })"),
        HasSubstr("/driver: unknown driver 'uart16500' (did you mean 'uart16550'?)"));
    EXPECT_THAT(
        problems_with(
            R"({ "about": "x", "device": { "type": "e1000" }, "driver": "uart16550", "steps": [ { "wait": "1ns" } ] })"),
        HasSubstr("/driver: the driver 'uart16550' does not drive e1000"));
}

TEST(Loader, OtherKeysOfTheWrongKind) {
    const std::string steps = "\"steps\": [ { \"wait\": \"1ns\" } ] }";
    EXPECT_THAT(problems_with(kHead + ("\"seed\": -1, " + steps)),
                HasSubstr("/seed: must be a number from 0 on"));
    EXPECT_THAT(problems_with(kHead + ("\"qemu\": { \"skip\": \"\" }, " + steps)),
                HasSubstr("/qemu: must be {\"skip\": "));
    EXPECT_THAT(problems_with(kHead + ("\"kernel\": { \"skip\": 1 }, " + steps)),
                HasSubstr("/kernel: must be {\"skip\": "));
    EXPECT_THAT(problems_with(kHead + ("\"kernel\": { \"skip\": \"x\", \"on\": [ \"i440\" ] }, " + steps)),
                HasSubstr("/kernel/on: must be a list of boards: q35, pc, microvm"));
    EXPECT_THAT(problems_with(kHead + ("\"kernel\": { \"skip\": \"x\", \"off\": [ \"pc\" ] }, " + steps)),
                HasSubstr("/kernel: must be {\"skip\": "));
    EXPECT_THAT(problems_with(kHead + ("\"qemu\": { \"skip\": \"x\", \"on\": [ \"pc\" ] }, " + steps)),
                HasSubstr("/qemu: must be {\"skip\": "));
    EXPECT_THAT(problems_with(kHead + ("\"findings\": [ 1 ], " + steps)),
                HasSubstr("/findings/0: must be a text"));
}

// What is wrong with a step

TEST(Checker, AnUnknownStep) {
    EXPECT_EQ(problems_with_step(R"({ "raed": "LSR" })"),
              "file.json:6: /steps/1: says not what to do (did you mean 'read'?)\n");
    EXPECT_THAT(problems_with_step("{}"),
                HasSubstr("/steps/1: says not what to do (there are: do, expect, write"));
    EXPECT_THAT(problems_with_step("7"), StartsWith("file.json:6: /steps/1: a step is an object"));
}

TEST(Checker, AnUnknownKeyInAStep) {
    EXPECT_EQ(
        problems_with_step(R"({ "read": "LSR", "expcet": 1 })"),
        "file.json:6: /steps/1/expcet: \"expcet\" is no key of a \"read\" step (did you mean 'expect'?)\n");
}

TEST(Checker, AMissingKey) {
    EXPECT_THAT(problems_with_step(R"({ "write": "LCR" })"),
                StartsWith("file.json:6: /steps/1: \"value\" is missing: a number, or fields"));
}

TEST(Checker, AnUnknownRegisterOrField) {
    EXPECT_EQ(problems_with_step(R"({ "read": "LRS" })"),
              "file.json:6: /steps/1/read: isa-serial has no register 'LRS' (did you mean 'LSR'?)\n");
    EXPECT_THAT(problems_with_step(R"({ "read": "LSR", "expect": { "THR": 1 } })"),
                StartsWith("file.json:6: /steps/1/expect/THR: LSR has no field 'THR' (did you mean"));
    EXPECT_THAT(problems_with_step(R"({ "read": "LSR[1]" })"),
                HasSubstr("'LSR' is a single register, not an array"));
    EXPECT_THAT(problems_with_step(R"({ "read": "LSR[1" })"), HasSubstr("lacks the closing ]"));
    EXPECT_THAT(problems_with_step(R"({ "read": "prot+0x3f8", "width": 1 })"),
                HasSubstr("'prot+0x3f8' is no place: write bar0+0x10"));
}

TEST(Checker, AValueThatIsTooWide) {
    EXPECT_EQ(problems_with_step(R"({ "write": "LCR", "value": "0x100" })"),
              "file.json:6: /steps/1/value: 0x100 is too wide for LCR, which has 8 bits (at most 0xff)\n");
    EXPECT_EQ(
        problems_with_step(R"({ "write": "LCR", "value": { "WLS": 4 } })"),
        "file.json:6: /steps/1/value/WLS: 0x4 is too wide for field WLS, which has 2 bits (at most 0x3)\n");
    EXPECT_EQ(problems_with_step(R"({ "read": "port+0x3f8", "width": 2, "expect": "0xffff" })"), "(none)");
}

TEST(Checker, APlaceNeedsAWidth) {
    EXPECT_THAT(problems_with_step(R"({ "read": "port+0x3f8" })"),
                HasSubstr("a place needs a \"width\": 1, 2, 4 or 8"));
    EXPECT_THAT(problems_with_step(R"({ "write": "port+0x3f8", "value": 1 })"),
                HasSubstr("a place needs a \"width\": 1, 2, 4 or 8"));
    EXPECT_THAT(problems_with_step(R"({ "read": "port+0x3f8", "width": 3 })"),
                HasSubstr("/width: 3 bytes is no width of an access"));
}

TEST(Checker, AnUnknownOperationArgumentOrResult) {
    EXPECT_EQ(problems_with_step(R"({ "do": "uart.wirte", "data": "00" })"),
              "file.json:6: /steps/1/do: the driver 'uart16550' has no operation 'uart.wirte' (did you mean "
              "'uart.write'?)\n");
    EXPECT_THAT(problems_with_step(R"({ "do": "start", "boud": 9600 })"),
                AllOf(HasSubstr("/steps/1/boud"), HasSubstr("(did you mean 'baud'?)")));
    EXPECT_THAT(problems_with_step(R"({ "do": "start", "baud": "fast" })"),
                AllOf(HasSubstr("/steps/1/baud"), HasSubstr("'fast' has no value")));
    EXPECT_THAT(problems_with_step(R"({ "do": "uart.write" })"),
                HasSubstr("uart.write needs \"data\": characters"));
    EXPECT_THAT(problems_with_step(R"({ "do": "start", "expect": { "chips": "x" } })"),
                HasSubstr("/steps/1/expect/chips: start gives no result 'chips' (did you mean 'chip'?)"));
    EXPECT_THAT(problems_with_step(R"({ "do": "start", "expect": 1 })"),
                HasSubstr("/steps/1/expect: must be an object of results"));
    EXPECT_THAT(problems_with_step(R"({ "do": "start", "async": true })"),
                HasSubstr("/steps/1/async: start cannot be asynchronous"));
}

TEST(Checker, AnOperationWithoutADriver) {
    EXPECT_THAT(
        problems_with(
            R"({ "about": "x", "device": { "type": "isa-serial" }, "steps": [ { "do": "start" } ] })"),
        HasSubstr("/steps/0/do: needs a driver: give the scenario a \"driver\""));
}

TEST(Checker, AnUnknownErrorName) {
    EXPECT_EQ(
        problems_with_step(R"({ "do": "start", "expect": { "error": "abesnt" } })"),
        "file.json:6: /steps/1/expect/error: 'abesnt' is no error of a driver (did you mean 'absent'?)\n");
}

TEST(Checker, AnUnknownActOfTheOutsideWorld) {
    EXPECT_EQ(problems_with_step(R"({ "host": "uart.tpye", "data": "00" })"),
              "file.json:6: /steps/1/host: 'uart.tpye' is nothing that the outside world can do (did you "
              "mean 'uart.type'?)\n");
    EXPECT_THAT(problems_with_step(R"({ "host": "uart.type" })"),
                HasSubstr("/steps/1: \"data\" is missing: characters"));
    EXPECT_THAT(problems_with_step(R"({ "host": "uart.type", "data": "00", "dta": 1 })"),
                HasSubstr("/steps/1/dta: uart.type takes no 'dta' (did you mean 'data'?)"));
    EXPECT_THAT(problems_with_step(R"({ "host": "uart.type", "data": "0" })"),
                HasSubstr("/steps/1/data: the data pattern '0' is wrong"));
}

TEST(Checker, WhatIsNotDeclared) {
    EXPECT_THAT(problems_with_step(R"({ "load": "ring", "width": 4 })"),
                StartsWith("file.json:6: /steps/1/load: 'ring' is not declared: it must be a buffer"));
    EXPECT_THAT(
        problems_with_step(R"({ "interrupt": "com1" })"),
        StartsWith("file.json:6: /steps/1/interrupt: 'com1' is not declared: it must be an interrupt"));
    EXPECT_THAT(problems_with_step(R"({ "expect": "later" })"),
                StartsWith("file.json:6: /steps/1/expect: 'later' is not declared: it must be an operation"));
    EXPECT_THAT(problems_with_step(R"({ "write": "SCR", "value": "nobody" })"),
                StartsWith("file.json:6: /steps/1/value: in the expression 'nobody'"));
}

TEST(Checker, AnInterruptThatTheDeviceCannotHave) {
    EXPECT_THAT(problems_with_step(R"({ "attach": "irq16", "as": "x" })"),
                HasSubstr("'irq16' is not possible here: \"msi\""));
    EXPECT_THAT(problems_with_step(R"({ "line": "intx", "level": true })"),
                HasSubstr("isa-serial is not a PCI device and has no INTx"));
}

TEST(Checker, BadNamesDurationsAndTypes) {
    EXPECT_THAT(problems_with_step(R"({ "set": "2x", "value": 1 })"),
                HasSubstr("/steps/1/set: '2x' is no name: letters, digits and _"));
    EXPECT_THAT(problems_with_step(R"({ "wait": "10" })"),
                HasSubstr("/steps/1/wait: '10' is not a duration: write a number and a unit"));
    EXPECT_THAT(problems_with_step(R"({ "wait": 10 })"), HasSubstr("/steps/1/wait: must be a duration"));
    EXPECT_THAT(problems_with_step(R"({ "buffer": "b", "size": 0 })"),
                HasSubstr("/steps/1/size: 0 bytes is no size"));
    EXPECT_THAT(problems_with_step(R"({ "buffer": "b", "size": 8, "align": 3 })"),
                HasSubstr("/steps/1/align: 3 is not a power of two"));
    EXPECT_THAT(problems_with_step(R"({ "line": "irq4", "level": 1 })"),
                HasSubstr("/steps/1/level: must be true or false"));
}

TEST(Checker, NumbersMustBeWholeAndNotNegative) {
    EXPECT_THAT(problems_with_step(R"({ "write": "SCR", "value": 1.5 })"),
                HasSubstr("/steps/1/value: must be a number"));
    EXPECT_THAT(problems_with_step(R"({ "write": "SCR", "value": -1 })"), HasSubstr("too wide for SCR"));
}

TEST(Checker, LooksIntoRepeatedSteps) {
    EXPECT_EQ(problems_with_step("{ \"repeat\": 2, \"steps\": [\n{ \"read\": \"XSR\" } ] }"),
              "file.json:7: /steps/1/steps/0/read: isa-serial has no register 'XSR' (did you mean 'LSR'?)\n");
    EXPECT_THAT(problems_with_step(R"({ "repeat": 2, "steps": [] })"),
                HasSubstr("/steps/1/steps: must be a list of steps"));
}

TEST(Checker, ReportsEverythingAtOnce) {
    EXPECT_THAT(problems_with_step(R"({ "read": "XX" }, { "wait": "1" }, { "raed": 1 })"),
                AllOf(HasSubstr("/steps/1"), HasSubstr("/steps/2"), HasSubstr("/steps/3")));
}

// Families

TEST(Family, HasAMemberForEveryChoice) {
    std::vector<Problem> problems;
    const auto family = load(R"({ "about": "x", "device": { "type": "${device}" },
        "parameters": { "device": ["isa-serial", "pci-serial"], "n": [1, 2, 3] },
        "steps": [ { "host": "uart.type", "data": "0${n}" }, { "wait": "${n}us" }, { "set": "twice", "value": "2 * n" } ] })",
                             problems);
    ASSERT_THAT(problems, IsEmpty());
    ASSERT_THAT(family, SizeIs(6));
    EXPECT_EQ(family[0].id, "id[device=isa-serial,n=1]");
    EXPECT_EQ(family[5].id, "id[device=pci-serial,n=3]");
    EXPECT_EQ(family[5].device->name(), "pci-serial");
    EXPECT_EQ(family[5].steps[0]["data"], "03") << "in a text, as text";
    EXPECT_EQ(family[5].parameters.at("n"), 3U) << "and in expressions by name";
}

TEST(Family, AStringThatIsAParameterTakesItsType) {
    std::vector<Problem> problems;
    const auto family =
        load(R"({ "about": "x", "device": { "type": "isa-serial" }, "parameters": { "on": [true, false] },
        "steps": [ { "line": "irq4", "level": "${on}" } ] })",
             problems);
    ASSERT_THAT(problems, IsEmpty());
    ASSERT_THAT(family, SizeIs(2));
    EXPECT_EQ(family[0].steps[0]["level"], true);
}

TEST(Family, ParametersThatCannotBe) {
    const auto with = [](const std::string& parameters) {
        return problems_with(
            "{ \"about\": \"x\", \"device\": { \"type\": \"isa-serial\" },\n\"parameters\": " + parameters +
            ", \"steps\": [ { \"wait\": \"1ns\" } ] }");
    };
    EXPECT_THAT(with("{ \"n\": [] }"),
                StartsWith("file.json:2: /parameters/n: must be a list of one value or more"));
    EXPECT_THAT(with("{ \"n\": 1 }"), StartsWith("file.json:2: /parameters/n: must be a list"));
    EXPECT_THAT(with("{ \"n\": [[1]] }"),
                HasSubstr("/parameters/n: values are numbers, texts, true or false"));
    EXPECT_THAT(with("[]"), HasSubstr("/parameters: must be an object of lists"));
}

TEST(Family, AParameterThatIsNotThere) {
    EXPECT_THAT(problems_with_step(R"({ "wait": "${n}us" })"),
                HasSubstr("/steps/1/wait: '${n}us' is not a duration"));
}

TEST(Family, ReportsAProblemOnce) {
    const std::string all =
        problems_with(R"({ "about": "x", "device": { "type": "isa-serial" }, "parameters": { "n": [1, 2, 3] },
        "steps": [ { "read": "NONE" } ] })");
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1);
}

// Running

TEST(Interpreter, RunsAndGivesTheSameHashTwice) {
    const char* steps =
        R"("steps": [ { "do": "start" }, { "do": "uart.write", "data": "'hi'" }, { "do": "uart.drain" },
        { "host": "uart.expect", "data": "'hi'" }, { "do": "stop" } ])";
    const RunResult first = run(steps);
    const RunResult second = run(steps);
    EXPECT_TRUE(first.passed) << first.failure.to_string();
    EXPECT_NE(first.trace_hash, 0U);
    EXPECT_EQ(first.trace_hash, second.trace_hash);
}

TEST(Interpreter, AFailureNamesTheStepAndBothValues) {
    EXPECT_EQ(failure_of(R"({ "read": "SCR", "expect": 7 })"),
              "file.json:6: /steps/0: SCR is 0x0, expected 0x7");
    EXPECT_EQ(failure_of(R"({ "read": "LSR", "expect": { "DR": 1, "THRE": 1 } })"),
              "file.json:6: /steps/0: LSR is 0x60: DR is 0x0, expected 0x1");
    EXPECT_THAT(failure_of("{ \"wait\": \"1ns\" },\n{ \"repeat\": 2, \"as\": \"i\", \"steps\": [\n{ "
                           "\"read\": \"SCR\", \"expect\": \"i\" } ] }"),
                StartsWith("file.json:8: /steps/1/steps/0: SCR is 0x0, expected 0x1"));
}

TEST(Interpreter, AMaskChoosesTheBitsThatCount) {
    EXPECT_EQ(failure_of(R"({ "read": "LSR", "expect": "0x40", "mask": "0x40" })"), "(passed)");
    EXPECT_THAT(failure_of(R"({ "read": "LSR", "expect": 1, "mask": 1 })"),
                HasSubstr("LSR is 0x0, expected 0x1 in the bits 0x1"));
}

TEST(Interpreter, AnOperationMustGiveWhatIsExpected) {
    EXPECT_THAT(failure_of(R"({ "do": "uart.drain" })"),
                HasSubstr("uart.drain gave the error not-started, expected success"));
    EXPECT_THAT(failure_of(R"({ "do": "start", "expect": { "error": "absent" } })"),
                HasSubstr("start gave success, expected the error absent"));
    EXPECT_THAT(failure_of(R"({ "do": "start", "expect": { "chip": "8250" } })"),
                HasSubstr("start: chip is \"16550A\", expected \"8250\""));
}

TEST(Interpreter, TheOutputMustBeExactlyAsExpected) {
    EXPECT_THAT(failure_of(R"({ "write": "THR", "value": 65 }, { "host": "uart.expect", "data": "'B'" })"),
                HasSubstr("the output: 1 of 1 bytes differ, first at 0: 41, expected 42"));
    EXPECT_THAT(failure_of(R"({ "host": "uart.expect", "data": "'B'" })"),
                HasSubstr("the output: 0 bytes instead of 1"));
}

TEST(Interpreter, APollEndsAtItsDeadline) {
    EXPECT_THAT(failure_of(R"({ "poll": "LSR", "until": { "DR": 1 }, "within": "50us" })"),
                HasSubstr("after 50000 ns LSR is 0x60: DR is 0x0, expected 0x1"));
}

TEST(Interpreter, CountsInterruptsAndLooksAtLines) {
    EXPECT_EQ(
        failure_of(
            R"({ "attach": "irq4", "as": "com1" }, { "write": "IER", "value": 2 }, { "interrupt": "com1" },
                            { "line": "irq4", "level": true })"),
        "(passed)");
    EXPECT_THAT(failure_of(R"({ "attach": "irq4", "as": "com1" }, { "interrupt": "com1", "within": "1ms" })"),
                HasSubstr("0 interrupts came, expected 1"));
    EXPECT_THAT(failure_of(R"({ "line": "irq4", "level": true })"), HasSubstr("the line irq4 is low"));
}

TEST(Interpreter, AValueThatIsTooWideOnlyAtRunTimeIsCaught) {
    EXPECT_THAT(failure_of(R"({ "set": "x", "value": 300 }, { "write": "SCR", "value": "x" })"),
                HasSubstr("0x12c is too wide for SCR"));
}

TEST(Interpreter, BuffersHaveAnEnd) {
    EXPECT_EQ(failure_of(R"({ "buffer": "b", "size": 16 }, { "store": "b", "at": 12, "width": 4, "value": 7 },
                            { "load": "b", "at": 12, "width": 4, "expect": 7 })"),
              "(passed)");
    EXPECT_THAT(
        failure_of(R"({ "buffer": "b", "size": 16 }, { "store": "b", "at": 13, "width": 4, "value": 7 })"),
        HasSubstr("beyond the end of the buffer"));
    EXPECT_THAT(failure_of(R"({ "buffer": "b", "size": 2, "data": "00*3" })"),
                HasSubstr("the data has 3 bytes, the buffer only 2"));
}

TEST(Interpreter, AFindingMustBeAnnouncedAndComeTrue) {
    const char* broken = R"("steps": [ { "write": "LSR", "value": 0 } ])";
    EXPECT_THAT(run(broken).failure.message, HasSubstr("a rule was broken: serial: LSR: written"));
    EXPECT_TRUE(run(std::string("\"findings\": [ \"LSR\" ], ") + broken).passed);
    EXPECT_THAT(run(R"("findings": [ "LSR" ], "steps": [ { "wait": "1ns" } ])").failure.message,
                HasSubstr("nothing objected with 'LSR'"));
}

TEST(Interpreter, ThereMayBeNothingToHeal) {
    EXPECT_TRUE(run(R"("steps": [ { "heal": "all", "struck": 0 } ])").passed);
}

TEST(Interpreter, WhatTheOutsideWorldCannotDoIsSaid) {
    EXPECT_THAT(failure_of(R"({ "host": "net.link", "up": true })"),
                HasSubstr("a network link is not something this machine's device"));
}

}  // namespace
}  // namespace tb::scenario

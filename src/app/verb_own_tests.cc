#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/load_config.h"
#include "app/signal_stop.h"
#include "app/test_bench.h"
#include "app/verbs.h"
#include "base/error.h"

namespace millrace::app {
namespace {

struct TestArguments {
  std::vector<std::string> files;
  std::string filter;
};

void PrintFailure(const TestCase& test, const std::vector<std::string>& differences) {
  fmt::print("FAILED  {}:{}: {}\n", test.file.string(), test.line, test.name);
  for (const auto& line : differences) fmt::print("        {}\n", line);
}

ExitCode Test(const Session& session, const TestArguments& arguments) {
  const SignalStop stop;
  const auto pipeline = LoadConfig(session.config_paths);
  std::vector<TestCase> tests;
  if (arguments.files.empty()) tests = ReadTests(pipeline.tests.value);
  for (const auto& file : arguments.files) {
    for (auto& test : ReadTestFile(file)) tests.push_back(std::move(test));
  }
  std::erase_if(tests, [&](const auto& test) { return test.name.find(arguments.filter) == std::string::npos; });
  if (tests.empty()) throw Error(ErrorCode::kUsage, "there is no such test");
  auto listed = nlohmann::ordered_json::array();
  size_t failed = 0;
  for (const auto& test : tests) {
    if (stop.signalled()) return ExitCode::kFailed;
    const auto differences = RunTest(pipeline, test, stop.token());
    failed += differences.empty() ? 0 : 1;
    if (session.json) {
      listed.push_back({{"file", test.file.string()},
                        {"line", test.line},
                        {"test", test.name},
                        {"verdict", differences.empty() ? "passed" : "failed"},
                        {"differences", differences}});
    } else if (differences.empty()) {
      fmt::print("passed  {}\n", test.name);
    } else {
      PrintFailure(test, differences);
    }
  }
  if (session.json) fmt::print("{}\n", listed.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  fmt::print(stderr, "{} of {} tests passed\n", tests.size() - failed, tests.size());
  return failed == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace

void AddTest(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<TestArguments>();
  auto* verb = AddVerb(
      root, session, "test", "The pipeline's own tests: given rows, expected rows",
      [&session, arguments] { return Test(session, *arguments); },
      "  millrace test -c shop.yaml\n  millrace test --filter refunds\n  millrace test tests/orders.yaml --json");
  verb->add_option("FILE", arguments->files, "Files of tests; without, all below the folder that `tests:` names");
  verb->add_option("--filter", arguments->filter, "Only tests with this in their name");
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app

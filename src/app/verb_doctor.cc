#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/doctor_checks.h"
#include "app/load_config.h"
#include "app/signal_stop.h"
#include "app/verbs.h"
#include "base/duration.h"
#include "base/nearest.h"

namespace millrace::app {
namespace {

struct DoctorArguments {
  std::vector<std::string> only;
  std::string timeout;
};

void KeepOnly(std::vector<DoctorCheck>& checks, const std::vector<std::string>& only) {
  std::vector<std::string> names;
  for (const auto& check : checks) {
    if (names.empty() || names.back() != check.name) names.push_back(check.name);
  }
  for (const auto& name : only) {
    if (std::ranges::find(names, name) != names.end()) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("--only: there is no check '{}' of this pipeline{}", name, Suggest(name, names)));
  }
  if (only.empty()) return;
  std::erase_if(checks, [&](const auto& check) { return std::ranges::find(only, check.name) == only.end(); });
}

void PrintForPeople(const CheckUp& up) {
  size_t fails = 0;
  size_t warnings = 0;
  for (const auto& check : up.checks) {
    for (const auto& finding : check.findings) {
      fmt::print("{:<5} {:<10} {}\n", ToString(finding.verdict), check.name, finding.says);
      if (!finding.mend.empty()) fmt::print("{:<16} do: {}\n", "", finding.mend);
      fails += finding.verdict == Verdict::kFail ? 1 : 0;
      warnings += finding.verdict == Verdict::kWarn ? 1 : 0;
    }
  }
  std::fflush(stdout);
  const auto seems = fails == 0 ? std::string("good to go") : fmt::format("{} to mend", fails);
  fmt::print(stderr, "{}{}\n", seems, warnings == 0 ? "" : fmt::format(", {} to think about", warnings));
}

void PrintAsJson(const CheckUp& up) {
  auto findings = nlohmann::ordered_json::array();
  for (const auto& check : up.checks) {
    for (const auto& finding : check.findings) {
      findings.push_back(
          {{"check", check.name},
           {"verdict", ToString(finding.verdict)},
           {"says", finding.says},
           {"do", finding.mend.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(finding.mend)},
           {"seconds", check.time.count()}});
    }
  }
  fmt::print("{}\n", findings.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

ExitCode Doctor(const Session& session, const DoctorArguments& arguments) {
  const auto limit = ParseDuration(arguments.timeout);
  if (!limit || limit->count() <= 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("--timeout takes a duration such as 20s or 1m, not '{}'", arguments.timeout));
  }
  const SignalStop signal;
  const auto pipeline = LoadConfig(session.config_paths);
  auto checks = DoctorChecks(pipeline);
  KeepOnly(checks, arguments.only);
  const auto up = RunChecks(std::move(checks), *limit, signal.token());
  session.json ? PrintAsJson(up) : PrintForPeople(up);
  const auto code = up.verdict() == Verdict::kFail ? ExitCode::kFailed : ExitCode::kDone;
  if (!up.all_ended) {
    // A thread hangs in a library: nothing that it may still use is taken away under it.
    std::fflush(nullptr);
    _exit(static_cast<int>(code));
  }
  return code;
}

}  // namespace

void AddDoctor(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<DoctorArguments>();
  arguments->timeout = "20s";
  auto* verb = AddVerb(
      root, session, "doctor", "Before a deployment: try everything that the pipeline needs, and leave nothing behind",
      [&session, arguments] { return Doctor(session, *arguments); },
      "  millrace doctor\n"
      "  millrace doctor -c production.yaml --only store --only catalog\n"
      "  millrace doctor --json | jq '.[] | select(.verdict != \"ok\")'");
  verb->add_option("--only", arguments->only,
                   "Only these checks: versions, limits, disk, store, clock, catalog, stream, registry, documents, "
                   "spark, sources, server")
      ->allow_extra_args(false);
  verb->add_option("--timeout", arguments->timeout, "How long each check may take [20s]");
  AddConfigOption(*verb, session);
  AddJsonOption(*verb, session);
}

}  // namespace millrace::app

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/verbs.h"
#include "app/version.h"

namespace millrace::app {

void AddVersion(CLI::App& root, Session& session) {
  auto* verb = AddVerb(root, session, "version", "Say which version this is", [&session] {
    if (session.json) {
      fmt::print("{}\n", nlohmann::json{{"version", kVersion}}.dump());
    } else {
      fmt::print("millrace {}\n", kVersion);
    }
    return ExitCode::kDone;
  });
  AddJsonOption(*verb, session);
}

}  // namespace millrace::app

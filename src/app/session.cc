#include "app/session.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace millrace::app {

CLI::App* AddVerb(CLI::App& parent, Session& session, const std::string& name, const std::string& doc,
                  std::function<ExitCode()> action, const std::string& examples) {
  auto* verb = parent.add_subcommand(name, doc);
  verb->callback([&session, action = std::move(action)] { session.action = action; });
  if (!examples.empty()) verb->footer("Examples:\n" + examples);
  return verb;
}

CLI::App* AddVerbGroup(CLI::App& parent, const std::string& name, const std::string& doc) {
  auto* group = parent.add_subcommand(name, doc);
  group->require_subcommand(1);
  return group;
}

void AddConfigOption(CLI::App& verb, Session& session) {
  verb.add_option("-c,--config", session.config_paths, "Configuration file or folder; several merge [./millrace.yaml]")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

void AddJsonOption(CLI::App& verb, Session& session) {
  verb.add_flag("--json", session.json, "Print JSON instead of a table");
}

}  // namespace millrace::app

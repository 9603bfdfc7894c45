#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace CLI {
class App;
}

namespace millrace::app {

/// What the command line asked for. A verb's parser fills it; Main then runs the action.
struct Session {
  std::vector<std::string> config_paths;
  bool json = false;
  std::function<ExitCode()> action;
};

/// Makes a subcommand of `parent` that runs `action`. `examples` end its help, one a line.
CLI::App* AddVerb(CLI::App& parent, Session& session, const std::string& name, const std::string& doc,
                  std::function<ExitCode()> action, const std::string& examples = {});

/// A word that only groups others ("topics list").
CLI::App* AddVerbGroup(CLI::App& parent, const std::string& name, const std::string& doc);

void AddConfigOption(CLI::App& verb, Session& session);
void AddJsonOption(CLI::App& verb, Session& session);

}  // namespace millrace::app

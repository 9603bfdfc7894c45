#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/completions.h"
#include "app/verbs.h"

namespace millrace::app {

void AddCompletions(CLI::App& root, Session& session) {
  const auto shell = std::make_shared<std::string>();
  auto* verb = AddVerb(
      root, session, "completions", "Print a completion script for your shell",
      [&root, shell] {
        fmt::print("{}", CompletionScript(root, *shell));
        return ExitCode::kDone;
      },
      "  source <(millrace completions bash)\n  millrace completions fish > ~/.config/fish/completions/millrace.fish");
  verb->add_option("shell", *shell, "bash, zsh or fish")->required();
}

}  // namespace millrace::app

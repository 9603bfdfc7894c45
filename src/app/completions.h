#pragma once

#include <string>

namespace CLI {
class App;
}

namespace millrace::app {

/// A completion script made from the verbs and options themselves. Error kUsage for a shell that is not bash, zsh or
/// fish.
std::string CompletionScript(const CLI::App& root, const std::string& shell);

}  // namespace millrace::app

#pragma once

#include <set>
#include <string>

#include "config/block.h"
#include "config/node.h"

namespace CLI {
class App;
}

namespace millrace::app {

/// Gives a verb one command-line option for each option of a block ("record_size_max" -> "--record-size-max"), with the
/// declaration's own help, default and type. What is given is put into `node`, to be read by Block::Parse like YAML.
/// `node` must outlive the parse. Names in `skip` get none.
void AddBlockOptions(CLI::App& verb, const config::BlockInfo& block, config::Node& node,
                     const std::set<std::string>& skip = {});

/// Puts a value that the verb took by other means under `name`.
void SetOption(config::Node& node, const std::string& name, const std::string& value, const std::string& shown_as);

/// Reads the block; Error kUsage naming every option that is wrong.
template <typename S>
S ParseOptions(const config::Block<S>& block, const config::Node& node);

[[noreturn]] void ThrowUsage(const config::Problems& problems);

template <typename S>
S ParseOptions(const config::Block<S>& block, const config::Node& node) {
  config::Problems problems;
  const auto environment = config::Environment::OfProcess();
  config::ParseContext context{problems, environment};
  auto value = block.Parse(node, "", context);
  if (!problems.empty()) ThrowUsage(problems);
  return value;
}

}  // namespace millrace::app

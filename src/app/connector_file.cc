#include "app/connector_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <vector>

#include "app/config_blocks.h"
#include "config/yaml.h"
#include "connect/connector_text.h"
#include "io/file_descriptor.h"

namespace millrace::app {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) throw Error(ErrorCode::kConfig, path + " cannot be read");
  return text;
}

/// One a line, as .env files have them; in quotes, so that '#' and spaces stay.
void WriteSecrets(const std::string& path, const std::map<std::string, std::string>& secrets) {
  std::string text;
  for (const auto& [name, value] : secrets) {
    if (value.find_first_of("\r\n") != std::string::npos) {
      throw Error(ErrorCode::kConfig, fmt::format("{} has more than one line; keep it in a file of its own", name));
    }
    text += fmt::format("{}=\"{}\"\n", name, value);
  }
  const io::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw Error(ErrorCode::kConfig, path + " cannot be made; name a file that is not there yet");
  }
}

/// Variables that the text takes from elsewhere and that are not set here.
std::vector<std::string> UnsetVariables(const connect::Translation& made) {
  static const std::regex reference(R"((?:env:|[^$]\$\{)([A-Za-z_][A-Za-z0-9_]*))");
  const auto process = config::Environment::OfProcess();
  std::vector<std::string> unset;
  for (std::sregex_iterator it(made.yaml.begin(), made.yaml.end(), reference), end; it != end; ++it) {
    const auto name = (*it)[1].str();
    if (!made.secrets.contains(name) && !process.Get(name)) unset.push_back(name);
  }
  return unset;
}

/// What the text says, read beside a cluster of Kafka, whose topics are not known here.
void CheckBlocks(const connect::Translation& made, const std::string& path) {
  if (const auto unset = UnsetVariables(made); !unset.empty()) {
    fmt::print(stderr, "the YAML is not checked further: {} is not set\n", fmt::join(unset, ", "));
    return;
  }
  config::Problems problems;
  auto variables = config::Environment::OfProcess();
  for (const auto& [name, value] : made.secrets) variables.Set(name, value);
  const auto file = "the YAML of " + path;
  auto node = config::ParseYaml(made.yaml, file, problems);
  config::Interpolate(node, variables, problems);
  config::MergeInto(node, config::ParseYaml("stream: {kafka: {brokers: \"localhost:9092\"}}\n", file, problems));
  config::ParseContext context{problems, variables};
  PipelineBlock().Parse(node, "", context);
  problems.ThrowIfAny();
}

}  // namespace

ExitCode CheckConnector(const std::string& path, const std::string& secrets) {
  auto connector = connect::ParseConnector(ReadText(path), path);
  if (connector.name.empty()) connector.name = std::filesystem::path(path).stem().string();
  const auto made = connect::TranslateConnector(connector);
  CheckBlocks(made, path);
  if (!secrets.empty()) WriteSecrets(secrets, made.secrets);
  for (const auto& [name, value] : made.secrets) {
    fmt::print("# set {} to the value of its property\n", name);
  }
  fmt::print("{}", made.yaml);
  return ExitCode::kDone;
}

}  // namespace millrace::app

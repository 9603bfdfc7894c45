#include "config/environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <fstream>
#include <string_view>
#include <utility>

extern char** environ;

namespace millrace::config {
namespace {

bool IsName(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) != 0) return false;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return true;
}

std::string_view Trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view Unquote(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

/// What stands for the text between "${" and "}".
std::string Resolve(std::string_view inside, const Node& node, const Environment& environment, Problems& problems) {
  const auto dash = inside.find(":-");
  const auto name = std::string(inside.substr(0, dash));
  if (!IsName(name)) {
    problems.Add(node.mark, fmt::format("'${{{}}}' names no variable; write ${{NAME}} or ${{NAME:-default}}", inside));
    return {};
  }
  const auto value = environment.Get(name);
  if (dash != std::string_view::npos) {
    return value && !value->empty() ? *value : std::string(inside.substr(dash + 2));
  }
  if (!value) {
    problems.Add(node.mark,
                 fmt::format("the variable {} is not set; set it, put it into .env beside the configuration, or "
                             "give a default with ${{{}:-...}}",
                             name, name));
    return {};
  }
  return *value;
}

}  // namespace

Environment Environment::OfProcess() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return Environment(std::move(variables));
}

void Environment::ReadFile(const std::string& path, Problems& problems) {
  std::ifstream file(path);
  if (!file) return;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    auto text = Trim(line);
    if (text.empty() || text.front() == '#') continue;
    if (text.starts_with("export ")) text = Trim(text.substr(7));
    const auto equals = text.find('=');
    const auto name = Trim(text.substr(0, equals));
    if (equals == std::string_view::npos || !IsName(name)) {
      // The line is not shown: it may hold a secret.
      problems.Add({path, number}, "expected NAME=value");
      continue;
    }
    from_files_[std::string(name)] = std::string(Unquote(Trim(text.substr(equals + 1))));
  }
}

std::optional<std::string> Environment::Get(const std::string& name) const {
  for (const auto* variables : {&own_, &from_files_}) {
    const auto found = variables->find(name);
    if (found != variables->end()) return found->second;
  }
  return std::nullopt;
}

void Interpolate(Node& node, const Environment& environment, Problems& problems) {
  for (auto& item : node.items) Interpolate(item, environment, problems);
  if (node.kind != NodeKind::kScalar || node.text.find("${") == std::string::npos) return;
  std::string out;
  const std::string_view text(node.text);
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("$${")) {
      out += "${";
      at += 3;
    } else if (text.substr(at).starts_with("${")) {
      const auto close = text.find('}', at);
      if (close == std::string_view::npos) {
        problems.Add(node.mark, "'${' without '}'; write $${ for the characters themselves");
        return;
      }
      out += Resolve(text.substr(at + 2, close - at - 2), node, environment, problems);
      at = close + 1;
    } else {
      out += text[at++];
    }
  }
  node.text = std::move(out);
}

}  // namespace millrace::config

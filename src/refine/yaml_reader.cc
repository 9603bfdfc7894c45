#include "refine/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/nearest.h"

namespace millrace::refine {

int YamlReader::LineOf(const YAML::Node& node) const { return first_line_ + std::max(node.Mark().line, 0); }

void YamlReader::Fail(int line, const std::string& what) const {
  throw Error(ErrorCode::kConfig, fmt::format("{}:{}: {}", file_.string(), line, what));
}

std::string YamlReader::Text(const YAML::Node& node) const {
  if (!node.IsScalar()) Fail(node, "one value is expected here, not a list or mapping");
  return node.as<std::string>();
}

size_t YamlReader::OneOf(const YAML::Node& node, const std::vector<std::string>& known) const {
  const auto text = Text(node);
  const auto found = std::ranges::find(known, text);
  if (found == known.end())
    Fail(node, fmt::format("'{}' is none of {}{}", text, fmt::join(known, ", "), DidYouMean(text, known)));
  return static_cast<size_t>(found - known.begin());
}

int64_t YamlReader::Count(const YAML::Node& node) const {
  const auto text = Text(node);
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0)
    Fail(node, fmt::format("'{}' is no count of rows", text));
  return count;
}

std::map<std::string, YAML::Node> YamlReader::Members(const YAML::Node& node,
                                                      const std::vector<std::string>& known) const {
  if (!node.IsMap()) {
    Fail(node, known.empty() ? std::string("a mapping is expected here")
                             : fmt::format("a mapping is expected here, of {}", fmt::join(known, ", ")));
  }
  std::map<std::string, YAML::Node> members;
  for (const auto& entry : node) {
    if (!known.empty()) OneOf(entry.first, known);
    // Of two the one that is not taken would be passed over in silence.
    if (!members.emplace(Text(entry.first), entry.second).second)
      Fail(entry.first, fmt::format("'{}' is there twice", Text(entry.first)));
  }
  return members;
}

std::string DidYouMean(const std::string& text, const std::vector<std::string>& known) {
  const auto nearest = NearestWord(text, known);
  return nearest.empty() ? std::string() : fmt::format("; did you mean '{}'?", nearest);
}

}  // namespace millrace::refine

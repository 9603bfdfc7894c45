#include "app/test_cases.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "refine/yaml_reader.h"

namespace millrace::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uintmax_t kFileBytesMax = 16 << 20;

/// Reads one file; knows where things stand.
class TestFileReader : private refine::YamlReader {
 public:
  explicit TestFileReader(const std::filesystem::path& file) : YamlReader(file, 1) {}

  std::vector<TestCase> Read() {
    YAML::Node root;
    try {
      root = YAML::Load(Slurp(file(), nullptr));
    } catch (const YAML::Exception& error) {
      Fail(std::max(error.mark.line, 0) + 1, "this is no YAML: " + error.msg);
    }
    const auto members = Members(root, {"tests"});
    if (members.empty() || !members.at("tests").IsSequence()) Fail(root, "a file of tests is \"tests:\" with a list");
    std::vector<TestCase> tests;
    for (const auto& item : members.at("tests")) tests.push_back(ReadCase(item));
    return tests;
  }

 private:
  std::string Slurp(const std::filesystem::path& path, const YAML::Node* named_at) const {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    std::ifstream in(path, std::ios::binary);
    std::string why;
    if (failed || !in) why = fmt::format("cannot read {}", path.string());
    if (!failed && size > kFileBytesMax) why = fmt::format("{} is larger than 16 MiB", path.string());
    if (!why.empty() && named_at != nullptr) Fail(*named_at, why);
    if (!why.empty()) throw Error(ErrorCode::kConfig, why);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  TestCase ReadCase(const YAML::Node& node) const {
    TestCase test;
    test.file = file();
    test.line = LineOf(node);
    const auto members = Members(node, {"name", "now", "given", "models", "expect", "expect_broken", "expect_error"});
    const auto with = [&](const char* name, const std::function<void(const YAML::Node&)>& read) {
      const auto found = members.find(name);
      if (found != members.end()) read(found->second);
    };
    with("name", [&](const auto& value) { test.name = Text(value); });
    if (test.name.empty()) Fail(node, "a test has a `name`");
    with("now", [&](const auto& value) {
      test.now = ParseTimestamp(Text(value));
      if (!test.now) Fail(value, fmt::format("'{}' is no time; write it as 2026-01-02T00:00:00Z", Text(value)));
    });
    with("given", [&](const auto& value) {
      for (const auto& [name, rows] : Members(value, {}))
        test.given[name] = ReadRows(rows, {"rows", "file", "columns"});
    });
    with("models", [&](const auto& value) {
      if (value.IsScalar()) test.models.push_back(Text(value));
      for (const auto& model : value) test.models.push_back(Text(model));
    });
    with("expect", [&](const auto& value) {
      for (const auto& [name, rows] : Members(value, {}))
        test.expect[name] = ReadRows(rows, {"rows", "file", "ordered"});
    });
    with("expect_broken", [&](const auto& value) { test.broken = ReadBroken(value); });
    with("expect_error", [&](const auto& value) { test.error = Text(value); });
    if (test.expect.empty() && test.broken.empty() && test.error.empty())
      Fail(node, "a test expects something: `expect`, `expect_broken` or `expect_error`");
    return test;
  }

  std::map<std::string, std::map<std::string, int64_t>> ReadBroken(const YAML::Node& node) const {
    std::map<std::string, std::map<std::string, int64_t>> broken;
    for (const auto& [name, value] : Members(node, {})) {
      if (value.IsScalar()) {
        broken[""][name] = Count(value);
        continue;
      }
      for (const auto& [condition, count] : Members(value, {})) broken[name][condition] = Count(count);
    }
    return broken;
  }

  TestRows ReadRows(const YAML::Node& node, const std::vector<std::string>& known) const {
    TestRows rows;
    rows.line = LineOf(node);
    if (node.IsSequence()) {
      AddRows(node, rows);
      return rows;
    }
    const auto members = Members(node, known);
    for (const auto& [name, value] : members) {
      if (name == "rows") AddRows(value, rows);
      if (name == "file") AddFile(value, rows);
      if (name == "ordered") rows.ordered = OneOf(value, {"false", "true"}) == 1;
      if (name == "columns") {
        for (const auto& [column, type] : Members(value, {})) rows.columns[column] = Text(type);
      }
    }
    return rows;
  }

  void AddRows(const YAML::Node& list, TestRows& rows) const {
    if (!list.IsSequence()) Fail(list, "rows are a list: [{id: 1, name: a}]");
    for (const auto& row : list) {
      if (!row.IsMap()) Fail(row, "a row is a mapping: {id: 1, name: a}");
      rows.rows.push_back(ToJson(row));
    }
  }

  void AddFile(const YAML::Node& node, TestRows& rows) const {
    const auto path = file().parent_path() / Text(node);
    std::istringstream lines(Slurp(path, &node));
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      auto row = Json::parse(line, nullptr, false);
      if (!row.is_object())
        throw Error(ErrorCode::kConfig, fmt::format("{}:{}: a line is a JSON object", path.string(), number));
      rows.rows.push_back(std::move(row));
    }
  }

  /// As YAML's core schema reads plain words; what is quoted is text.
  Json ToJson(const YAML::Node& node) const {
    if (node.IsMap()) {
      Json object = Json::object();
      for (const auto& entry : node) object[Text(entry.first)] = ToJson(entry.second);
      return object;
    }
    if (node.IsSequence()) {
      Json array = Json::array();
      for (const auto& item : node) array.push_back(ToJson(item));
      return array;
    }
    if (node.IsNull()) return nullptr;
    const auto text = node.as<std::string>();
    if (node.Tag() == "!") return text;
    if (text == "true" || text == "false") return text == "true";
    const auto parsed = Json::parse(text, nullptr, false);
    return parsed.is_number() ? parsed : Json(text);
  }
};

}  // namespace

std::vector<TestCase> ReadTestFile(const std::filesystem::path& file) { return TestFileReader(file).Read(); }

std::vector<TestCase> ReadTests(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const auto extension = entry->path().extension();
    if (entry->is_regular_file() && (extension == ".yaml" || extension == ".yml")) files.push_back(entry->path());
  }
  if (failed) {
    throw Error(ErrorCode::kConfig, fmt::format("cannot read the tests in {}: {}; `tests:` names their folder",
                                                folder.string(), failed.message()));
  }
  std::ranges::sort(files);
  std::vector<TestCase> tests;
  for (const auto& file : files) {
    for (auto& test : ReadTestFile(file)) tests.push_back(std::move(test));
  }
  return tests;
}

}  // namespace millrace::app

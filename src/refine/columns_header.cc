#include "refine/columns_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "query/sql_text.h"
#include "refine/expect_header.h"

namespace millrace::refine {
namespace {

constexpr size_t kColumnsMax = 10'000;
constexpr size_t kDocBytesMax = 16 << 10;

/// Reads the columns of one header.
class ColumnsReader : private YamlReader {
 public:
  ColumnsReader(const YamlReader& yaml, Model& model) : YamlReader(yaml), model_(model) {}

  void Read(const YAML::Node& node) {
    if (!node.IsMap()) Fail(node, "columns is a mapping: \"id: {doc: what a row is known by, tests: [not_null]}\"");
    if (node.size() > kColumnsMax) Fail(node, fmt::format("a header describes at most {} columns", kColumnsMax));
    for (const auto& entry : node) {
      ColumnDoc column{.name = Text(entry.first), .doc = {}, .tests = {}};
      const bool twice =
          std::ranges::any_of(model_.columns, [&](const auto& other) { return other.name == column.name; });
      if (twice) Fail(entry.first, fmt::format("'{}' is there twice", column.name));
      ReadColumn(entry.second, column);
      model_.columns.push_back(std::move(column));
    }
  }

 private:
  void ReadColumn(const YAML::Node& node, ColumnDoc& column) {
    if (node.IsScalar()) {
      column.doc = Doc(node);
      return;
    }
    for (const auto& [name, value] : Members(node, {"doc", "tests"})) {
      if (name == "doc") {
        column.doc = Doc(value);
        continue;
      }
      if (!value.IsSequence()) Fail(value, "tests is a list: [not_null, unique, accepted_values: [a, b]]");
      for (const auto& test : value) ReadTest(test, column);
    }
  }

  std::string Doc(const YAML::Node& node) const {
    auto text = Text(node);
    if (text.size() > kDocBytesMax) Fail(node, "what a column means takes at most 16 KiB");
    return text;
  }

  /// A word, or a word with what belongs to it.
  void ReadTest(const YAML::Node& test, ColumnDoc& column) {
    const bool bare = test.IsScalar();
    if (!bare && (!test.IsMap() || test.size() != 1))
      Fail(test, "a test is one of not_null, unique, accepted_values: [a, b]");
    const YAML::Node word = bare ? test : test.begin()->first;
    const auto value = bare ? std::optional<YAML::Node>() : std::optional<YAML::Node>(test.begin()->second);
    switch (OneOf(word, {"not_null", "unique", "accepted_values"})) {
      case 0:
        AddOfRows(column, query::QuoteName(column.name) + " IS NOT NULL", value);
        break;
      case 1:
        AddUnique(column, value);
        break;
      default:
        ReadAccepted(word, value, column);
    }
  }

  void AddOfRows(ColumnDoc& column, std::string condition, const std::optional<YAML::Node>& then) {
    const auto action = then ? ReadAction(*then, *this) : Expectation::Action::kFail;
    column.tests.push_back(condition);
    model_.expectations.push_back({std::move(condition), action, then ? LineOf(*then) : 0});
  }

  void AddUnique(ColumnDoc& column, const std::optional<YAML::Node>& then) {
    TableExpectation unique;
    unique.columns = {column.name};
    unique.text = unique.measure = "unique " + column.name;
    unique.fail = !then || ReadThen(*then, *this);
    column.tests.push_back(unique.text);
    model_.table_expectations.push_back(std::move(unique));
  }

  void ReadAccepted(const YAML::Node& word, const std::optional<YAML::Node>& value, ColumnDoc& column) {
    std::optional<YAML::Node> values = value, then;
    if (value && value->IsMap()) {
      values.reset();
      for (const auto& [name, member] : Members(*value, {"values", "then"})) (name == "then" ? then : values) = member;
    }
    if (!values || !values->IsSequence() || values->size() == 0)
      Fail(word, "accepted_values lists what is accepted: [a, b], or {values: [a, b], then: drop}");
    std::string accepted;
    for (const auto& item : *values) accepted += (accepted.empty() ? "" : ", ") + query::QuoteText(Text(item));
    const auto name = query::QuoteName(column.name);
    AddOfRows(column, fmt::format("{0} IS NULL OR {0} IN ({1})", name, accepted), then);
  }

  Model& model_;
};

}  // namespace

void ReadColumns(const YAML::Node& node, const YamlReader& yaml, Model& model) {
  ColumnsReader(yaml, model).Read(node);
}

}  // namespace millrace::refine

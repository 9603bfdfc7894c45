#include "refine/expect_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/error.h"

namespace millrace::refine {
namespace {

using Action = Expectation::Action;
using Kind = TableExpectation::Kind;

constexpr size_t kExpectationsMax = 1000;
constexpr double kPercent = 100;

const std::vector<std::string> kActions = {"warn", "drop", "quarantine", "fail"};
const std::vector<std::string> kTableWords = {"unique", "freshness", "rows", "volume", "drift"};

/// Reads the list of one header.
class ExpectReader : private YamlReader {
 public:
  ExpectReader(const YamlReader& yaml, Model& model) : YamlReader(yaml), model_(model) {}

  void Read(const YAML::Node& list) {
    if (!list.IsSequence()) Fail(list, "expect is a list: \"- amount > 0: drop\"");
    for (const auto& item : list) {
      if (!item.IsMap() || item.size() == 0)
        Fail(item,
             "an expectation is \"condition: warn | drop | quarantine | fail\", or one of unique, freshness, rows, "
             "drift");
      IsOfTable(item) ? ReadOfTable(item) : ReadOfRows(item);
    }
    if (model_.expectations.size() + model_.table_expectations.size() > kExpectationsMax)
      Fail(list, fmt::format("a model has at most {} expectations", kExpectationsMax));
  }

 private:
  /// Words of a whole table; a condition on rows that is called like one has something else than an action behind it.
  static bool IsOfTable(const YAML::Node& item) {
    return std::any_of(item.begin(), item.end(), [](const auto& entry) {
      if (!entry.first.IsScalar()) return false;
      const auto word = entry.first.template as<std::string>();
      const bool action =
          entry.second.IsScalar() && std::ranges::count(kActions, entry.second.template as<std::string>()) > 0;
      return word == "then" || (std::ranges::count(kTableWords, word) > 0 && !action);
    });
  }

  void ReadOfRows(const YAML::Node& item) {
    if (item.size() != 1) Fail(item, "an expectation of rows is one \"condition: warn | drop | quarantine | fail\"");
    const auto entry = *item.begin();
    if (!entry.second.IsScalar()) {
      const auto word = Text(entry.first);
      Fail(entry.first,
           fmt::format("'{}' is none of {}{}", word, fmt::join(kTableWords, ", "), DidYouMean(word, kTableWords)));
    }
    model_.expectations.push_back({Text(entry.first), ReadAction(entry.second, *this), LineOf(entry.first)});
  }

  void ReadOfTable(const YAML::Node& item) {
    bool fail = false;
    std::optional<YAML::Node> word, value;
    for (const auto& entry : item) {
      if (Text(entry.first) == "then") {
        fail = ReadThen(entry.second, *this);
      } else if (word) {
        Fail(entry.first,
             fmt::format("'{}' and '{}' are two expectations: begin each with a dash", Text(*word), Text(entry.first)));
      } else {
        word = entry.first;
        value = entry.second;
      }
    }
    if (!word) Fail(item, "`then` belongs to one of unique, freshness, rows, drift");
    const auto first = model_.table_expectations.size();
    switch (OneOf(*word, kTableWords)) {
      case 0:
        ReadUnique(*value);
        break;
      case 1:
        ReadFreshness(*value);
        break;
      case 2:
      case 3:
        ReadRows(*value);
        break;
      default:
        ReadDrift(*value);
    }
    for (auto i = first; i < model_.table_expectations.size(); ++i) model_.table_expectations[i].fail = fail;
  }

  void ReadUnique(const YAML::Node& node) {
    TableExpectation unique;
    if (node.IsSequence()) {
      for (const auto& column : node) unique.columns.push_back(Text(column));
    } else {
      unique.columns.push_back(Text(node));
    }
    if (unique.columns.empty()) Fail(node, "unique names a column, or several: [id, day]");
    unique.text = fmt::format("unique {}", fmt::join(unique.columns, ", "));
    unique.measure = unique.text;
    model_.table_expectations.push_back(std::move(unique));
  }

  std::string Column(const YAML::Node& node, const std::map<std::string, YAML::Node>& members) const {
    const auto found = members.find("column");
    if (found == members.end()) Fail(node, "`column` says which column is meant");
    return Text(found->second);
  }

  void ReadFreshness(const YAML::Node& node) {
    const auto members = Members(node, {"column", "within"});
    TableExpectation fresh;
    fresh.kind = Kind::kFreshness;
    fresh.columns = {Column(node, members)};
    const auto within = members.find("within");
    if (within == members.end()) Fail(node, "`within` says how old the newest row may be: 2h");
    const auto duration = ParseDuration(Text(within->second));
    if (!duration || duration->count() == 0)
      Fail(within->second, fmt::format("'{}' is no duration; write it as 10m or 2h", Text(within->second)));
    fresh.within = *duration;
    fresh.text = fmt::format("freshness of {} within {}", fresh.columns[0], FormatDuration(fresh.within));
    fresh.measure = fmt::format("age({})", fresh.columns[0]);
    model_.table_expectations.push_back(std::move(fresh));
  }

  double Share(const YAML::Node& node) const {
    const auto text = Text(node);
    double percent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (error != std::errc() || std::string_view(end, text.data() + text.size()) != "%" || !std::isfinite(percent) ||
        percent < 0)
      Fail(node, fmt::format("'{}' is no percentage; write it as 20%", text));
    return percent / kPercent;
  }

  void ReadRows(const YAML::Node& node) {
    const auto members = Members(node, {"min", "max", "change"});
    TableExpectation rows;
    rows.kind = Kind::kRows;
    rows.measure = "rows";
    for (const auto& [name, value] : members) {
      if (name == "change") {
        rows.change = Share(value);
      } else {
        (name == "min" ? rows.min : rows.max) = Count(value);
      }
      rows.text += fmt::format("{}{} {}", rows.text.empty() ? "rows: " : ", ", name, Text(value));
    }
    if (members.empty()) Fail(node, "rows takes at least one of min, max, change");
    if (rows.min && rows.max && *rows.min > *rows.max) Fail(node, "min is more than max");
    model_.table_expectations.push_back(std::move(rows));
  }

  void ReadDrift(const YAML::Node& node) {
    const auto members = Members(node, {"column", "mean", "nulls", "distinct"});
    const auto column = Column(node, members);
    const std::pair<const char*, Kind> kinds[] = {
        {"mean", Kind::kDriftMean}, {"nulls", Kind::kDriftNulls}, {"distinct", Kind::kDriftDistinct}};
    if (members.size() == 1) Fail(node, "drift takes at least one of mean, nulls, distinct");
    for (const auto& [name, kind] : kinds) {
      const auto found = members.find(name);
      if (found == members.end()) continue;
      TableExpectation drift;
      drift.kind = kind;
      drift.columns = {column};
      drift.change = Share(found->second);
      drift.text = fmt::format("drift of {}: {} {}", column, name, Text(found->second));
      drift.measure = fmt::format("{}({})", name, column);
      model_.table_expectations.push_back(std::move(drift));
    }
  }

  Model& model_;
};

}  // namespace

Action ReadAction(const YAML::Node& node, const YamlReader& yaml) {
  constexpr Action kInOrder[] = {Action::kWarn, Action::kDrop, Action::kQuarantine, Action::kFail};
  return kInOrder[yaml.OneOf(node, kActions)];
}

bool ReadThen(const YAML::Node& node, const YamlReader& yaml) {
  const auto text = yaml.Text(node);
  if (text == "drop" || text == "quarantine") {
    yaml.Fail(node,
              "`then` is warn or fail: an expectation of the whole table does not say which rows are wrong (a `key` "
              "keeps one row a key)");
  }
  return yaml.OneOf(node, {"warn", "fail"}) == 1;
}

void ReadExpectations(const YAML::Node& list, const YamlReader& yaml, Model& model) {
  ExpectReader(yaml, model).Read(list);
}

std::string_view ToString(Expectation::Action action) {
  switch (action) {
    case Action::kWarn:
      return "warn";
    case Action::kDrop:
      return "drop";
    case Action::kQuarantine:
      return "quarantine";
    case Action::kFail:
      return "fail";
  }
  throw Error(ErrorCode::kInternal, "an action that there is not");
}

}  // namespace millrace::refine

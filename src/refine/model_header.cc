#include "refine/model_header.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "refine/columns_header.h"
#include "refine/expect_header.h"
#include "refine/yaml_reader.h"

namespace millrace::refine {
namespace {

std::string Trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

[[noreturn]] void Fail(const std::filesystem::path& file, int line, const std::string& what) {
  throw Error(ErrorCode::kConfig, fmt::format("{}:{}: {}", file.string(), line, what));
}

/// "-- key: value" without the comment sign and one blank.
std::string Uncommented(const std::string& line) {
  const auto at = line.find("--");
  const auto rest = line.substr(at + 2);
  return rest.starts_with(' ') ? rest.substr(1) : rest;
}

/// Reads values of one header; knows where they stand.
class HeaderReader : private YamlReader {
 public:
  HeaderReader(const HeaderText& header, Model& model)
      : YamlReader(model.file, header.first_line), header_(header), model_(model) {}

  void Read() {
    const auto root = Parse();
    if (!root.IsMap()) Fail(first_line(), "the header is a mapping: \"materialized: table\"");
    const auto& known = Keys();
    for (const auto& entry : root) {
      const auto key = entry.first.as<std::string>();
      const auto found = known.find(key);
      if (found == known.end()) {
        std::vector<std::string> names;
        for (const auto& [name, read] : known) names.push_back(name);
        Fail(entry.first, fmt::format("unknown key '{}'{}", key, Suggest(key, names)));
      }
      found->second(*this, entry.second);
    }
    FinishTimes();
    FinishStrategy();
    Check();
  }

 private:
  using Read1 = std::function<void(HeaderReader&, const YAML::Node&)>;

  static const std::map<std::string, Read1>& Keys() {
    static const std::map<std::string, Read1> kKeys = {
        {"materialized", [](HeaderReader& reader, const YAML::Node& node) { reader.ReadMaterialized(node); }},
        {"over", [](HeaderReader& reader, const YAML::Node& node) { reader.ReadOver(node); }},
        {"incremental_strategy", [](HeaderReader& reader, const YAML::Node& node) { reader.strategy_ = node; }},
        {"replace_by",
         [](HeaderReader& reader, const YAML::Node& node) {
           reader.model_.replace_by = reader.Texts(node);
           reader.of_replacing_ = node;
         }},
        {"touched_by",
         [](HeaderReader& reader, const YAML::Node& node) {
           for (const auto& [column, sql] : reader.Members(node, {}))
             reader.model_.touched_by[column] = reader.Text(sql);
           reader.of_replacing_ = node;
         }},
        {"watermark", [](HeaderReader& reader, const YAML::Node& node) { reader.ReadWatermark(node); }},
        {"key", [](HeaderReader& reader, const YAML::Node& node) { reader.model_.key = reader.Texts(node); }},
        {"newest_by",
         [](HeaderReader& reader, const YAML::Node& node) { reader.model_.newest_by = reader.Texts(node); }},
        {"event_time",
         [](HeaderReader& reader, const YAML::Node& node) { reader.model_.event_time = reader.Text(node); }},
        {"partition_by",
         [](HeaderReader& reader, const YAML::Node& node) { reader.model_.partition_by = reader.Texts(node); }},
        {"sort_by", [](HeaderReader& reader, const YAML::Node& node) { reader.model_.sort_by = reader.Texts(node); }},
        {"schedule", [](HeaderReader& reader, const YAML::Node& node) { reader.ReadSchedule(node); }},
        {"time_zone", [](HeaderReader& reader, const YAML::Node& node) { reader.zone_ = node; }},
        {"catch_up",
         [](HeaderReader& reader, const YAML::Node& node) {
           reader.model_.catch_up = reader.OneOf(node, {"once", "skip"}) == 0;
           reader.of_times_ = node;
         }},
        {"retries",
         [](HeaderReader& reader, const YAML::Node& node) {
           reader.model_.retries = reader.Number(node, kRetriesMax);
           reader.of_times_ = node;
         }},
        {"timeout", [](HeaderReader& reader, const YAML::Node& node) { reader.ReadTimeout(node); }},
        {"engine",
         [](HeaderReader& reader, const YAML::Node& node) {
           constexpr ModelEngine kEngines[] = {ModelEngine::kDuckDb, ModelEngine::kSpark};
           reader.model_.stated_engine = kEngines[reader.OneOf(node, {"duckdb", "spark"})];
         }},
        {"expect", [](HeaderReader& reader, const YAML::Node& node) { ReadExpectations(node, reader, reader.model_); }},
        {"columns", [](HeaderReader& reader, const YAML::Node& node) { ReadColumns(node, reader, reader.model_); }},
        {"description",
         [](HeaderReader& reader, const YAML::Node& node) { reader.model_.description = reader.Text(node); }},
        {"tags", [](HeaderReader& reader, const YAML::Node& node) { reader.model_.tags = reader.Texts(node); }},
    };
    return kKeys;
  }

  YAML::Node Parse() const {
    try {
      return YAML::Load(header_.yaml);
    } catch (const YAML::Exception& error) {
      Fail(first_line() + std::max(error.mark.line, 0), "the header is no YAML: " + error.msg);
    }
  }

  void ReadOver(const YAML::Node& node) {
    try {
      model_.over = catalog::ParseTableName(Text(node));
    } catch (const Error& error) {
      Fail(node, error.message());
    }
  }

  std::vector<std::string> Texts(const YAML::Node& node) const {
    if (node.IsScalar()) return {Text(node)};
    if (!node.IsSequence()) Fail(node, "a list is expected here: [a, b]");
    std::vector<std::string> texts;
    for (const auto& item : node) texts.push_back(Text(item));
    return texts;
  }

  void ReadMaterialized(const YAML::Node& node) {
    constexpr Materialized kWays[] = {Materialized::kTable, Materialized::kIncremental, Materialized::kView};
    model_.materialized = kWays[OneOf(node, {"table", "incremental", "view"})];
  }

  int Number(const YAML::Node& node, int most) const {
    const auto text = Text(node);
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > most) {
      Fail(node, fmt::format("'{}' is no number from 0 to {}", text, most));
    }
    return number;
  }

  void ReadTimeout(const YAML::Node& node) {
    model_.timeout = ParseDuration(Text(node));
    if (!model_.timeout || model_.timeout->count() == 0) {
      Fail(node, fmt::format("'{}' is no duration; write it as 10m or 2h", Text(node)));
    }
  }

  void ReadWatermark(const YAML::Node& node) {
    using Watermark = Model::Watermark;
    auto members = Members(node, {"column", "delay", "late", "emit"});
    Watermark watermark;
    watermark.line = LineOf(node);
    if (!members.contains("column") || !members.contains("delay"))
      Fail(node, "a watermark has a `column` and a `delay`: {column: ts, delay: 2h, late: quarantine}");
    watermark.column = Text(members["column"]);
    const auto delay = ParseDuration(Text(members["delay"]));
    if (!delay)
      Fail(members["delay"], fmt::format("'{}' is no duration; write it as 10m or 2h", Text(members["delay"])));
    watermark.delay = *delay;
    constexpr Watermark::Late kLate[] = {Watermark::Late::kDrop, Watermark::Late::kQuarantine,
                                         Watermark::Late::kAccept};
    if (members.contains("late")) watermark.late = kLate[OneOf(members["late"], {"drop", "quarantine", "accept"})];
    constexpr Watermark::Emit kEmit[] = {Watermark::Emit::kOnUpdate, Watermark::Emit::kOnClose};
    if (members.contains("emit")) watermark.emit = kEmit[OneOf(members["emit"], {"on_update", "on_close"})];
    model_.watermark = std::move(watermark);
    of_replacing_ = node;
  }

  void ReadSchedule(const YAML::Node& node) {
    const auto text = Text(node);
    if (text.starts_with('@') || text.find(' ') != std::string::npos) {
      model_.schedule = Schedule::kAtTimes;
      expression_ = node;
      return;
    }
    constexpr Schedule kSchedules[] = {Schedule::kOnCommit, Schedule::kManual};
    const auto found = std::ranges::find(kWords, text);
    if (found == std::end(kWords)) {
      Fail(node,
           fmt::format("'{}' is none of on_commit, manual, @hourly, @daily or a cron expression such as \"30 6 * * "
                       "1-5\"{}",
                       text, DidYouMean(text, {std::begin(kWords), std::end(kWords)})));
    }
    model_.schedule = kSchedules[found - std::begin(kWords)];
  }

  /// The time zone may stand before or behind the schedule.
  void FinishTimes() {
    if (!expression_) {
      for (const auto* node : {&zone_, &of_times_}) {
        if (*node) Fail(**node, "this belongs to a schedule of times, such as \"@daily\"");
      }
      return;
    }
    const auto zone = zone_ ? Text(*zone_) : std::string("UTC");
    try {
      model_.times.emplace(Text(*expression_), zone);
    } catch (const Error& error) {
      const bool of_zone = zone_ && error.message().find("time zone") != std::string::npos;
      Fail(of_zone ? *zone_ : *expression_, "schedule: " + error.message());
    }
  }

  /// The strategy may stand before or behind what it goes with.
  void FinishStrategy() {
    model_.strategy = model_.key.empty() ? Strategy::kAppend : Strategy::kMerge;
    model_.strategy_line = strategy_ ? LineOf(*strategy_) : first_line();
    if (strategy_) {
      constexpr Strategy kStrategies[] = {Strategy::kAppend, Strategy::kMerge, Strategy::kReplacePartitions};
      model_.strategy = kStrategies[OneOf(*strategy_, {"append", "merge", "replace_partitions"})];
      if (model_.materialized != Materialized::kIncremental)
        Fail(*strategy_, "`incremental_strategy` belongs to incremental models");
      if (model_.strategy == Strategy::kAppend && !model_.key.empty())
        Fail(*strategy_, "with a `key` rows are merged: merge, or take out the key");
      if (model_.strategy == Strategy::kMerge && model_.key.empty())
        Fail(*strategy_, "rows are merged by a `key`, and there is none");
    }
    if (model_.strategy != Strategy::kReplacePartitions) {
      if (of_replacing_) Fail(*of_replacing_, "this belongs to `incremental_strategy: replace_partitions`");
      return;
    }
    if (!model_.key.empty())
      Fail(*strategy_, "replace_partitions makes whole partitions anew, and `key` merges rows into them: take out one");
    if (model_.partition_by.empty() && model_.replace_by.empty())
      Fail(*strategy_, "replace_partitions needs `partition_by`, or `replace_by`: [day(ts)]");
  }

  /// What has to go together.
  void Check() const {
    const bool incremental = model_.materialized == Materialized::kIncremental;
    const auto refuse = [&](const std::string& what) { Fail(first_line(), what); };
    if (incremental && !model_.over) refuse("an incremental model needs `over:`, the table whose new rows it takes");
    if (!incremental && !model_.event_time.empty())
      refuse("`event_time` belongs to incremental models: others are made anew as a whole");
    if (!incremental && model_.over) refuse("`over` belongs to incremental models");
    if (!model_.newest_by.empty() && model_.key.empty())
      refuse("`newest_by` chooses among rows of one `key`, and there is none");
    const bool stored = !model_.key.empty() || !model_.partition_by.empty() || !model_.sort_by.empty() ||
                        !model_.expectations.empty() || !model_.table_expectations.empty();
    const bool timed = model_.times || model_.timeout;
    if (model_.materialized == Materialized::kView && (stored || timed))
      refuse("a view is not stored: key, partition_by, sort_by, expect, tests, times and timeout are not for it");
  }

  static constexpr int kRetriesMax = 100;
  static constexpr std::string_view kWords[] = {"on_commit", "manual"};

  const HeaderText& header_;
  Model& model_;
  std::optional<YAML::Node> expression_;
  std::optional<YAML::Node> zone_;
  std::optional<YAML::Node> of_times_;
  std::optional<YAML::Node> strategy_;
  std::optional<YAML::Node> of_replacing_;
};

}  // namespace

HeaderText CutHeader(const std::filesystem::path& file, const std::string& text) {
  HeaderText header;
  header.sql = text;
  std::istringstream lines(text);
  std::string line;
  std::string opening;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto bare = Trim(line);
    if (opening.empty()) {
      if (bare.empty()) continue;
      if (bare != "-- ---" && bare != "/* ---") return header;
      opening = bare;
      header.first_line = number + 1;
    } else if (opening == "-- ---" ? bare == "-- ---" : bare.starts_with("--- */")) {
      if (header.yaml.find_first_not_of(" \t\r\n") == std::string::npos) header.yaml = "{}";
      const size_t next = lines.eof() ? text.size() : static_cast<size_t>(lines.tellg());
      const size_t line_begin = next - line.size() - (lines.eof() ? 0 : 1);
      header.end = opening == "-- ---" ? next : text.find("*/", line_begin) + 2;
      return header;
    } else if (opening == "/* ---") {
      header.yaml += line + "\n";
    } else if (bare.starts_with("--")) {
      header.yaml += Uncommented(line) + "\n";
    } else {
      Fail(file, number, "the header is not closed: a line \"-- ---\" ends it");
    }
  }
  if (!opening.empty())
    Fail(file, header.first_line - 1,
         fmt::format("the header is not closed: a line \"{}\" ends it", opening == "-- ---" ? "-- ---" : "--- */"));
  return header;
}

void ReadHeader(const HeaderText& header, Model& model) {
  if (header.yaml.empty()) return;
  HeaderReader(header, model).Read();
}

}  // namespace millrace::refine

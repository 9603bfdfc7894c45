#include "app/top_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/table_why.h"
#include "base/bytes.h"
#include "query/display_width.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

enum class Form { kText, kCount, kRate, kSeconds };

// Parameters of the terminal control SGR (ECMA-48, 8.3.117).
constexpr std::string_view kPlain, kBold = "1", kDim = "2", kReverse = "7", kRed = "31", kYellow = "33", kGreen = "32";

struct Column {
  const char* member;
  std::string_view heading;
  Form form = Form::kText;
  int needed = 0;  // the lower, the sooner it is left out
};

/// What is longer is cut.
constexpr int kNameWidth = 40;
constexpr int kSentenceWidth = 24;  // at least, or it is left out
constexpr int kGap = 2;

struct Section {
  const char* member;
  std::vector<Column> columns;
};

const std::vector<Section>& Sections() {
  static const std::vector<Section> sections = {{"tables",
                                                 {{"table", "TABLE", Form::kText, 9},
                                                  {"state", "STATE", Form::kText, 9},
                                                  {"in_per_second", "IN/S", Form::kRate, 8},
                                                  {"out_per_second", "OUT/S", Form::kRate, 8},
                                                  {"lag_records", "LAG", Form::kCount, 8},
                                                  {"lag_seconds", "AGE", Form::kSeconds, 8},
                                                  {"freshness_seconds", "TARGET", Form::kSeconds, 4},
                                                  {"rows", "ROWS", Form::kCount, 5},
                                                  {"rejected", "REJECTS", Form::kCount, 7},
                                                  {"commit_seconds", "COMMIT", Form::kSeconds, 3},
                                                  {"data_files", "FILES", Form::kCount, 2},
                                                  {"small_files", "SMALL", Form::kCount, 2},
                                                  {"why", "WHY", Form::kText, 6}}},
                                                {"sources",
                                                 {{"source", "SOURCE", Form::kText, 9},
                                                  {"state", "STATE", Form::kText, 9},
                                                  {"per_second", "EVENTS/S", Form::kRate, 8},
                                                  {"events", "EVENTS", Form::kCount, 7},
                                                  {"topics", "TOPICS", Form::kText, 5},
                                                  {"why", "WHY", Form::kText, 6}}},
                                                {"models",
                                                 {{"model", "MODEL", Form::kText, 9},
                                                  {"outcome", "OUTCOME", Form::kText, 9},
                                                  {"last_run", "LAST RUN", Form::kText, 8},
                                                  {"seconds", "SECONDS", Form::kText, 6},
                                                  {"rows", "ROWS", Form::kCount, 7},
                                                  {"next_run", "NEXT RUN", Form::kText, 5},
                                                  {"why", "WHY", Form::kText, 6}}},
                                                {"connectors",
                                                 {{"connector", "CONNECTOR", Form::kText, 9},
                                                  {"state", "STATE", Form::kText, 9},
                                                  {"type", "TYPE", Form::kText, 5},
                                                  {"tasks", "TASKS", Form::kCount, 7},
                                                  {"failed_tasks", "FAILED", Form::kCount, 8},
                                                  {"per_second", "RECORDS/S", Form::kRate, 8},
                                                  {"lag_records", "LAG", Form::kCount, 7},
                                                  {"why", "WHY", Form::kText, 6}}}};
  return sections;
}

bool IsSentence(const Column& column) { return column.heading == "WHY"; }

std::string TextOf(const ordered_json& value, Form form) {
  if (value.is_null()) return "-";
  if (value.is_array()) return fmt::format("{}", fmt::join(value.get<std::vector<std::string>>(), ", "));
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number()) return value.dump();
  const auto number = value.get<double>();
  switch (form) {
    case Form::kSeconds:
      return Span(std::chrono::duration<double>(number));
    case Form::kRate:
      return number > 0 && number < 10 ? fmt::format("{:.1f}", number) : ShortCount(number);
    case Form::kCount:
    case Form::kText:
      return ShortCount(number);
  }
  return value.dump();
}

double NumberOr(const ordered_json& row, const char* member, double otherwise) {
  const auto found = row.find(member);
  return found != row.end() && found->is_number() ? found->get<double>() : otherwise;
}

/// "failed", "FAILED" and what keeps a table from landing are red; what a person should look at is yellow.
std::string_view ToneOfState(const std::string& state) {
  constexpr std::array<std::string_view, 6> kBad = {"failed", "FAILED", "stalled", "catalog", "store", "stream"};
  constexpr std::array<std::string_view, 8> kLook = {"memory", "outcome_unknown", "skipped", "replay",
                                                     "paused", "PAUSED",          "STOPPED", "stopped"};
  constexpr std::array<std::string_view, 4> kGood = {"up_to_date", "running", "RUNNING", "built"};
  if (std::ranges::find(kBad, state) != kBad.end()) return kRed;
  if (std::ranges::find(kLook, state) != kLook.end()) return kYellow;
  return std::ranges::find(kGood, state) != kGood.end() ? kGreen : kPlain;
}

std::string_view ToneOf(const Column& column, const ordered_json& row, const std::string& text) {
  const std::string_view member = column.member;
  if (member == "state" || member == "outcome") return ToneOfState(text);
  if (member == "lag_seconds") {
    const auto age = NumberOr(row, "lag_seconds", 0);
    const auto target = NumberOr(row, "freshness_seconds", age);
    return age > 3 * target + 1 ? kRed : age > target + 1 ? kYellow : kPlain;
  }
  if (member == "rejected" || member == "failed_tasks") return NumberOr(row, column.member, 0) > 0 ? kYellow : kPlain;
  return IsSentence(column) ? kDim : kPlain;
}

/// Lines that are put together of cells.
class Writer {
 public:
  explicit Writer(const TopPageOptions& options) : options_(options) {}

  void Put(const std::string& text, int width, bool right, std::string_view tone) {
    const auto room = std::max(options_.width == 0 ? width : std::min(width, options_.width - used_), 0);
    if (options_.width > 0 && room == 0) return;
    const auto fitted = query::FitInto(text, options_.width == 0 ? std::max(width, query::DisplayWidth(text)) : room);
    const std::string space(static_cast<size_t>(std::max(room - query::DisplayWidth(fitted), 0)), ' ');
    if (right) line_ += space;
    const bool coloured = options_.colours && !tone.empty() && !fitted.empty();
    line_ += coloured ? fmt::format("\x1b[{}m{}\x1b[0m", tone, fitted) : fitted;
    if (!right) line_ += space;
    used_ += std::max(room, query::DisplayWidth(fitted));
  }

  std::string Take() {
    used_ = 0;
    auto line = std::exchange(line_, {});
    return line.substr(0, line.find_last_not_of(' ') + 1);
  }

 private:
  const TopPageOptions& options_;
  std::string line_;
  int used_ = 0;
};

struct Cells {
  std::vector<Column> columns;
  std::vector<int> widths;
  std::vector<std::vector<std::string>> rows;
};

int WidthOf(const Cells& cells) {
  int width = -kGap;
  for (const auto each : cells.widths) width += each + kGap;
  return width;
}

void LeaveOut(Cells& cells, size_t column) {
  const auto at = static_cast<std::ptrdiff_t>(column);
  cells.columns.erase(cells.columns.begin() + at);
  cells.widths.erase(cells.widths.begin() + at);
  for (auto& row : cells.rows) row.erase(row.begin() + at);
}

/// The sentence takes what is left; then the least needed columns go, while it does not fit.
void Fit(Cells& cells, int width) {
  if (IsSentence(cells.columns.back())) {
    auto& sentence = cells.widths.back();
    const auto left = width - (WidthOf(cells) - sentence);
    sentence = std::min(sentence, std::max(left, kSentenceWidth));
  }
  while (cells.columns.size() > 1 && WidthOf(cells) > width) {
    const auto least = std::ranges::min_element(cells.columns, {}, &Column::needed);
    LeaveOut(cells, static_cast<size_t>(least - cells.columns.begin()));
  }
}

Cells CellsOf(const Section& section, const std::vector<ordered_json>& rows, int width) {
  Cells cells{.columns = section.columns, .widths = {}, .rows = {}};
  for (const auto& column : cells.columns) cells.widths.push_back(static_cast<int>(column.heading.size()));
  for (const auto& row : rows) {
    auto& line = cells.rows.emplace_back();
    for (size_t i = 0; i < cells.columns.size(); ++i) {
      const auto& column = cells.columns[i];
      line.push_back(TextOf(row.at(column.member), column.form));
      const auto wide = query::DisplayWidth(line.back());
      cells.widths[i] = std::max(cells.widths[i], IsSentence(column) || width == 0 ? wide : std::min(wide, kNameWidth));
    }
  }
  const auto says = [](const ordered_json& row) { return !row.at("why").is_null(); };
  if (std::ranges::none_of(rows, says)) LeaveOut(cells, cells.columns.size() - 1);
  if (width > 0) Fit(cells, width);
  return cells;
}

const char* MemberOf(TopSort sort) {
  switch (sort) {
    case TopSort::kName:
      return "table";
    case TopSort::kLag:
      return "lag_records";
    case TopSort::kAge:
      return "lag_seconds";
    case TopSort::kIn:
      return "in_per_second";
    case TopSort::kOut:
      return "out_per_second";
    case TopSort::kRejected:
      return "rejected";
  }
  return "table";
}

std::vector<ordered_json> Sorted(const ordered_json& tables, const TopPageOptions& options) {
  std::vector<ordered_json> rows(tables.begin(), tables.end());
  const auto* member = MemberOf(options.sort);
  std::ranges::stable_sort(rows, [&](const auto& a, const auto& b) {
    if (options.sort == TopSort::kName) return a.at(member) < b.at(member);
    return NumberOr(a, member, -1) > NumberOr(b, member, -1);
  });
  if (options.reversed) std::ranges::reverse(rows);
  return rows;
}

void AppendSection(const Section& section, const ordered_json& report, Writer& writer, const TopPageOptions& options,
                   std::vector<std::string>& body) {
  const auto& listed = report.at(section.member);
  if (listed.empty()) return;
  const bool sorts = std::string_view(section.member) == "tables";
  const auto rows = sorts ? Sorted(listed, options) : std::vector<ordered_json>(listed.begin(), listed.end());
  const auto cells = CellsOf(section, rows, options.width);
  const auto right = [&](size_t column) { return cells.columns[column].form != Form::kText; };
  const auto gap = [&](size_t column) {
    if (column > 0) writer.Put("", kGap, false, kPlain);
  };
  if (!body.empty()) body.emplace_back();
  for (size_t i = 0; i < cells.columns.size(); ++i) {
    gap(i);
    const auto& column = cells.columns[i];
    const bool chosen = sorts && std::string_view(column.member) == MemberOf(options.sort);
    writer.Put(std::string(column.heading), cells.widths[i], right(i), chosen ? kReverse : kBold);
  }
  body.push_back(writer.Take());
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < cells.columns.size(); ++i) {
      gap(i);
      writer.Put(cells.rows[r][i], cells.widths[i], right(i), ToneOf(cells.columns[i], rows[r], cells.rows[r][i]));
    }
    body.push_back(writer.Take());
  }
}

std::vector<std::string> HeadOf(const ordered_json& report, Writer& writer, const TopPageOptions& options) {
  const auto put = [&](const std::string& text, std::string_view tone = kPlain) {
    writer.Put(text, query::DisplayWidth(text), false, tone);
  };
  const auto& memory = report.at("memory");
  const auto used = NumberOr(memory, "used_bytes", 0);
  const auto limit = std::max(NumberOr(memory, "limit_bytes", 1), 1.0);
  const bool pressed = memory.value("pressure", false);
  put(fmt::format("{}", report.at("pipeline").get<std::string>()), kBold);
  put(fmt::format("  process {}  {}  {}", report.at("pid").dump(), TextOf(report.at("server"), Form::kText),
                  TextOf(report.at("at"), Form::kText)));
  if (options.paused) put("  paused", kYellow);
  std::vector<std::string> head = {writer.Take()};
  put(fmt::format("in {}/s  out {}/s  memory {} of {} ({:.0f} %)", TextOf(report.at("in_per_second"), Form::kRate),
                  TextOf(report.at("out_per_second"), Form::kRate), FormatByteSize(static_cast<uint64_t>(used)),
                  FormatByteSize(static_cast<uint64_t>(limit)), used / limit * 100),
      pressed ? kRed : kPlain);
  if (pressed) put(", full: sources wait", kRed);
  put(fmt::format("  open files {}", TextOf(report.at("open_data_files"), Form::kCount)));
  head.push_back(writer.Take());
  if (!options.trouble.empty()) {
    put("no newer answer: " + options.trouble, kRed);
    head.push_back(writer.Take());
  }
  head.emplace_back();
  return head;
}

}  // namespace

TopSort NextSort(TopSort sort) {
  return sort == TopSort::kRejected ? TopSort::kName : static_cast<TopSort>(static_cast<int>(sort) + 1);
}

std::string_view ToString(TopSort sort) {
  switch (sort) {
    case TopSort::kName:
      return "name";
    case TopSort::kLag:
      return "lag";
    case TopSort::kAge:
      return "age";
    case TopSort::kIn:
      return "in";
    case TopSort::kOut:
      return "out";
    case TopSort::kRejected:
      return "rejects";
  }
  return "name";
}

TopPage RenderTop(const ordered_json& report, const TopPageOptions& options) {
  Writer writer(options);
  TopPage page;
  page.lines = HeadOf(report, writer, options);
  std::vector<std::string> body;
  for (const auto& section : Sections()) AppendSection(section, report, writer, options, body);
  if (body.empty()) body.emplace_back("the pipeline has no tables");
  if (options.height == 0) {
    page.lines.insert(page.lines.end(), body.begin(), body.end());
    return page;
  }
  const auto height = static_cast<size_t>(options.height);
  const auto room = height > page.lines.size() + 1 ? height - page.lines.size() - 1 : 0;
  page.skipped_max = body.size() > room ? body.size() - room : 0;
  const auto from = std::min(options.skipped, page.skipped_max);
  const auto to = std::min(body.size(), from + room);
  page.lines.insert(page.lines.end(), body.begin() + static_cast<std::ptrdiff_t>(from),
                    body.begin() + static_cast<std::ptrdiff_t>(to));
  page.lines.resize(height - 1);  // a terminal of three lines has what is said at the top
  const auto more = to < body.size() ? fmt::format("{} more lines  ", body.size() - to) : std::string();
  const auto keys =
      fmt::format("{}q quit  s sort: {}{}  r reverse  space {}  arrows scroll", more, ToString(options.sort),
                  options.reversed ? " (reversed)" : "", options.paused ? "go on" : "pause");
  writer.Put(keys, query::DisplayWidth(keys), false, kDim);
  page.lines.push_back(writer.Take());
  return page;
}

}  // namespace millrace::app

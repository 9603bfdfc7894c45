#include "source/http_poll/new_rows.h"

#include <charconv>

#include "source/joined_records.h"
#include "source/json_values.h"

namespace millrace::source {
namespace {

namespace ondemand = simdjson::ondemand;

std::optional<long double> NumberOf(const std::string& text) {
  long double number = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

}  // namespace

bool IsNewer(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return !a.empty();
  const auto x = NumberOf(a), y = NumberOf(b);
  return x && y ? *x > *y : a > b;
}

struct NewRows::Field {
  JsonPath path;
  ondemand::parser parser{};

  /// `row` is padded.
  std::optional<std::string> Of(std::string_view row) {
    ondemand::document document;
    if (parser.iterate(Padded(row)).get(document) != simdjson::SUCCESS) return std::nullopt;
    auto value = ValueAt(document, path);
    if (!value) return std::nullopt;
    const bool compares = value->type == ondemand::json_type::string || value->type == ondemand::json_type::number;
    return compares ? std::optional(std::move(value->text)) : std::nullopt;
  }
};

NewRows::NewRows(const HttpPollOptions& options)
    : unique_(options.pagination.unique_rows),
      field_(options.incremental ? std::make_unique<Field>(Field{JsonPath::Parse(options.incremental->field)})
                                 : nullptr) {}

NewRows::~NewRows() = default;

bool NewRows::CameBefore(uint64_t hash, const std::optional<std::string>& value, const PollState& state) const {
  if (unique_ && state.recent.Has(hash)) return true;
  return value && *value == state.since && state.since_rows.Has(hash);
}

void NewRows::Note(uint64_t hash, const std::optional<std::string>& value, PollState& state) const {
  if (unique_) state.recent.Add(hash);
  if (!value) return;
  if (IsNewer(*value, state.newest)) {
    state.newest = *value;
    state.newest_rows.Clear();
  }
  if (*value == state.newest) state.newest_rows.Add(hash);
}

std::shared_ptr<event::EventBatch> NewRows::Take(const std::vector<std::string_view>& rows, PollState& state) {
  JoinedRecords records(rows);
  PollState seen = state;  // rows of one page are not repeats of one another
  for (const auto row : rows) {
    const auto record = records.Add(row, JoinedRecords::Form::kMinified);
    if (!unique_ && !field_) continue;
    const auto hash = RowHashes::Of(record);
    const auto value = field_ ? field_->Of(record) : std::nullopt;
    if (CameBefore(hash, value, state)) {
      records.TakeBack();
    } else {
      Note(hash, value, seen);
    }
  }
  state = std::move(seen);
  return records.Finish();
}

void NewRows::EndRound(PollState& state) const {
  state.recent.Clear();
  state.pages = 0;
  state.total = 0;
  state.round_rows = 0;
  if (!field_) return;
  state.since = state.newest;
  state.since_rows = state.newest_rows;
}

}  // namespace millrace::source

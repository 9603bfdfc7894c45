#include "source/http_poll/new_rows.h"

#include <simdjson.h>

#include <charconv>

#include "base/bytes.h"

namespace millrace::source {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(simdjson::SIMDJSON_PADDING <= PaddedBuffer::kPadding);

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
    ondemand::value value;
    std::string_view text;
    const simdjson::padded_string_view padded(row.data(), row.size(), row.size() + PaddedBuffer::kPadding);
    if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return std::nullopt;
    if (document.at_pointer(path.pointer()).get(value) != simdjson::SUCCESS) return std::nullopt;
    if (value.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS || type != ondemand::json_type::number) return std::nullopt;
    text = value.raw_json_token();
    return std::string(text.substr(0, text.find_first_of(" \t\r\n")));
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
  size_t bytes = 0;
  for (const auto row : rows) bytes += row.size() + 1;
  // minify() may write a vector's width behind what it leaves.
  const auto payload = PaddedBuffer::Allocate(bytes + PaddedBuffer::kPadding);
  auto batch = std::make_shared<event::EventBatch>();
  batch->records.reserve(rows.size());
  PollState seen = state;  // rows of one page are not repeats of one another
  char* at = payload->data();
  for (const auto row : rows) {
    size_t size = 0;
    if (simdjson::minify(row.data(), row.size(), at, size) != simdjson::SUCCESS) size = row.copy(at, row.size());
    const std::string_view record(at, size);
    const bool plain = !unique_ && !field_;
    const auto hash = plain ? 0 : RowHashes::Of(record);
    const auto value = field_ ? field_->Of(record) : std::nullopt;
    if (!plain && CameBefore(hash, value, state)) continue;
    if (!plain) Note(hash, value, seen);
    batch->records.push_back({static_cast<uint32_t>(at - payload->data()), static_cast<uint32_t>(size)});
    at[size] = '\n';
    at += size + 1;
  }
  state = std::move(seen);
  payload->Resize(static_cast<size_t>(at - payload->data()));
  batch->payload = payload;
  batch->newline_joined = true;
  return batch;
}

void NewRows::EndRound(PollState& state) const {
  state.recent.Clear();
  state.pages = 0;
  state.total = 0;
  if (!field_) return;
  state.since = state.newest;
  state.since_rows = state.newest_rows;
}

}  // namespace millrace::source

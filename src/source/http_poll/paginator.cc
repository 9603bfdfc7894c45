#include "source/http_poll/paginator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/log.h"
#include "io/http_url.h"
#include "source/convert/record_writer.h"

namespace millrace::source {
namespace {

/// Further back than this, what is remembered of rows does not reach.
constexpr int64_t kBackMax = static_cast<int64_t>(RowHashes::kMax) / 2;
/// As many rows as a page has may come before it while it is read: then it is there again, once.
constexpr int kSamePagesMax = 2;
constexpr size_t kExcerptBytes = 200;

std::optional<JsonPath> PathOf(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(JsonPath::Parse(text));
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether the parameters of one link (RFC 8288), `; rel="next"; title="x"`, make it the next page.
bool IsNext(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto end = std::min(parameters.find(';'), parameters.size());
    const auto parameter = Trimmed(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos || !io::SameHeaderName(Trimmed(parameter.substr(0, equals)), "rel")) continue;
    auto value = Trimmed(parameter.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    while (!value.empty()) {
      const auto space = std::min(value.find(' '), value.size());
      if (io::SameHeaderName(value.substr(0, space), "next")) return true;
      value.remove_prefix(std::min(space + 1, value.size()));
    }
  }
  return false;
}

std::optional<std::string> NextLink(const std::vector<io::HttpHeader>& headers) {
  for (const auto& header : headers) {
    if (!io::SameHeaderName(header.name, "Link")) continue;
    std::string_view rest = header.value;
    for (auto open = rest.find('<'); open != std::string_view::npos; open = rest.find('<')) {
      const auto close = rest.find('>', open);
      if (close == std::string_view::npos) break;
      const auto target = rest.substr(open + 1, close - open - 1);
      rest.remove_prefix(close + 1);
      const auto end = std::min(rest.find(",<"), std::min(rest.find(", <"), rest.size()));
      if (IsNext(rest.substr(0, end))) return std::string(target);
    }
  }
  return std::nullopt;
}

bool ByPlace(PaginationKind kind) { return kind == PaginationKind::kPage || kind == PaginationKind::kOffset; }

int64_t NumberOf(std::string_view text, int64_t fallback) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : fallback;
}

}  // namespace

Paginator::Paginator(const Pagination& options, const Redaction& redaction)
    : options_(options), redaction_(redaction), next_(PathOf(options.next)), total_(PathOf(options.total)) {}

void Paginator::Restart() {
  visited_.clear();
  last_page_ = 0;
  same_pages_ = 0;
  back_ = 0;
}

int64_t Paginator::PlaceOf(const PollState& state) const { return NumberOf(state.next, options_.first); }

int64_t Paginator::AskedFrom(const PollState& state) const {
  const int64_t place = PlaceOf(state);
  if (options_.kind != PaginationKind::kOffset || !options_.unique_rows || state.recent.empty()) return place;
  return std::max(options_.first, place - std::max<int64_t>(back_, 1));
}

std::string Paginator::UrlFor(const std::string& url, const PollState& state) const {
  if (options_.kind == PaginationKind::kLink && state.mid_round()) return state.next;
  auto full = url;
  if (!options_.size_param.empty()) {
    full = io::WithQueryValue(full, options_.size_param, std::to_string(options_.size));
  }
  if (ByPlace(options_.kind)) full = io::WithQueryValue(full, options_.param, std::to_string(AskedFrom(state)));
  if (options_.kind == PaginationKind::kCursor && state.mid_round()) {
    full = io::WithQueryValue(full, options_.param, state.next);
  }
  return full;
}

std::string Paginator::Shown(const PollState& state) const {
  if (ByPlace(options_.kind)) return fmt::format("{}={}", options_.param, AskedFrom(state));
  return state.pages == 0 ? "" : fmt::format("page {} of the round", state.pages + 1);
}

bool Paginator::Moved(const Seen& seen, PollState& state) {
  if (!options_.unique_rows || !state.mid_round()) return false;
  if (options_.kind == PaginationKind::kPage) {
    const auto total = total_ ? seen.page.Value(*total_) : std::nullopt;
    const int64_t rows = total ? NumberOf(*total, 0) : 0;
    const int64_t before = std::exchange(state.total, rows);
    if (!total || rows >= before || PlaceOf(state) == options_.first) return false;
    LogInfo("rows have gone from the API while its pages were read: page {} is read again", PlaceOf(state) - 1);
    state.next = std::to_string(PlaceOf(state) - 1);
    // How many rows that page had is not known. Too few of them cost a last request, too many would lose rows.
    state.round_rows = 0;
    last_page_ = 0;
    return true;
  }
  if (options_.kind != PaginationKind::kOffset || state.recent.empty()) return false;
  const bool known = !seen.rows.empty() && state.recent.Has(RowHashes::Of(MinifiedJson(seen.rows.front())));
  if (known || AskedFrom(state) == options_.first) return false;
  LogInfo("rows have gone from the API while it was read: it is read again from before {}", AskedFrom(state));
  back_ = std::max<int64_t>(back_, 1) * 2;
  if (back_ > kBackMax) {
    back_ = 0;
    state.recent.Clear();
    state.next = std::to_string(options_.first);
  }
  return true;
}

std::string Paginator::NextPlace(const Seen& seen, const PollState& state) const {
  const int64_t place = PlaceOf(state);
  const bool by_offset = options_.kind == PaginationKind::kOffset;
  const int64_t next = by_offset ? AskedFrom(state) + static_cast<int64_t>(seen.rows.size()) : place + 1;
  // From further back, where rows had gone, the place falls.
  const bool nothing_new = seen.rows.empty() || (by_offset && back_ <= 1 && next <= place);
  if (nothing_new) return {};
  const auto total = total_ ? seen.page.Value(*total_) : std::nullopt;
  const int64_t before_next =
      by_offset ? next - options_.first : state.round_rows + static_cast<int64_t>(seen.rows.size());
  if (total && before_next > 0 && before_next >= NumberOf(*total, INT64_MAX)) return {};
  return std::to_string(next);
}

std::optional<std::string> Paginator::NextMark(const Seen& seen) const {
  auto mark = next_ ? seen.page.Value(*next_) : NextLink(seen.headers);
  if (mark && options_.kind == PaginationKind::kLink) mark = NextUrl(seen, *mark);
  if (mark && redaction_.Holds(*mark)) {
    throw Error(ErrorCode::kData,
                "what the API names as the next page holds the secret of `auth`, which is not to be stored; send it in "
                "a header, or page by another kind");
  }
  return mark;
}

std::string Paginator::NextUrl(const Seen& seen, const std::string& reference) const {
  const auto url = io::ResolveUrl(seen.url, reference);
  if (!url) {
    throw Error(ErrorCode::kData, fmt::format("the link to the next page is no http URL: '{}'",
                                              redaction_.Excerpt(reference, 0, kExcerptBytes)));
  }
  if (seen.url.starts_with("https:") && !url->starts_with("https:")) {
    throw Error(ErrorCode::kData, "the link to the next page leads from https to http");
  }
  return redaction_.WithoutParameter(*url);  // it is added to each request
}

/// An API that does not know the parameter, or repeats a cursor, would be read for ever.
void Paginator::CheckProgress(const Seen& seen, const std::string& next) {
  if (ByPlace(options_.kind)) {
    std::string rows;
    for (const auto row : seen.rows) rows.append(row) += '\n';
    const auto hash = seen.rows.empty() ? 0 : RowHashes::Of(rows);
    same_pages_ = hash != 0 && hash == last_page_ ? same_pages_ + 1 : 0;
    last_page_ = hash;
    if (same_pages_ < kSamePagesMax) return;
    throw Error(ErrorCode::kData, fmt::format("the page is the same as the two before it, so it would never end; does "
                                              "the API know the parameter '{}'?",
                                              options_.param));
  } else if (!visited_.insert(next).second) {
    throw Error(ErrorCode::kData,
                "the API named a next page that was read already in this round, so it would never "
                "end; check pagination.next");
  }
}

void Paginator::Advance(const Seen& seen, PollState& state) {
  std::string next;
  if (ByPlace(options_.kind)) {
    next = NextPlace(seen, state);
  } else if (options_.kind != PaginationKind::kNone) {
    next = NextMark(seen).value_or("");
  }
  if (options_.kind == PaginationKind::kPage && total_) state.round_rows += static_cast<int64_t>(seen.rows.size());
  back_ = 0;
  if (state.mid_round() && !ByPlace(options_.kind)) visited_.insert(state.next);
  if (!next.empty()) CheckProgress(seen, next);
  if (++state.pages >= options_.pages_max && !next.empty()) {
    throw Error(ErrorCode::kData, fmt::format("{} pages were read in one round and there are more; raise "
                                              "pagination.pages_max if that is right",
                                              state.pages));
  }
  state.next = std::move(next);
}

}  // namespace millrace::source

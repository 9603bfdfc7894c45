#include "source/http_poll/http_poll_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "io/digest.h"
#include "io/http_url.h"
#include "io/retry_after.h"
#include "source/http_poll/http_poll_events.h"

namespace millrace::source {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{500};
constexpr milliseconds kDelayMax{60'000};
constexpr std::chrono::seconds kAskedDelayMax{3600};
/// An answer may have been cut by something between; what is broken three times is broken.
constexpr int kBrokenMax = 3;
constexpr size_t kExcerptBytes = 200;

/// http_poll:<16 hex digits of what chooses rows>:<URL without query>     frozen
event::SplitId SplitOf(const HttpPollOptions& options) {
  std::string chosen = options.method + "\n" + options.url + "\n" + options.body + "\n" + options.rows + "\n";
  const auto& pagination = options.pagination;
  chosen += std::to_string(static_cast<int>(pagination.kind)) + pagination.param + "\n";
  // Where a number stands for a page, it means other rows when pages have another size.
  if (pagination.kind == PaginationKind::kPage || pagination.kind == PaginationKind::kOffset) {
    chosen += fmt::format("from {}\n", pagination.first);
  }
  if (pagination.kind == PaginationKind::kPage && !pagination.size_param.empty()) {
    chosen += fmt::format("{}={}\n", pagination.size_param, pagination.size);
  }
  if (options.incremental) chosen += options.incremental->field + "\n" + options.incremental->param;
  return event::SplitId("http_poll:" + io::Hex(io::Sha256(chosen)).substr(0, 16) + ":" + io::ShownUrl(options.url));
}

bool MayPass(const io::HttpResponse& response) {
  const int status = response.status;
  if (status == 408 || status == 425 || status == 429 || status >= 500) return true;
  // What some APIs answer instead of 429.
  return status == 403 &&
         (response.header("Retry-After") || response.header("X-RateLimit-Remaining") == std::string_view("0"));
}

std::string_view MendOf(int status) {
  if (status == 401 || status == 403) return "check `auth`: the API does not let this request in";
  if (status == 404 || status == 410) return "check `url`: there is nothing at this address";
  return "check `url`, `method` and the parameters against the API's documentation";
}

}  // namespace

HttpPollSource::HttpPollSource(HttpPollOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      split_(SplitOf(options_)),
      rows_(JsonPath::Parse(options_.rows)),
      redaction_(options_.auth),
      fetcher_(options_),
      paginator_(options_.pagination, redaction_),
      new_rows_(options_),
      random_(Random::FromSystem()) {
  if (io::OriginOf(options_.url).empty()) {
    throw Error(ErrorCode::kConfig,
                fmt::format("'{}' is no http or https URL without a user name", io::ShownUrl(options_.url)));
  }
}

void HttpPollSource::Seek(const event::Positions& positions) {
  const auto known = positions.find(split_);
  landed_ = known == positions.end() ? event::kStart : known->second;
  if (known == positions.end() && !positions.empty()) {
    LogInfo("source {}: what it asks for has changed since the last run, so it begins anew", options_.name);
  }
  state_ = PollState::Parse(landed_);
  paginator_.Restart();
  rounds_ = 0;
  Succeeded();
  due_ = clock_.Steady();
}

bool HttpPollSource::AtEnd() const {
  if (options_.until_rows && state_.rows >= *options_.until_rows) return true;
  if (state_.mid_round()) return false;
  if (!options_.every) return rounds_ > 0;
  return options_.run_for && began_ && std::max(clock_.Steady(), due_) - *began_ >= *options_.run_for;
}

event::ReadResult HttpPollSource::Read(const event::ReadLimits& limits, std::stop_token stop) {
  if (!began_) began_ = clock_.Steady();
  if (AtEnd()) return {event::ReadState::kExhausted, nullptr};
  if (const auto early = due_ - clock_.Steady(); early.count() > 0) {
    clock_.SleepFor(std::min<std::chrono::nanoseconds>(early, limits.wait), stop);
    if (clock_.Steady() < due_) return {event::ReadState::kWaiting, nullptr};
  }
  if (stop.stop_requested()) return {event::ReadState::kWaiting, nullptr};
  auto batch = ReadPage(stop);
  return {batch ? event::ReadState::kBatch : event::ReadState::kWaiting, std::move(batch)};
}

std::string HttpPollSource::Url() const {
  auto url = paginator_.UrlFor(options_.url, state_);
  const bool by_link = options_.pagination.kind == PaginationKind::kLink && state_.mid_round();
  if (!options_.incremental || by_link) return url;
  const auto& since = state_.since.empty() ? options_.incremental->initial : state_.since;
  return since.empty() ? url : io::WithQueryValue(url, options_.incremental->param, since);
}

/// "GET https://host/path (page=3, since=2026-01-01)".
std::string HttpPollSource::Place(const std::string& url) const {
  auto details = paginator_.Shown(state_);
  if (options_.incremental && !state_.since.empty()) {
    details += fmt::format("{}{}={}", details.empty() ? "" : ", ", options_.incremental->param, state_.since);
  }
  return fetcher_.Shown(url) + (details.empty() ? "" : " (" + details + ")");
}

event::EventBatchPtr HttpPollSource::ReadPage(const std::stop_token& stop) {
  if (!state_.mid_round()) round_began_ = clock_.Steady();
  const auto url = Url();
  auto answer = Ask(url, stop);
  if (!answer) return nullptr;
  const int status = answer->response.status;
  if (status == 304 || (state_.mid_round() && status == options_.pagination.end_status)) {
    state_.next.clear();
    EndRound();
    return HandOn(std::make_shared<event::EventBatch>());
  }
  if (status == 204) answer->response.body = "null";
  return WithContext(Place(answer->url), [&]() -> event::EventBatchPtr {
    if (status < 200 || status > 299) {
      const auto said = redaction_.Excerpt(answer->response.body, 0, kExcerptBytes);
      throw Error(ErrorCode::kConfig,
                  fmt::format("the API answered {}; {}. It says: '{}'", status, MendOf(status), said));
    }
    auto page = Parse(*answer);
    return page ? TakeRows(*answer, *page) : nullptr;
  });
}

/// nullopt: it did not answer, or says that it will later; or a stop was requested.
std::optional<PageFetcher::Answer> HttpPollSource::Ask(const std::string& url, const std::stop_token& stop) {
  const auto begin = clock_.Steady();
  const auto told = [&](int status) {
    PollAnswered{.source = options_.name,
                 .status = status,
                 .seconds = std::chrono::duration<double>(clock_.Steady() - begin).count()}
        .Emit();
  };
  std::vector<io::HttpHeader> conditions;
  if (!state_.etag.empty() && state_.etag_url == io::Hex(io::Sha256(url))) {
    conditions.push_back({"If-None-Match", state_.etag});
  }
  try {
    auto answer = fetcher_.Fetch(url, conditions, stop);
    told(answer.response.status);
    if (!MayPass(answer.response)) return answer;
    WaitOut(fmt::format("{} answered {}", Place(answer.url), answer.response.status),
            io::RetryAfter(answer.response.headers, clock_.Now()));
    return std::nullopt;
  } catch (const io::HttpFailure& failure) {
    switch (failure.cause()) {
      case io::HttpFailureCause::kStopped:
        return std::nullopt;
      case io::HttpFailureCause::kTooLarge:
        throw Error(ErrorCode::kData,
                    fmt::format("{}; raise response_size_max, or ask the API for smaller pages", failure.message()));
      case io::HttpFailureCause::kAddressRefused:
        throw Error(ErrorCode::kConfig,
                    fmt::format("{}: only public addresses are polled; if this one is meant, set allow_private or list "
                                "it in allow_addresses",
                                failure.message()));
      case io::HttpFailureCause::kNetwork:
        told(0);
        WaitOut(failure.message(), std::nullopt);
        return std::nullopt;
    }
    return std::nullopt;
  }
}

/// nullopt: it is broken, and asked for again.
std::optional<JsonPage> HttpPollSource::Parse(PageFetcher::Answer& answer) {
  try {
    return JsonPage(std::move(answer.response.body), redaction_);
  } catch (const Error& error) {
    if (++broken_ >= kBrokenMax) {
      throw Error(
          ErrorCode::kData,
          fmt::format("{} (asked {} times). Nothing of this page was taken, and the next run asks for it again: "
                      "look at what the API answers there, or report it to whoever runs it",
                      error.message(), broken_));
    }
    Delay(fmt::format("{}: {}", Place(answer.url), error.message()), DelayFor(std::nullopt));
    return std::nullopt;
  }
}

event::EventBatchPtr HttpPollSource::TakeRows(PageFetcher::Answer& answer, JsonPage& page) {
  Succeeded();
  const auto rows = page.Rows(rows_);
  const Paginator::Seen seen{page, rows, answer.response.headers, answer.url};
  if (paginator_.Moved(seen, state_)) return nullptr;
  PollState next = state_;
  auto batch = new_rows_.Take(rows, next);
  paginator_.Advance(seen, next);
  PollRepeated{.source = options_.name, .rows = static_cast<int64_t>(rows.size() - batch->size())}.Emit();
  batch->base_offset = state_.rows;
  next.rows = state_.rows + static_cast<int64_t>(batch->size());
  state_ = std::move(next);
  NoteEtag(answer);
  if (!state_.mid_round()) EndRound();
  return HandOn(std::move(batch));
}

/// Without records only the place moves, so that the next run does not ask again for what this one has seen. Null when
/// it stands where it stood.
event::EventBatchPtr HttpPollSource::HandOn(std::shared_ptr<event::EventBatch> batch) {
  auto end = state_.Print();
  if (end == landed_) return nullptr;
  batch->split = split_;
  batch->begin = landed_;
  batch->end = landed_ = std::move(end);
  batch->topic = options_.name;
  batch->ingested_at = clock_.Now();
  return batch;
}

/// Of a listing with pages, the first one's tag says nothing of the others.
void HttpPollSource::NoteEtag(const PageFetcher::Answer& answer) {
  if (options_.pagination.kind != PaginationKind::kNone) return;
  state_.etag = std::string(answer.response.header("ETag").value_or(""));
  state_.etag_url = state_.etag.empty() ? "" : io::Hex(io::Sha256(Url()));
}

void HttpPollSource::Succeeded() {
  failures_ = 0;
  broken_ = 0;
  failing_since_.reset();
  Say({});
}

void HttpPollSource::EndRound() {
  new_rows_.EndRound(state_);
  paginator_.Restart();
  ++rounds_;
  Succeeded();
  if (!options_.every) return;
  // Rounds that were missed are not made up for.
  due_ = round_began_ + *options_.every;
  const auto late = clock_.Steady() - due_;
  if (late.count() > 0) due_ += late / *options_.every * *options_.every;
}

milliseconds HttpPollSource::DelayFor(std::optional<std::chrono::seconds> asked) {
  const auto delay = std::min(kDelayMax, kFirstDelay * (1 << std::min(failures_, 10)));
  // Clients that failed together do not come back together.
  const milliseconds own(static_cast<int64_t>(static_cast<double>(delay.count()) * (0.5 + random_.Unit() / 2)));
  // Zero seconds, or a time that is over, would be asking without a pause.
  return asked ? std::max(own, std::min<milliseconds>(*asked, kAskedDelayMax)) : own;
}

void HttpPollSource::WaitOut(const std::string& why, std::optional<std::chrono::seconds> asked) {
  const auto now = clock_.Steady();
  if (!failing_since_) failing_since_ = now;
  const auto delay = DelayFor(asked);
  if (options_.retry_time && now + delay - *failing_since_ > *options_.retry_time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now - *failing_since_).count();
    throw Error(ErrorCode::kUnavailable,
                fmt::format("{}; given up after {} attempts in {} s (retry_time)", why, failures_ + 1, seconds));
  }
  Delay(why, delay);
}

void HttpPollSource::Delay(const std::string& why, milliseconds delay) {
  ++failures_;
  due_ = clock_.Steady() + delay;
  PollDelayed{.source = options_.name, .why = why, .seconds = std::chrono::duration<double>(delay).count()}.Emit();
  Say(why);
}

void HttpPollSource::Say(std::string waits_for) {
  const std::lock_guard lock(mutex_);
  waits_for_ = std::move(waits_for);
}

std::string HttpPollSource::WaitsFor() {
  const std::lock_guard lock(mutex_);
  return waits_for_;
}

event::Lag HttpPollSource::lag() { return {.records = AtEnd() ? 0 : -1, .bytes = -1, .oldest = {}}; }

}  // namespace millrace::source

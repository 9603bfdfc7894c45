#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "event/source.h"
#include "source/http_poll/http_poll_options.h"
#include "source/http_poll/new_rows.h"
#include "source/http_poll/page_fetcher.h"
#include "source/http_poll/paginator.h"
#include "source/http_poll/poll_state.h"
#include "source/http_poll/redaction.h"

namespace millrace::source {

/// Rows that an HTTP API answers with, asked for round after round; a round is all pages of a listing. A page is a
/// batch. One split, named after everything that chooses rows; its cursor (PollState) is all that the next request is
/// made from, so what is stored with a page's rows says exactly what to ask next.
///
/// An API does not answer twice alike: a page that was read and not landed is asked for again, and what comes then
/// counts. So nothing is lost or doubled when the rows and the cursor are stored in one step, as a topic does.
///
/// What may pass (no connection, 408, 425, 429, 5xx, a cut or slow answer) is waited for, as long as Retry-After says
/// or twice as long each time. Everything else is an Error that names the URL and the page, with nothing moved.
/// Memory: one answer. Single-threaded but for WaitsFor.
class HttpPollSource final : public event::Source {
 public:
  /// Error kConfig for paths and URLs that cannot be read.
  explicit HttpPollSource(HttpPollOptions options, const Clock& clock = Clock::System());

  std::string_view name() const override { return options_.name; }
  void Seek(const event::Positions& positions) override;
  event::ReadResult Read(const event::ReadLimits& limits, std::stop_token stop) override;
  void Acknowledge(const event::Positions&) override {}
  event::Lag lag() override;
  std::string WaitsFor() override;
  const event::SplitId& split() const { return split_; }

 private:
  bool AtEnd() const;
  event::EventBatchPtr ReadPage(const std::stop_token& stop);
  std::optional<PageFetcher::Answer> Ask(const std::string& url, const std::stop_token& stop);
  std::optional<JsonPage> Parse(PageFetcher::Answer& answer);
  event::EventBatchPtr TakeRows(PageFetcher::Answer& answer, JsonPage& page);
  event::EventBatchPtr HandOn(std::shared_ptr<event::EventBatch> batch);
  std::string Url() const;
  std::string Place(const std::string& url) const;
  void Succeeded();
  void NoteEtag(const PageFetcher::Answer& answer);
  void EndRound();
  std::chrono::milliseconds DelayFor(std::optional<std::chrono::seconds> asked);
  /// A failure that may pass. Error kUnavailable once it has lasted longer than retry_time.
  void WaitOut(const std::string& why, std::optional<std::chrono::seconds> asked);
  void Delay(const std::string& why, std::chrono::milliseconds delay);
  void Say(std::string waits_for);

  const HttpPollOptions options_;
  const Clock& clock_;
  const event::SplitId split_;
  const JsonPath rows_;
  const Redaction redaction_;
  PageFetcher fetcher_;
  Paginator paginator_;
  NewRows new_rows_;
  Random random_;

  PollState state_;
  event::Cursor landed_;  // up to where batches went out
  int64_t rounds_ = 0;    // that ended since the last Seek
  int failures_ = 0;      // in a row, of all kinds
  int broken_ = 0;        // answers in a row that were no JSON
  std::optional<SteadyTime> failing_since_;
  std::optional<SteadyTime> began_;
  SteadyTime round_began_{};
  SteadyTime due_{};

  std::mutex mutex_;
  std::string waits_for_;
};

}  // namespace millrace::source

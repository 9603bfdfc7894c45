#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_header.h"
#include "source/http_poll/http_poll_options.h"
#include "source/http_poll/json_page.h"
#include "source/http_poll/poll_state.h"
#include "source/http_poll/redaction.h"

namespace millrace::source {

/// Which page is asked for, and which one after it.
///
/// Pages by number or offset move when rows come or go before them while they are read. Where rows are unique, that is
/// noticed: an offset is asked for with one row before it that was seen already. Is it not the first to come, rows
/// before it have gone and others slipped to where nobody would look for them, so it is asked for again from further
/// back; rows that came already are dropped. Pages by number go back by one when the API's total has shrunk.
class Paginator {
 public:
  Paginator(const Pagination& options, const Redaction& redaction);

  /// The URL of the page that `state` stands before.
  std::string UrlFor(const std::string& url, const PollState& state) const;
  /// "page=3", for a person; empty for the first of a listing without pages.
  std::string Shown(const PollState& state) const;

  struct Seen {
    JsonPage& page;
    const std::vector<std::string_view>& rows;
    const std::vector<io::HttpHeader>& headers;
    const std::string& url;  // that answered
  };
  /// True: the page moved and is to be asked for again, from where this now stands; its rows are left alone.
  bool Moved(const Seen& seen, PollState& state);
  /// Puts the page after this one into `state.next`, or nothing at the end. Error kData when it would never end.
  void Advance(const Seen& seen, PollState& state);
  /// The round is over, or another place was sought: forgets what was seen.
  void Restart();

 private:
  int64_t PlaceOf(const PollState& state) const;
  /// The place that is asked for, which may lie before the one that the state stands at.
  int64_t AskedFrom(const PollState& state) const;
  std::string NextPlace(const Seen& seen, const PollState& state) const;
  std::optional<std::string> NextMark(const Seen& seen) const;
  std::string NextUrl(const Seen& seen, const std::string& reference) const;
  void CheckProgress(const Seen& seen, const std::string& next);

  const Pagination options_;
  const Redaction& redaction_;
  const std::optional<JsonPath> next_;
  const std::optional<JsonPath> total_;
  int64_t back_ = 0;               // how far before the place to ask
  std::set<std::string> visited_;  // cursors and URLs of this round
  uint64_t last_page_ = 0;         // a hash of its rows
  int same_pages_ = 0;             // in a row
};

}  // namespace millrace::source

#pragma once

#include <cstdint>
#include <string>

#include "event/position.h"
#include "source/http_poll/row_hashes.h"

namespace millrace::source {

/// Where polling stands: everything that the next request is made from. It is the source's cursor, and so stored with
/// the rows it covers.
struct PollState {
  int64_t rows = 0;   // that came so far, in all rounds
  std::string next;   // the page of the round that comes next: a number, an API's cursor, a URL; empty: a round begins
  int64_t pages = 0;  // of the round that were read
  int64_t total = 0;  // rows that the API said it has, on the last page
  int64_t round_rows = 0;  // that the pages of the round had, where `total` says how many there are; rather too few
  std::string since;       // the newest value of whole rounds
  std::string newest;      // that value with the round under way
  RowHashes since_rows;    // rows that have the value `since`: an API may give them again
  RowHashes newest_rows;   // rows that have the value `newest`
  RowHashes recent;        // rows of the last pages, where pages may move
  std::string etag;        // of the last answer
  std::string etag_url;    // and what was asked, as a hash

  bool mid_round() const { return !next.empty(); }

  /// {"v":1,"rows":120,"next":"3",..}, members without a value left out. Frozen, version 1. kStart when nothing came
  /// yet.
  event::Cursor Print() const;
  /// Error kStop when it was not written by Print.
  static PollState Parse(const event::Cursor& cursor);
};

}  // namespace millrace::source

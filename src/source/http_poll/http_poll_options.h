#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/http_header.h"
#include "io/ip_range.h"

namespace millrace::source {

enum class PaginationKind {
  kNone,    // one request has all there is
  kPage,    // ?page=1, 2, 3, ... until a page has no rows
  kOffset,  // ?offset=0, 100, 200, ... likewise
  kCursor,  // the answer says what to ask for next
  kLink,    // the answer names the URL to ask next: a Link header, or a value of it
};

struct Pagination {
  PaginationKind kind = PaginationKind::kNone;
  std::string param;       // kPage, kOffset, kCursor: the query parameter
  int64_t first = 0;       // kPage, kOffset
  std::string size_param;  // empty: the API's own page size
  int64_t size = 0;
  std::string next;   // kCursor: where the next one stands; kLink: where the URL stands, empty: the Link header
  std::string total;  // kPage, kOffset: where the number of all rows stands; empty: not known
  std::optional<int> end_status;
  /// Each row is unlike every other, so a page that moved while it was read can be told.
  bool unique_rows = false;
  int64_t pages_max = 10'000;
};

/// Only what is newer than the last round.
struct Incremental {
  std::string field;  // JSON path within a row
  std::string param;  // query parameter
  std::string initial;
};

struct HttpAuth {
  enum class Kind { kNone, kHeader, kQuery };
  Kind kind = Kind::kNone;
  std::string name;   // of the header or query parameter
  std::string value;  // "Bearer ...": a secret
};

struct HttpPollOptions {
  std::string name;
  std::string method = "GET";
  std::string url;
  std::string body;
  std::vector<io::HttpHeader> headers;
  HttpAuth auth;
  std::string rows = "$";
  Pagination pagination;
  std::optional<Incremental> incremental;

  /// From the beginning of a round to that of the next; absent: there is one round.
  std::optional<std::chrono::milliseconds> every;
  std::optional<std::chrono::milliseconds> run_for;  // no round begins later, counted from the first Read
  std::optional<int64_t> until_rows;                 // of all runs together
  /// How long a request that fails is tried again before it is an Error; absent: for ever.
  std::optional<std::chrono::milliseconds> retry_time;

  std::chrono::milliseconds timeout{30'000};
  int64_t response_bytes_max = int64_t{16} << 20;
  int redirects_max = 5;
  bool allow_private = false;
  std::vector<io::IpRange> allow_addresses;
  std::string ca_file;
};

}  // namespace millrace::source

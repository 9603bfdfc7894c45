#pragma once

#include <cstdint>

#include "base/clock.h"
#include "stream/embedded/journal.h"
#include "stream/embedded/sqlite.h"

namespace millrace::stream {

struct Trimmed {
  int64_t bytes = 0;
  bool more = false;  // stopped at the row limit: call again
};

/// Drops what retention allows, oldest rows first, at most `rows_max` of them, inside the open write transaction. By
/// age: only what every registered reader has acknowledged. By bytes: whatever it takes to come under the bound,
/// leaving a gap record where a reader had not been yet. Also purges what deleted topics left.
Trimmed TrimSome(Connection& connection, Journal& journal, Timestamp now, int rows_max);

}  // namespace millrace::stream

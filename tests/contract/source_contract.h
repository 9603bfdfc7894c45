#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "event/source.h"

/// What every bounded Source does, as checks to call with a maker of fresh sources over the same input. Several
/// splits are fine. The input must give at least three batches at `limits`.
namespace millrace::event {

using SourceMaker = std::function<std::unique_ptr<Source>()>;

/// A record as a reader sees it.
struct SeenRecord {
  std::string split;
  int64_t offset = 0;
  std::string bytes;
  std::string key;
  friend bool operator==(const SeenRecord&, const SeenRecord&) = default;
  friend std::ostream& operator<<(std::ostream& out, const SeenRecord& seen) {
    return out << seen.split << '@' << seen.offset << ' ' << seen.bytes;
  }
};

/// Splits come in any order; what is of one split keeps its own.
inline std::vector<SeenRecord> BySplit(std::vector<SeenRecord> records) {
  std::ranges::stable_sort(records, {}, &SeenRecord::split);
  return records;
}

struct SeenAll {
  std::vector<SeenRecord> records;
  /// Where a reader stood before each batch, and at the end; with the number of records before it.
  std::vector<std::pair<Positions, size_t>> stands;
};

/// Reads to the end, checking on the way that batches are whole, contiguous and in order.
inline SeenAll ReadToEnd(Source& source, Positions from, ReadLimits limits) {
  SeenAll seen;
  source.Seek(from);
  Positions at = from;
  std::map<SplitId, int64_t> last_offset;
  for (int idle = 0; idle < 1000;) {
    seen.stands.emplace_back(at, seen.records.size());
    const auto result = source.Read(limits, std::stop_token());
    EXPECT_EQ(result.batch != nullptr, result.state == ReadState::kBatch);
    if (result.state == ReadState::kExhausted) return seen;
    if (result.state != ReadState::kBatch || result.batch == nullptr) {
      seen.stands.pop_back();
      ++idle;
      continue;
    }
    const auto& batch = *result.batch;
    EXPECT_GT(batch.size(), 0u);
    EXPECT_EQ(batch.begin, at.contains(batch.split) ? at[batch.split] : kStart) << "a gap in " << batch.split.value();
    EXPECT_NE(batch.begin, batch.end);
    EXPECT_EQ(batch.topic, source.name());
    for (size_t i = 0; i < batch.size(); ++i) {
      EXPECT_LE(size_t{batch.records[i].begin} + batch.records[i].size, batch.payload->size());
      if (last_offset.contains(batch.split)) {
        EXPECT_GT(batch.offset(i), last_offset[batch.split]);
      }
      last_offset[batch.split] = batch.offset(i);
      if (batch.newline_joined) {
        EXPECT_EQ(batch.record(i).find('\n'), std::string_view::npos);
        EXPECT_LT(size_t{batch.records[i].begin} + batch.records[i].size, batch.payload->size());
      }
      seen.records.push_back(
          {batch.split.value(), batch.offset(i), std::string(batch.record(i)), std::string(batch.key(i))});
    }
    at[batch.split] = batch.end;
    source.Acknowledge(at);
  }
  ADD_FAILURE() << "the source never ended";
  return seen;
}

/// The whole contract of a bounded source.
inline void CheckSourceContract(const SourceMaker& make, ReadLimits limits) {
  const auto whole = ReadToEnd(*make(), {}, limits);
  ASSERT_GE(whole.stands.size(), 4u) << "the input is too small to show anything";

  const auto again = ReadToEnd(*make(), {}, limits);
  EXPECT_EQ(BySplit(again.records), BySplit(whole.records)) << "the same input gives the same records";

  for (const auto& [positions, before] : whole.stands) {
    const auto rest = ReadToEnd(*make(), positions, limits);
    const std::vector<SeenRecord> expected(whole.records.begin() + static_cast<std::ptrdiff_t>(before),
                                           whole.records.end());
    ASSERT_EQ(BySplit(rest.records), BySplit(expected)) << "after " << before << " records";
  }

  const auto source = make();
  ReadToEnd(*source, {}, limits);
  EXPECT_EQ(source->Read(limits, std::stop_token()).state, ReadState::kExhausted) << "the end stays the end";
  const auto rewound = ReadToEnd(*source, whole.stands[1].first, limits);
  EXPECT_EQ(rewound.records.size(), whole.records.size() - whole.stands[1].second) << "Seek starts over";
}

}  // namespace millrace::event

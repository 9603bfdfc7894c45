#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "event/stream.h"
#include "stream/kinesis/kinesis_client.h"
#include "stream/kinesis/kinesis_options.h"

namespace millrace::stream {

// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
inline constexpr size_t kPutRecordsMax = 500;
inline constexpr size_t kPutBytesMax = size_t{5} << 20;
inline constexpr size_t kPutRecordBytesMax = size_t{1} << 20;  // with its key
inline constexpr size_t kPutKeyCharactersMax = 256;

/// The partition key of a record without a key, as Kinesis has none without.
inline constexpr std::string_view kNoKey = "-";

/// One append: its records in requests of Kinesis's size. Of a key there is one record in a request, and the next only
/// when that was taken: Kinesis may take some of a request and refuse others, and none may overtake. Borrows.
class KinesisAppender {
 public:
  /// `shards`: the open ones; `turn`: which of them takes records without a key. Error kData when a record cannot go,
  /// kConfig when it names a partition that there is not; then nothing is sent.
  KinesisAppender(const event::AppendRequest& request, const std::vector<Shard>& shards, size_t turn);

  /// Returns when Kinesis has all of it. Error kUnavailable when it took none for `timeout`.
  void Send(KinesisClient& client, const std::string& stream, std::chrono::milliseconds timeout, const Clock& clock);

 private:
  struct Item {
    size_t index = 0;
    RecordToPut record;
  };

  RecordToPut RecordAt(size_t index, const std::vector<Shard>& shards, size_t turn) const;
  void CheckRecord(size_t index, const RecordToPut& record) const;
  std::vector<Item> Cut();
  /// Whether any was taken; those that were not are left, before the others. `why` says why not.
  bool Settle(std::vector<Item> sent, const std::vector<PutAnswer>& answers, std::string& why);

  const event::AppendRequest& request_;
  std::vector<Item> left_;
};

}  // namespace millrace::stream

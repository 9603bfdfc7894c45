#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "io/aws_json_client.h"
#include "stream/kinesis/kinesis_options.h"
#include "stream/kinesis/shard_place.h"

namespace millrace::stream {

struct DescribedStream {
  std::string id;  // "<ARN>@<ms of its creation>", which Kinesis says to the second: one that is made again has another
  bool active = false;
  bool deleting = false;
  int32_t open_shards = 0;
  std::chrono::hours retention{24};
};

struct Shard {
  std::string id;      // "shardId-000000000012"
  int32_t number = 0;  // 12
  std::vector<int32_t> parents;
  bool open = true;
  std::string first_hash;  // of the range of its keys, decimal
};

std::string ShardName(int32_t number);
/// Error kStop when Kinesis calls no shard so.
int32_t ShardNumber(const std::string& name);

struct FetchedRecord {
  std::string data;
  std::string key;
  std::string sequence;
  Timestamp arrival{};
};

struct Fetched {
  std::vector<FetchedRecord> records;
  std::string next_iterator;  // empty: the shard is closed, and these are its last records
  std::chrono::milliseconds behind{0};
  bool expired = false;  // the iterator: nothing was fetched
};

struct RecordToPut {
  std::string_view key;  // at least a character
  std::string_view data;
  std::string_view hash;  // decimal; empty: that of the key
};

struct PutAnswer {
  std::string shard;  // empty: it was not taken
  std::string error;  // why
};

/// The operations of Kinesis Data Streams, each an answer or an Error: kUnavailable when it is busy or down after some
/// retries, kConfig when it is not permitted, else kStop. `stream` is the name that Kinesis has. Thread-safe.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html
class KinesisClient {
 public:
  explicit KinesisClient(io::AwsJsonOptions server);

  std::vector<std::string> StreamNames();
  /// nullopt: there is no such stream.
  std::optional<DescribedStream> Describe(const std::string& stream);
  /// All that are there, the closed ones whose records are kept too, by number. Empty: there is no such stream.
  std::vector<Shard> Shards(const std::string& stream);
  /// False: it is there already.
  bool Create(const std::string& stream, int32_t shards);
  bool Delete(const std::string& stream);
  void KeepFor(const std::string& stream, std::chrono::hours retention);

  /// nullopt: the stream or the shard is gone.
  std::optional<std::string> Iterator(const std::string& stream, const std::string& shard, const ShardPlace& place);
  /// nullopt: the stream or the shard is gone.
  std::optional<Fetched> Records(const std::string& iterator, int records_max);
  /// One answer a record. Error kConfig when there is no such stream.
  std::vector<PutAnswer> Put(const std::string& stream, std::span<const RecordToPut> records);

 private:
  io::AwsJsonAnswer Ask(const char* operation, const std::string& body);

  io::AwsJsonClient http_;
};

}  // namespace millrace::stream

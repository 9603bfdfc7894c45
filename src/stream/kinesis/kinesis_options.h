#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "io/aws_json_client.h"

namespace millrace::stream {

struct KinesisOptions {
  io::AwsJsonOptions server;  // service, target and content type are the stream's to set
  std::string prefix;         // a topic `events` is the stream `<prefix>events`
  /// Where the positions of producers are kept, an SQLite file that is made at the first; empty: appends that carry one
  /// are refused.
  std::filesystem::path positions;
  /// How large answers with records shall be, about; Kinesis itself makes none of more than 10 MiB.
  int64_t answer_bytes = int64_t{4} << 20;
  /// Between two looks into a shard in which nothing was found. All readers of a stream share five a second of each.
  std::chrono::milliseconds poll{1000};
  /// How often new shards are looked for, and whether the stream is still the one it was.
  std::chrono::milliseconds refresh{10'000};
  /// How long an append tries again what Kinesis did not take.
  std::chrono::milliseconds delivery_timeout{120'000};
  /// How long a stream that is made or deleted may take.
  std::chrono::milliseconds change_timeout{180'000};
};

/// A reader holds this many answers at the most.
inline constexpr int kKinesisAnswersAtOnce = 4;

}  // namespace millrace::stream

#include "app/kinesis_blocks.h"

#include <utility>

#include "app/aws_access.h"

namespace millrace::app {

using config::Block;
using config::Duration;

const Block<KinesisConfig>& KinesisBlock() {
  static const auto block = [] {
    Block<KinesisConfig> kinesis(
        "Topics are streams of Amazon Kinesis Data Streams, or of what speaks its protocol; partitions are shards. "
        "Without keys or a profile, AWS's own places are looked into, as for a bucket. Appends are at least once "
        "(docs/kinesis.md).");
    AddAwsAccess(kinesis, {.endpoint = "http(s)://host:port of what is not AWS's own.",
                           .region = "The streams' region; without it, AWS_REGION or the profile's."});
    kinesis
        .Add(&KinesisConfig::prefix,
             {.name = "prefix", .doc = "A topic is the stream <prefix><topic>; other streams are not seen."})
        .Add(&KinesisConfig::poll, {.name = "poll",
                                    .doc = "How often a shard in which nothing was found is looked into. All who read "
                                           "a stream share five looks a second at each shard.",
                                    .fallback = Duration(1000),
                                    .min = Duration(200)})
        .Add(&KinesisConfig::refresh, {.name = "refresh",
                                       .doc = "How often new shards are looked for.",
                                       .fallback = Duration(10'000),
                                       .min = Duration(100)})
        .Add(&KinesisConfig::delivery_timeout, {.name = "delivery_timeout",
                                                .doc = "How long an append tries again when Kinesis takes none of it.",
                                                .fallback = Duration(120'000),
                                                .min = Duration(1000)})
        .Add(&KinesisConfig::timeout, {.name = "timeout",
                                       .doc = "How long one request may take.",
                                       .fallback = Duration(30'000),
                                       .min = Duration(100)});
    return std::move(kinesis).Check(CheckAwsAccess);
  }();
  return block;
}

stream::KinesisOptions KinesisOptionsFor(const KinesisConfig& config, const std::filesystem::path& positions) {
  stream::KinesisOptions options;
  options.server.endpoint = config.endpoint;
  options.server.region = config.region;
  if (config.ca_file) options.server.ca_file = config.ca_file->value;
  options.server.credentials = CredentialsOf(config);
  options.server.timeout = config.timeout;
  options.prefix = config.prefix;
  options.positions = positions;
  options.poll = config.poll;
  options.refresh = config.refresh;
  options.delivery_timeout = config.delivery_timeout;
  return options;
}

}  // namespace millrace::app

#include "app/spark_block.h"

#include <fmt/format.h>

#include "app/config_words.h"
#include "base/error.h"
#include "io/ip_range.h"

namespace millrace::app {
namespace {

using config::Block;
using config::Duration;

void CheckSpark(const SparkConfig& spark, const std::string& path, config::ParseContext& context) {
  if (spark.remote.empty()) return;  // told already
  try {
    const auto remote = query::ParseSparkRemote(spark.remote);
    if (spark.token && !remote.use_ssl && !io::IsLoopback(remote.host)) {
      context.problems.Add(spark.MarkOf("remote"),
                           fmt::format("{}.remote: a token goes over TLS alone: add /;use_ssl=true", path));
    }
  } catch (const Error& error) {
    context.problems.Add(spark.MarkOf("remote"), fmt::format("{}.remote: {}", path, error.message()));
  }
  for (const auto& [key, value] : spark.settings) {
    if (key.starts_with("spark.")) continue;
    context.problems.Add(spark.MarkOf("settings"),
                         fmt::format("{}.settings: '{}' is no setting of Spark's; they begin with spark.", path, key));
  }
}

}  // namespace

const Block<SparkConfig>& SparkBlock() {
  static const auto block =
      Block<SparkConfig>(
          "Spark 4.0 or newer, through Spark Connect, for models whose engine it is. It finds the tables by the same "
          "REST catalogue, `lake.catalog.rest`. See docs/models.md.")
          .Add(&SparkConfig::remote,
               {.name = "remote",
                .doc = "Its Spark Connect server, as Spark's own clients write it: sc://host:15002, or "
                       "sc://host:443/;use_ssl=true;user_id=name. What else it says goes as headers of each request.",
                .required = true})
          .Add(&SparkConfig::token, {.name = "token", .doc = "A bearer token."})
          .Add(&SparkConfig::ca_file,
               {.name = "ca_file", .doc = "PEM file of the certificates to trust. Without it, the system's."})
          .Add(&SparkConfig::catalog,
               {.name = "catalog",
                .doc = "What Spark calls that catalogue: the word behind spark.sql.catalog in its settings.",
                .fallback = "lake"})
          .Add(&SparkConfig::settings,
               {.name = "settings",
                .doc = "Settings of each session, such as spark.sql.shuffle.partitions. Time zone and ANSI mode are "
                       "always UTC and on."})
          .Add(&SparkConfig::timeout, {.name = "timeout",
                                       .doc = "How long one request may take that is no statement. Statements take as "
                                              "long as `timeout` of their model allows.",
                                       .fallback = Duration(60'000),
                                       .min = Duration(1000)})
          .Check(CheckSpark);
  return block;
}

std::optional<query::SparkServer> SparkServerOf(const PipelineConfig& pipeline) {
  if (!pipeline.spark) return std::nullopt;
  const auto& spark = *pipeline.spark;
  query::SparkServer server{.remote = query::ParseSparkRemote(spark.remote),
                            .token = spark.token ? spark.token->Reveal() : std::string(),
                            .ca_file = spark.ca_file ? spark.ca_file->value : std::string(),
                            .catalog = spark.catalog,
                            .settings = spark.settings};
  server.timeout = spark.timeout;
  return server;
}

void CheckSparkOfPipeline(const PipelineConfig& pipeline, config::ParseContext& context) {
  if (pipeline.spark && !pipeline.lake.catalog.rest) {
    context.problems.Add(
        pipeline.spark->mark,
        "spark: Spark finds tables by a catalogue that it can ask too, and a SQLite file is none; name "
        "a REST catalogue as `lake.catalog.rest`");
  }
  if (pipeline.model_engine == ModelEngineWord::kSpark && !pipeline.spark)
    context.problems.Add(pipeline.MarkOf("model_engine"), "model_engine: spark needs `spark:`, which says where it is");
}

}  // namespace millrace::app

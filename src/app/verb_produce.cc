#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/block_options.h"
#include "app/config_blocks.h"
#include "app/feed_topic.h"
#include "app/kafka_blocks.h"
#include "app/load_config.h"
#include "app/registry.h"
#include "app/verbs.h"

namespace millrace::app {
namespace {

struct ProduceArguments {
  std::string topic;
  std::string path;
  std::optional<int64_t> rows;
  std::vector<std::string> drop;
  std::string servers;
  std::string registry;
  std::string schema;
  config::Node options;
};

ExitCode Produce(const Session& session, ProduceArguments& arguments) {
  const std::pair<const char*, const std::string*> later[] = {{"--schema-registry", &arguments.registry},
                                                              {"--schema-path", &arguments.schema}};
  for (const auto& [option, value] : later) {
    if (!value->empty()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} is not supported by this version of millrace; without it events go to "
                              "the stream as they are",
                              option));
    }
  }
  SetOption(arguments.options, "path", arguments.path, "--source-path");
  SourceConfig config;
  config.drop = arguments.drop;
  config.file = ParseOptions(FileSourceBlock(), arguments.options);
  auto pipeline = LoadConfigOrDefaults(session.config_paths);
  if (!arguments.servers.empty()) {
    if (!pipeline.stream.kafka) pipeline.stream.kafka = KafkaBlock().Defaults();
    pipeline.stream.kafka->brokers = arguments.servers;
  }
  return FeedTopic(pipeline, MakeSource("produce", config), arguments.topic, arguments.rows);
}

}  // namespace

void AddProduce(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<ProduceArguments>();
  auto* verb = AddVerb(
      root, session, "produce", "Append the records of a file to a topic",
      [&session, arguments] { return Produce(session, *arguments); },
      "  millrace produce --topic events --source-path events.jsonl.gz\n"
      "  millrace produce --topic cards --source-path cards.csv --rows 100");
  verb->add_option("--topic", arguments->topic, "The topic; made if it is not there")->required();
  verb->add_option("--source-path", arguments->path, "A file, or a pattern such as logs/*.jsonl.gz")->required();
  verb->add_option("--rows", arguments->rows, "How many at most")->check(CLI::NonNegativeNumber);
  verb->add_option("--drop", arguments->drop, "CSV columns to leave out: card numbers, passwords")->delimiter(',');
  AddBlockOptions(*verb, *FileSourceBlock().info(), arguments->options, {"path", "follow"});
  verb->add_option("--bootstrap-servers", arguments->servers, "Kafka brokers, instead of the pipeline's stream");
  verb->add_option("--schema-registry", arguments->registry)->group("");
  verb->add_option("--schema-path", arguments->schema)->group("");
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app

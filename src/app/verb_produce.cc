#include <fmt/format.h>

#include <google/protobuf/descriptor.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/block_options.h"
#include "app/config_blocks.h"
#include "app/feed_topic.h"
#include "app/kafka_blocks.h"
#include "app/load_config.h"
#include "app/message_maker.h"
#include "app/proto_files.h"
#include "app/registry.h"
#include "app/schemas.h"
#include "app/verbs.h"

namespace millrace::app {
namespace {

struct ProduceArguments {
  std::string topic;
  std::string path;
  std::optional<int64_t> rows;
  std::optional<int64_t> rate;
  std::vector<std::string> drop;
  std::string key;
  std::vector<std::string> headers;
  std::string servers;
  std::string registry;
  std::string schema;
  std::string schema_type;
  std::string message;
  std::string subject_naming;
  config::Node options;
};

PipelineConfig ConfigFor(const Session& session, const ProduceArguments& arguments) {
  auto pipeline = LoadConfigOrDefaults(session.config_paths);
  if (!arguments.servers.empty()) {
    pipeline.stream.kinesis.reset();
    if (!pipeline.stream.kafka) pipeline.stream.kafka = KafkaBlock().Defaults();
    pipeline.stream.kafka->brokers = arguments.servers;
  }
  if (!arguments.registry.empty()) pipeline.schema_registry = RegistryAt(arguments.registry, pipeline.schema_registry);
  return pipeline;
}

schema::SchemaKind KindOf(const ProduceArguments& arguments) {
  if (const auto kind = schema::ParseSchemaKind(arguments.schema_type)) return *kind;
  if (arguments.schema.ends_with(".avsc")) return schema::SchemaKind::kAvro;
  if (arguments.schema.ends_with(".json")) return schema::SchemaKind::kJson;
  if (arguments.schema.ends_with(".proto")) return schema::SchemaKind::kProtobuf;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("{}: is it Avro, JSON Schema or Protobuf? Say --schema-type AVRO, JSON or PROTOBUF (files that "
                  "end in .avsc, .json and .proto go without saying)",
                  arguments.schema));
}

/// What the schema itself is called.
std::string RecordNameOf(const schema::SchemaText& text, const std::vector<schema::RegisteredSchema::Used>& used,
                         const std::string& message) {
  if (text.kind == schema::SchemaKind::kProtobuf) {
    const auto parsed = schema::ProtobufSchema::Parse(text.text, used);
    if (const auto* const found = parsed.Find(message)) return found->full_name();
    throw Error(ErrorCode::kUsage, fmt::format("there is no message {} in it; say another by --message", message));
  }
  if (text.kind == schema::SchemaKind::kAvro) {
    return schema::AvroSchema::Parse(text.text, {}, schema::AvroSchema::Rules::kStrict).root().name;
  }
  return schema::JsonSchema(text.text, {}).title();
}

schema::SubjectNaming NamingOf(const std::string& word) {
  if (word == "record") return schema::SubjectNaming::kRecord;
  return word == "topic_record" ? schema::SubjectNaming::kTopicRecord : schema::SubjectNaming::kTopic;
}

SchemaToRegister SchemaIn(const ProduceArguments& arguments, schema::SchemaRegistry& registry) {
  const auto kind = KindOf(arguments);
  if (kind == schema::SchemaKind::kProtobuf) return RegisterImports(ReadProtoFiles(arguments.schema), registry);
  return {.text = {.kind = kind, .text = ReadSchemaFile(arguments.schema)}, .used = {}};
}

/// The schema that messages are to have; null when they go as they are.
schema::RegisteredSchemaPtr SchemaFor(const PipelineConfig& pipeline, const ProduceArguments& arguments) {
  if (arguments.schema.empty() && arguments.registry.empty()) return nullptr;
  const auto directory = DataDirectory::OpenToAppend(pipeline.data_dir.value);
  const auto registry = OpenSchemaRegistry(pipeline, directory);
  if (arguments.schema.empty()) {
    const auto subject = schema::SubjectFor(schema::SubjectNaming::kTopic, arguments.topic, "", false);
    if (auto latest = registry->Latest(subject)) return latest;
    throw Error(ErrorCode::kUsage,
                fmt::format("the registry has no schema under {} yet; give one with --schema-path", subject));
  }
  const auto [text, used] = SchemaIn(arguments, *registry);
  const auto id = WithContext(arguments.schema, [&, &text = text, &used = used] {
    const auto subject = schema::SubjectFor(NamingOf(arguments.subject_naming), arguments.topic,
                                            RecordNameOf(text, used, arguments.message), false);
    return registry->Register(subject, text);
  });
  return std::make_shared<const schema::RegisteredSchema>(
      schema::RegisteredSchema{.id = id, .kind = text.kind, .text = text.text, .references = used});
}

/// What only says how a schema is registered, where none is given.
void CheckSchemaOptions(const ProduceArguments& arguments) {
  if (!arguments.schema.empty()) return;
  const char* const idle = !arguments.subject_naming.empty() ? "--subject-naming"
                           : !arguments.schema_type.empty()  ? "--schema-type"
                                                             : nullptr;
  if (idle == nullptr) return;
  throw Error(ErrorCode::kUsage, fmt::format("{} says how a schema is registered; give one with --schema-path", idle));
}

/// "name=value", or a name alone: a header without a value.
event::HeaderList HeadersOf(const std::vector<std::string>& texts) {
  event::HeaderList headers;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (text.empty() || equals == 0) {
      throw Error(ErrorCode::kUsage, fmt::format("--header '{}' has no name; say it as name=value", text));
    }
    const bool valued = equals != std::string::npos;
    headers.emplace_back(text.substr(0, equals), valued ? std::optional(text.substr(equals + 1)) : std::nullopt);
  }
  return headers;
}

ExitCode Produce(const Session& session, ProduceArguments& arguments) {
  CheckSchemaOptions(arguments);
  SetOption(arguments.options, "path", arguments.path, "--source-path");
  SourceConfig config;
  config.drop = arguments.drop;
  config.file = ParseOptions(FileSourceBlock(), arguments.options);
  auto headers = HeadersOf(arguments.headers);
  const auto pipeline = ConfigFor(session, arguments);
  const auto schema = SchemaFor(pipeline, arguments);
  if (!arguments.message.empty() && (schema == nullptr || schema->kind != schema::SchemaKind::kProtobuf)) {
    throw Error(ErrorCode::kUsage, "--message says which one of a Protobuf schema; give that with --schema-path");
  }
  const auto maker = std::make_shared<MessageMaker>(
      MessageOptions{.key = arguments.key, .schema = schema, .message = arguments.message});
  const std::vector<std::string> paths = {arguments.path};
  return FeedTopic(pipeline, MakeSource("produce", config),
                   {.topic = arguments.topic,
                    .rows_max = arguments.rows,
                    .rate = arguments.rate,
                    .headers = std::move(headers),
                    .make = [maker, paths](const event::EventBatchPtr& batch) { return maker->Make(batch, paths); }});
}

}  // namespace

void AddProduce(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<ProduceArguments>();
  auto* verb = AddVerb(
      root, session, "produce", "Append the records of a file to a topic",
      [&session, arguments] { return Produce(session, *arguments); },
      "  millrace produce --topic events --source-path events.jsonl.gz\n"
      "  millrace produce --topic cards --source-path cards.csv --rows 100\n"
      "  millrace produce --topic orders --source-path orders.jsonl --key id --schema-path order.avsc");
  verb->add_option("--topic", arguments->topic, "The topic; made if it is not there")->required();
  verb->add_option("--source-path", arguments->path, "A file, or a pattern such as logs/*.jsonl.gz")->required();
  verb->add_option("--rows", arguments->rows, "How many at most")->check(CLI::NonNegativeNumber);
  verb->add_option("--drop", arguments->drop, "CSV columns to leave out: card numbers, passwords")->delimiter(',');
  AddBlockOptions(*verb, *FileSourceBlock().info(), arguments->options, {"path", "follow"});
  verb->add_option("--bootstrap-servers", arguments->servers, "Kafka brokers, instead of the pipeline's stream");
  verb->add_option("--key", arguments->key, "The field whose value is the message's key, such as id or user.id");
  verb->add_option("-H,--header", arguments->headers,
                   "A header of every message, as name=value; a name alone has no value")
      ->allow_extra_args(false);
  verb->add_option("--rate", arguments->rate, "Messages a second")->check(CLI::PositiveNumber);
  verb->add_option("--schema-path", arguments->schema,
                   "Registers this Avro (.avsc), JSON Schema (.json) or Protobuf (.proto) and checks every record by "
                   "it before it is sent; "
                   "messages get Confluent's wire format");
  verb->add_option("--schema-type", arguments->schema_type, "What --schema-path is, where its name does not say")
      ->check(CLI::IsMember({"AVRO", "JSON", "PROTOBUF"}));
  verb->add_option("--message", arguments->message,
                   "Which message of a Protobuf schema records are, such as shop.Order; without it, the first");
  verb->add_option(
      "--schema-registry", arguments->registry,
      "A schema registry, instead of the pipeline's; without --schema-path, whose latest schema of the topic "
      "is used");
  verb->add_option("--subject-naming", arguments->subject_naming,
                   "What the subject of --schema-path is called after: topic (unless said), record or topic_record")
      ->check(CLI::IsMember({"topic", "record", "topic_record"}));
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app

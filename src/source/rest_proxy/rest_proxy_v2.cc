#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "source/rest_proxy/json_members.h"
#include "source/rest_proxy/records_in_making.h"
#include "source/rest_proxy/rest_proxy.h"

namespace millrace::source {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMediaType = "application/vnd.kafka.v2+json";
/// What a record costs beside its bytes, until it is answered.
constexpr size_t kRecordCost = 256;

std::string Print(const Json& body) { return body.dump(-1, ' ', false, Json::error_handler_t::replace); }

void AddOffset(std::string& to, const event::RecordReport& report, const RestProblem& why) {
  const auto number = [](int64_t value) { return value < 0 ? std::string("null") : std::to_string(value); };
  if (report.durable) {
    fmt::format_to(std::back_inserter(to), R"({{"partition":{},"offset":{},"error_code":null,"error":null}})",
                   number(report.partition), number(report.offset));
    return;
  }
  fmt::format_to(std::back_inserter(to), R"({{"partition":null,"offset":null,"error_code":{},"error":{}}})", why.code,
                 JsonText(report.error.empty() ? why.message : report.error));
}

std::string NumberOf(const EncoderPtr& encoder) { return encoder ? std::to_string(encoder->schema().id) : "null"; }

int32_t PartitionOf(const io::HttpCall& call) {
  const auto partition = Int32Of(call.parameters.at("partition"));
  if (!partition || *partition < 0) throw RestRefusal(kPartitionNotFound, "Partition not found.");
  return *partition;
}

const event::PartitionInfo& PartitionIn(const event::TopicInfo& topic, int32_t number) {
  for (const auto& partition : topic.partitions) {
    if (partition.partition == number) return partition;
  }
  throw RestRefusal(kPartitionNotFound, "Partition not found.");
}

/// The stream says nothing of the brokers of a cluster; the embedded one is its own.
Json Described(const event::PartitionInfo& partition, bool embedded) {
  Json replicas = Json::array();
  if (embedded) replicas.push_back({{"broker", 0}, {"leader", true}, {"in_sync", true}});
  return {{"partition", partition.partition}, {"leader", embedded ? 0 : -1}, {"replicas", std::move(replicas)}};
}

Json ConfigsOf(const event::TopicSpec& spec) {
  Json configs = Json::object();
  if (spec.retention_age) {
    configs["retention.ms"] =
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(*spec.retention_age).count());
  }
  if (spec.retention_bytes) configs["retention.bytes"] = std::to_string(*spec.retention_bytes / spec.partitions);
  return configs;
}

}  // namespace

void RestProxy::AddV2(io::HttpRoutes& routes) {
  const auto produce = [this](io::HttpCall& call) { return ProduceV2(call); };
  routes.Add(RouteOf("POST", "/topics/{topic}", produce));
  routes.Add(RouteOf("POST", "/topics/{topic}/partitions/{partition}", produce));
  AddLook(routes, "/topics", kMediaType, [this](const auto&) { return TopicsJson(); });
  AddLook(routes, "/topics/{topic}", kMediaType,
          [this](const auto& call) { return TopicJson(call.parameters.at("topic")); });
  AddLook(routes, "/topics/{topic}/partitions", kMediaType,
          [this](const auto& call) { return PartitionsJson(call.parameters.at("topic")); });
  AddLook(routes, "/topics/{topic}/partitions/{partition}", kMediaType,
          [this](const auto& call) { return PartitionJson(call); });
  AddLook(routes, "/topics/{topic}/partitions/{partition}/offsets", kMediaType,
          [this](const auto& call) { return OffsetsJson(call); });
  AddLook(routes, "/brokers", kMediaType, [this](const auto&) {
    return Print({{"brokers", options_.embedded ? Json::array({0}) : Json::array()}});
  });
}

io::HttpReply RestProxy::ProduceV2(io::HttpCall& call) {
  try {
    const auto counted = Enter();
    return {.status = 200, .headers = {{"Content-Type", kMediaType}}, .body = TakeV2(call), .stream = {}};
  } catch (const std::exception& failure) {
    return ReplyTo(call, failure, kMediaType);
  }
}

EncoderPtr RestProxy::SchemaV2(const std::string& topic, EmbeddedFormat format, const V2Request& request, bool is_key) {
  const auto& named = is_key ? request.key_schema : request.value_schema;
  if (!NeedsSchema(format)) return nullptr;
  EncoderPtr encoder;
  if (named.id) {
    encoder = schemas_.ById(*named.id);
  } else if (named.text) {
    encoder =
        schemas_.ByText(schema::SubjectFor(schema::SubjectNaming::kTopic, topic, {}, is_key), format, *named.text);
  }
  if (encoder && FormatOf(encoder->schema().kind) != format) {
    throw RestRefusal(kInvalidSchema,
                      fmt::format("Invalid schema: {} is no schema of {}", encoder->schema().id, ToString(format)));
  }
  if (encoder) return encoder;
  for (const auto& record : request.records) {
    const auto data = is_key ? record.key : record.value;
    if (data.empty() || data == "null") continue;
    throw RestRefusal(is_key ? kKeySchemaMissing : kValueSchemaMissing,
                      is_key ? "Request includes keys but does not include key schema"
                             : "Request includes values but does not include value schema");
  }
  return nullptr;
}

std::string RestProxy::TakeV2(io::HttpCall& call) {
  const auto& topic = call.parameters.at("topic");
  const bool to_partition = call.parameters.contains("partition");
  const auto format = FormatOfType(call.header("Content-Type").value_or(""));
  topics_.PartitionsOf(topic);  // a topic that may not be produced to, or is not there, ends it here
  const auto body = BodyOf(call, kRecordCost);
  const auto request = ParseV2(body.bytes->view(), static_cast<size_t>(limits().records_max));
  const auto key_schema = SchemaV2(topic, format, request, true);
  const auto value_schema = SchemaV2(topic, format, request, false);
  RecordsInMaking records(limits().body_bytes_max);
  for (const auto& record : request.records) {
    const auto partition = to_partition && !record.partition ? PartitionOf(call) : record.partition.value_or(-1);
    records.Add({.key = BytesOf(record.key, format, key_schema),
                 .value = BytesOf(record.value, format, value_schema),
                 .partition = partition});
  }
  auto append = records.Finish(topic, Clock::System().Now());
  append.idempotency_key = IdempotencyKeyOf(call);
  std::vector<event::RecordReport> reports;
  RestProblem why;
  AppendSome(append, reports, why);
  std::string answer = "{\"offsets\":[";
  for (size_t i = 0; i < reports.size(); ++i) {
    if (i > 0) answer += ',';
    AddOffset(answer, reports[i], why);
  }
  fmt::format_to(std::back_inserter(answer), R"(],"key_schema_id":{},"value_schema_id":{}}})", NumberOf(key_schema),
                 NumberOf(value_schema));
  return answer;
}

std::string RestProxy::TopicsJson() {
  Json names = Json::array();
  for (const auto& topic : stream().ListTopics()) names.push_back(topic.spec.name);
  return Print(names);
}

std::string RestProxy::TopicJson(const std::string& name) {
  const auto topic = Find(name);
  Json partitions = Json::array();
  for (const auto& partition : topic.partitions) partitions.push_back(Described(partition, options_.embedded));
  return Print({{"name", name}, {"configs", ConfigsOf(topic.spec)}, {"partitions", std::move(partitions)}});
}

std::string RestProxy::PartitionsJson(const std::string& name) {
  Json partitions = Json::array();
  for (const auto& partition : Find(name).partitions) partitions.push_back(Described(partition, options_.embedded));
  return Print(partitions);
}

std::string RestProxy::PartitionJson(const io::HttpCall& call) {
  const auto topic = Find(call.parameters.at("topic"));
  return Print(Described(PartitionIn(topic, PartitionOf(call)), options_.embedded));
}

std::string RestProxy::OffsetsJson(const io::HttpCall& call) {
  const auto topic = Find(call.parameters.at("topic"));
  const auto& partition = PartitionIn(topic, PartitionOf(call));
  return Print({{"beginning_offset", partition.first_offset}, {"end_offset", partition.next_offset}});
}

}  // namespace millrace::source

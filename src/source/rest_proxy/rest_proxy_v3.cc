#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "io/percent_encoding.h"
#include "source/json_values.h"
#include "source/rest_proxy/json_members.h"
#include "source/rest_proxy/rest_proxy.h"
#include "source/rest_proxy/v3_produce.h"

namespace millrace::source {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMediaType = "application/json";
/// What a record costs beside its bytes, until it is answered.
constexpr size_t kRecordCost = 768;
constexpr const char* kBrokenOff = "Bad Request: the body ends within a record";

std::string Print(const Json& body) { return body.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string BaseOf(const io::HttpCall& call) {
  return fmt::format("{}://{}/v3/clusters", call.tls ? "https" : "http", call.header("Host").value_or("localhost"));
}

/// The v3 API has words of its own for a topic that is not there.
template <typename Body>
auto AsHosted(Body&& body) {
  try {
    return body();
  } catch (const RestRefusal& refusal) {
    if (refusal.code() != kTopicNotFound) throw;
    throw RestRefusal(kTopicNotHosted, "This server does not host this topic-partition.");
  }
}

Json Related(const std::string& url) { return {{"related", url}}; }

Json ClusterJson(const std::string& base, const std::string& id) {
  const auto self = base + "/" + io::PercentEncoded(id);
  Json cluster{{"kind", "KafkaCluster"},
               {"metadata", {{"self", self}, {"resource_name", "crn:///kafka=" + id}}},
               {"cluster_id", id}};
  for (const auto& [part, path] :
       {std::pair{"acls", "/acls"}, std::pair{"brokers", "/brokers"}, std::pair{"broker_configs", "/broker-configs"},
        std::pair{"consumer_groups", "/consumer-groups"}, std::pair{"topics", "/topics"},
        std::pair{"partition_reassignments", "/topics/-/partitions/-/reassignment"}}) {
    cluster[part] = Related(fmt::format("{}{}", self, path));
  }
  return cluster;
}

Json TopicData(const std::string& base, const std::string& id, const event::TopicInfo& topic) {
  const auto self = fmt::format("{}/{}/topics/{}", base, io::PercentEncoded(id), io::PercentEncoded(topic.spec.name));
  return {
      {"kind", "KafkaTopic"},
      {"metadata", {{"self", self}, {"resource_name", fmt::format("crn:///kafka={}/topic={}", id, topic.spec.name)}}},
      {"cluster_id", id},
      {"topic_name", topic.spec.name},
      {"is_internal", false},
      {"replication_factor", topic.spec.replication.value_or(1)},
      {"partitions_count", topic.spec.partitions},
      {"partitions", Related(self + "/partitions")},
      {"configs", Related(self + "/configs")},
      {"partition_reassignments", Related(self + "/partitions/-/reassignment")},
      {"authorized_operations", Json::array()}};
}

Json ListJson(const char* kind, const std::string& self, Json data) {
  return {{"kind", kind}, {"metadata", {{"self", self}, {"next", nullptr}}}, {"data", std::move(data)}};
}

}  // namespace

void RestProxy::AddV3(io::HttpRoutes& routes) {
  AddLook(routes, "/v3/clusters", kMediaType, [this](const auto& call) {
    const auto base = BaseOf(call);
    return Print(ListJson("KafkaClusterList", base, Json::array({ClusterJson(base, options_.cluster_id)})));
  });
  AddLook(routes, "/v3/clusters/{cluster}", kMediaType, [this](const auto& call) {
    CheckCluster(call);
    return Print(ClusterJson(BaseOf(call), options_.cluster_id));
  });
  AddLook(routes, "/v3/clusters/{cluster}/topics", kMediaType, [this](const auto& call) {
    CheckCluster(call);
    Json topics = Json::array();
    for (const auto& topic : stream().ListTopics())
      topics.push_back(TopicData(BaseOf(call), options_.cluster_id, topic));
    const auto self = fmt::format("{}/{}/topics", BaseOf(call), io::PercentEncoded(options_.cluster_id));
    return Print(ListJson("KafkaTopicList", self, std::move(topics)));
  });
  AddLook(routes, "/v3/clusters/{cluster}/topics/{topic}", kMediaType, [this](const auto& call) {
    CheckCluster(call);
    return Print(
        TopicData(BaseOf(call), options_.cluster_id, AsHosted([&] { return Find(call.parameters.at("topic")); })));
  });
  auto produce = RouteOf("POST", "/v3/clusters/{cluster}/topics/{topic}/records",
                         [this](io::HttpCall& call) { return ProduceV3(call); });
  produce.streams_chunked = true;
  routes.Add(std::move(produce));
}

void RestProxy::CheckCluster(const io::HttpCall& call) const {
  const auto& asked = call.parameters.at("cluster");
  if (asked != options_.cluster_id) throw RestRefusal(404, fmt::format("Cluster {} cannot be found.", asked));
}

io::HttpReply RestProxy::ProduceV3(io::HttpCall& call) {
  try {
    auto counted = Enter();
    CheckCluster(call);
    AsHosted([&] { return topics_.PartitionsOf(call.parameters.at("topic")); });
    io::HttpReply reply{.status = 200, .headers = {{"Content-Type", kMediaType}}, .body = {}, .stream = {}};
    if (call.header("Transfer-Encoding")) {
      if (call.header("Content-Encoding")) throw io::HttpRefusal(415, "send a chunked body without Content-Encoding");
      reply.stream = [this, &call, counted = std::move(counted)](io::HttpReplyStream& out) { StreamV3(call, out); };
    } else {
      reply.body = TakeV3(call);
    }
    return reply;
  } catch (const std::exception& failure) {
    return ReplyTo(call, failure, kMediaType);
  }
}

V3Produce RestProxy::NewV3(const io::HttpCall& call) {
  return V3Produce(
      {.cluster_id = options_.cluster_id, .topic = call.parameters.at("topic"), .bytes_max = limits().body_bytes_max},
      schemas_);
}

void RestProxy::AddV3Objects(const CutObjects& cut, std::string_view text, const std::string& topic,
                             V3Produce& produce) {
  const auto check = [&](int32_t partition) { CheckPartition(topic, partition); };
  for (const auto& object : cut.objects) produce.Add(text.substr(object.begin, object.size), check);
  if (cut.strange.empty()) return;
  // Where the next record begins is not known.
  produce.AddProblem({.code = 400, .message = cut.strange});
}

std::string RestProxy::AppendV3(V3Produce& produce, std::string idempotency_key) {
  std::vector<event::RecordReport> reports;
  RestProblem why;
  if (produce.has_records()) {
    auto request = produce.Finish(Clock::System().Now());
    request.idempotency_key = std::move(idempotency_key);
    AppendSome(request, reports, why);
  }
  return produce.Answer(reports, why);
}

std::string RestProxy::TakeV3(io::HttpCall& call) {
  const auto body = BodyOf(call, kRecordCost);
  const auto text = body.bytes->view();
  const auto max = static_cast<size_t>(limits().records_max);
  ObjectSplitter splitter;
  auto cut = splitter.Cut(text, max + 1);
  if (cut.objects.size() > max) throw io::HttpRefusal(413, fmt::format("more than the {} records of one request", max));
  if (cut.strange.empty() && !TrimmedJson(text.substr(cut.end)).empty()) cut.strange = kBrokenOff;
  if (cut.objects.empty() && cut.strange.empty()) {
    throw RestRefusal(kInvalidPayload, "Payload error. Request body is empty. Data is required.");
  }
  auto produce = NewV3(call);
  AddV3Objects(cut, text, call.parameters.at("topic"), produce);
  return AppendV3(produce, IdempotencyKeyOf(call));
}

/// Each piece of the body is answered before the next one is read: what is whole in it is appended at once.
void RestProxy::StreamV3(io::HttpCall& call, io::HttpReplyStream& out) {
  try {
    StreamPieces(call, out);
  } catch (const std::exception& failure) {
    // Records that are not answered were not taken.
    out.Write(ProblemJson(ProblemOf(failure)) + "\r\n");
  }
}

void RestProxy::StreamPieces(io::HttpCall& call, io::HttpReplyStream& out) {
  std::string pending;
  ObjectSplitter splitter;
  for (;;) {
    const auto piece = call.body->Read();
    if (piece.empty()) break;
    if (closed() || call.stopping.stop_requested())
      throw io::HttpRefusal(503, "the intake ends; send this to the next run");
    pending += piece;
    if (static_cast<int64_t>(pending.size()) > limits().body_bytes_max)
      throw io::HttpRefusal(413, fmt::format("a record of more than {} bytes", limits().body_bytes_max));
    const auto cut = splitter.Cut(pending, std::numeric_limits<size_t>::max());
    if (cut.objects.empty() && cut.strange.empty()) continue;
    const auto held = Reserve(pending.size() * 3 + cut.objects.size() * kRecordCost);
    const auto text = PaddedBuffer::CopyOf(std::string_view(pending).substr(0, cut.end));
    auto produce = NewV3(call);
    AddV3Objects(cut, text->view(), call.parameters.at("topic"), produce);
    if (!out.Write(AppendV3(produce, {})) || !cut.strange.empty()) return;
    pending.erase(0, cut.end);
  }
  if (!TrimmedJson(pending).empty()) throw RestRefusal(400, kBrokenOff);
}

}  // namespace millrace::source

#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "schema/registry/registry.h"
#include "source/http_ingest/http_intake.h"
#include "source/rest_proxy/json_members.h"
#include "source/rest_proxy/proxy_schemas.h"
#include "source/rest_proxy/proxy_topics.h"
#include "source/rest_proxy/rest_refusal.h"
#include "source/rest_proxy/v2_request.h"
#include "source/rest_proxy/v3_produce.h"

namespace millrace::source {

struct RestProxyOptions {
  std::string name;
  ProxyTopics::Options topics;
  std::string cluster_id;  // where the stream has none of its own
  bool embedded = false;   // the stream: it stands for one broker, 0
  IntakeLimits limits;
};

/// Confluent's REST Proxy, as far as producing goes: the v2 and the v3 API with their paths, media types and error
/// codes. Records are acknowledged when they are durable, and the answer says where they went.
class RestProxy final : public HttpIntake {
 public:
  RestProxy(RestProxyOptions options, event::Stream& stream, std::shared_ptr<schema::SchemaRegistry> registry,
            ByteBudget& budget);

  void AddRoutes(io::HttpRoutes& routes) override;
  bool Feeds(const std::string& topic) const override { return topics_.Allows(topic); }
  std::vector<std::string> topics() const override { return topics_.allowed(); }

 private:
  using Looker = std::function<std::string(const io::HttpCall& call)>;
  // v2
  void AddV2(io::HttpRoutes& routes);
  io::HttpReply ProduceV2(io::HttpCall& call);
  std::string TakeV2(io::HttpCall& call);
  EncoderPtr SchemaV2(const std::string& topic, EmbeddedFormat format, const V2Request& request, bool is_key);
  std::string TopicsJson();
  std::string TopicJson(const std::string& name);
  std::string PartitionsJson(const std::string& name);
  std::string PartitionJson(const io::HttpCall& call);
  std::string OffsetsJson(const io::HttpCall& call);

  // v3
  void AddV3(io::HttpRoutes& routes);
  void CheckCluster(const io::HttpCall& call) const;
  io::HttpReply ProduceV3(io::HttpCall& call);
  std::string TakeV3(io::HttpCall& call);
  void StreamV3(io::HttpCall& call, io::HttpReplyStream& out);
  void StreamPieces(io::HttpCall& call, io::HttpReplyStream& out);
  V3Produce NewV3(const io::HttpCall& call);
  void AddV3Objects(const CutObjects& cut, std::string_view text, const std::string& topic, V3Produce& produce);
  std::string AppendV3(V3Produce& produce, std::string idempotency_key);

  /// Appends records of which some may be refused; what keeps all of them out is thrown, as RestRefusal where the
  /// topic is the reason. `why` becomes what kept the others out.
  event::AppendOutcome AppendSome(event::AppendRequest& request, std::vector<event::RecordReport>& reports,
                                  RestProblem& why);
  void CheckPartition(const std::string& topic, int32_t partition);
  event::TopicInfo Find(const std::string& topic);

  void AddLook(io::HttpRoutes& routes, const char* pattern, const char* media_type, Looker look);
  static io::HttpReply ReplyTo(const io::HttpCall& call, const std::exception& failure, const char* media_type);

  const RestProxyOptions options_;
  ProxyTopics topics_;
  ProxySchemas schemas_;
};

}  // namespace millrace::source

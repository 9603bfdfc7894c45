#include "source/rest_proxy/rest_proxy.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "event/topic_name.h"

namespace millrace::source {

RestProxy::RestProxy(RestProxyOptions options, event::Stream& stream, std::shared_ptr<schema::SchemaRegistry> registry,
                     ByteBudget& budget)
    : HttpIntake(options.name, options.limits, stream, budget),
      options_(std::move(options)),
      topics_(options_.topics, stream),
      schemas_(std::move(registry)) {}

void RestProxy::AddRoutes(io::HttpRoutes& routes) {
  AddV2(routes);
  AddV3(routes);
}

void RestProxy::AddLook(io::HttpRoutes& routes, const char* pattern, const char* media_type, Looker look) {
  io::HttpRoute route;
  route.method = "GET";
  route.pattern = pattern;
  route.handler = [media_type, look = std::move(look)](io::HttpCall& call) {
    try {
      return io::HttpReply{.status = 200, .headers = {{"Content-Type", media_type}}, .body = look(call), .stream = {}};
    } catch (const std::exception& failure) {
      return ReplyTo(call, failure, media_type);
    }
  };
  routes.Add(std::move(route));
}

io::HttpReply RestProxy::ReplyTo(const io::HttpCall& call, const std::exception& failure, const char* media_type) {
  const auto problem = ProblemOf(failure);
  if (problem.status >= 500) LogWarning("http: {} {}: {}", call.method, call.path, failure.what());
  return ProblemReply(problem, media_type);
}

event::TopicInfo RestProxy::Find(const std::string& topic) {
  auto info = event::IsTopicName(topic) ? stream().FindTopic(topic) : std::nullopt;
  if (!info) throw RestRefusal(kTopicNotFound, "Topic not found.");
  return *std::move(info);
}

void RestProxy::CheckPartition(const std::string& topic, int32_t partition) {
  if (partition < topics_.PartitionsOf(topic)) return;
  topics_.Forget(topic);
  if (partition >= topics_.PartitionsOf(topic)) throw RestRefusal(kPartitionNotFound, "Partition not found.");
}

event::AppendOutcome RestProxy::AppendSome(event::AppendRequest& request, std::vector<event::RecordReport>& reports,
                                           RestProblem& why) {
  for (const auto& detail : request.details) {
    if (detail.partition >= 0) CheckPartition(request.topic, detail.partition);
  }
  request.reports = &reports;
  try {
    return Append(request);
  } catch (const io::HttpRefusal&) {
    throw;  // to come again
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kConfig) {
      // The topic went, or shrank, since it was looked up.
      topics_.Forget(request.topic);
      topics_.PartitionsOf(request.topic);
      throw RestRefusal(kPartitionNotFound, "Partition not found.");
    }
    if (error.code() != ErrorCode::kData && error.code() != ErrorCode::kUnavailable) throw;
    why = {.status = 200,
           .code = error.code() == ErrorCode::kUnavailable ? kRetriable : kKafkaError,
           .message = error.what()};
    reports.resize(request.events->size());
    return event::AppendOutcome::kAppended;
  }
}

}  // namespace millrace::source

#include "source/http_ingest/http_ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "source/http_ingest/ingest_body.h"

namespace millrace::source {

HttpIngest::HttpIngest(IngestOptions options, event::Stream& stream, ByteBudget& budget)
    : HttpIntake(std::move(options.name), options.limits, stream, budget), routes_(std::move(options.routes)) {}

bool HttpIngest::Feeds(const std::string& topic) const {
  return std::ranges::any_of(routes_, [&](const auto& route) { return route.topic == topic; });
}

std::vector<std::string> HttpIngest::topics() const {
  std::vector<std::string> topics;
  for (const auto& route : routes_) topics.push_back(route.topic);
  return topics;
}

void HttpIngest::AddRoutes(io::HttpRoutes& routes) {
  for (const auto& route : routes_) {
    const auto handler = [this, &route](io::HttpCall& call) { return Take(route, call); };
    routes.Add(RouteOf("GET", route.pattern, handler));
    // What a path says has no place in an event that comes as a body.
    if (route.pattern.find('{') == std::string::npos) routes.Add(RouteOf("POST", route.pattern, handler));
  }
}

io::HttpReply HttpIngest::Take(const IngestRoute& route, io::HttpCall& call) {
  if (call.method == "HEAD") throw io::HttpRefusal(405, "an event is sent by GET or POST", {{"Allow", "GET, POST"}});
  const auto counted = Enter();
  return call.method == "POST" ? TakeBody(route, call) : Put(route, call, EventOfTarget(call));
}

io::HttpReply HttpIngest::TakeBody(const IngestRoute& route, io::HttpCall& call) {
  const auto form = FormOf(call);
  auto body = BodyOf(call);
  return Put(route, call, EventsOf(std::move(body.bytes), form, limits().records_max));
}

io::HttpReply HttpIngest::Put(const IngestRoute& route, const io::HttpCall& call,
                              std::shared_ptr<event::EventBatch> batch) {
  auto key = IdempotencyKeyOf(call);
  if (route.key) SetKeys(*route.key, *batch);
  const auto count = batch->size();
  if (count == 0) return io::JsonReply(200, "{\"accepted\":0}\n");
  batch->ingested_at = Clock::System().Now();
  const event::AppendRequest request{
      .topic = route.topic, .events = std::move(batch), .position = std::nullopt, .idempotency_key = std::move(key)};
  bool duplicate = false;
  try {
    duplicate = Append(request) == event::AppendOutcome::kDuplicate;
  } catch (const io::HttpRefusal&) {
    throw;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    throw io::HttpRefusal(400, error.what());  // the stream cannot hold it, or keeps no such promise
  }
  if (duplicate) return io::JsonReply(200, fmt::format("{{\"accepted\":{},\"duplicate\":true}}\n", count));
  return io::JsonReply(200, fmt::format("{{\"accepted\":{}}}\n", count));
}

}  // namespace millrace::source

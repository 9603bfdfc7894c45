#include "source/http_ingest/http_ingest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/fault.h"
#include "source/http_ingest/ingest_body.h"
#include "source/http_ingest/ingest_events.h"
#include "source/http_ingest/unpack.h"

namespace millrace::source {
namespace {

constexpr size_t kKeyBytesMax = 255;

/// Counts a request while it lives.
class UnderWay {
 public:
  explicit UnderWay(std::atomic<int>& count) : count_(count) { ++count_; }
  ~UnderWay() { --count_; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  std::atomic<int>& count_;
};

/// The text of a quoted string (the IETF draft's form) or of a plain one; empty without the header.
std::string IdempotencyKeyOf(const io::HttpCall& call) {
  if (call.CountHeaders("Idempotency-Key") > 1) throw io::HttpRefusal(400, "the request has two Idempotency-Keys");
  auto key = call.header("Idempotency-Key").value_or("");
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"') key = key.substr(1, key.size() - 2);
  if (call.CountHeaders("Idempotency-Key") == 1 && (key.empty() || key.size() > kKeyBytesMax)) {
    throw io::HttpRefusal(400, fmt::format("an Idempotency-Key has 1 to {} bytes", kKeyBytesMax));
  }
  return std::string(key);
}

}  // namespace

HttpIngest::HttpIngest(IngestOptions options, event::Stream& stream, ByteBudget& budget)
    : options_(std::move(options)), stream_(stream), budget_(budget) {}

bool HttpIngest::Feeds(const std::string& topic) const {
  return std::ranges::any_of(options_.routes, [&](const auto& route) { return route.topic == topic; });
}

void HttpIngest::AddRoutes(io::HttpRoutes& routes) {
  for (const auto& route : options_.routes) {
    io::HttpRoute get;
    get.method = "GET";
    get.pattern = route.pattern;
    get.handler = [this, &route](io::HttpCall& call) { return Take(route, call); };
    get.in_flight_max = options_.in_flight_max;
    get.role = "ingest";
    routes.Add(get);
    // What a path says has no place in an event that comes as a body.
    if (route.pattern.find('{') != std::string::npos) continue;
    auto post = get;
    post.method = "POST";
    post.body_bytes_max = options_.body_bytes_max;
    post.buffered = true;
    post.takes_packed = true;
    routes.Add(std::move(post));
  }
}

void HttpIngest::RefuseForNow(int status, std::string_view why) const {
  IngestRefused{.source = options_.name, .cause = status == 429 ? IngestRefusal::kPressure : IngestRefusal::kClosed}
      .Emit();
  throw io::HttpRefusal(status, std::string(why), {{"Retry-After", "1"}});
}

Reservation HttpIngest::Reserve(size_t bytes) {
  auto held = budget_.TryReserve(static_cast<int64_t>(bytes));
  if (!held) RefuseForNow(429, "the memory for events on their way is used up; send this again in a moment");
  return *std::move(held);
}

io::HttpReply HttpIngest::Take(const IngestRoute& route, io::HttpCall& call) {
  if (call.method == "HEAD") throw io::HttpRefusal(405, "an event is sent by GET or POST", {{"Allow", "GET, POST"}});
  const UnderWay counted(under_way_);
  if (closed_) RefuseForNow(503, "the intake has ended; send this to the next run");
  return call.method == "POST" ? TakeBody(route, call) : Append(route, call, EventOfTarget(call));
}

io::HttpReply HttpIngest::TakeBody(const IngestRoute& route, io::HttpCall& call) {
  const auto form = FormOf(call);
  if (call.CountHeaders("Content-Encoding") > 1) throw io::HttpRefusal(415, "the body is packed more than once");
  const auto packed = call.body->Read();  // all of it, as the route is buffered
  const auto encoding = call.header("Content-Encoding").value_or("");
  // As it was sent, unpacked, and as records; at once, so that two requests do not wait for one another.
  auto held = Reserve(packed.size() * 3);
  auto body = Unpack(packed, encoding, {.bytes_max = options_.body_bytes_max, .expansion_max = options_.expansion_max});
  if (body->size() > packed.size()) {
    // What waits for more while it holds some could wait for ever: what is larger than the budget gets in when nothing
    // is held.
    held.Release();
    held = Reserve(packed.size() + body->size() * 2);
  }
  auto batch = EventsOf(std::move(body), form, options_.records_max);
  return Append(route, call, std::move(batch));
}

io::HttpReply HttpIngest::Append(const IngestRoute& route, const io::HttpCall& call,
                                 std::shared_ptr<event::EventBatch> batch) {
  auto key = IdempotencyKeyOf(call);
  if (route.key) SetKeys(*route.key, *batch);
  const auto count = batch->size();
  const auto bytes = batch->payload->size();
  if (count == 0) return io::JsonReply(200, "{\"accepted\":0}\n");
  FaultPoint("ingest.before_append");
  try {
    const auto outcome = stream_.Append({.topic = route.topic,
                                         .events = std::move(batch),
                                         .position = std::nullopt,
                                         .idempotency_key = std::move(key)});
    FaultPoint("ingest.before_answer");
    const bool duplicate = outcome == event::AppendOutcome::kDuplicate;
    IngestTaken{.source = options_.name, .topic = route.topic, .events = count, .bytes = bytes, .duplicate = duplicate}
        .Emit();
    if (duplicate) return io::JsonReply(200, fmt::format("{{\"accepted\":{},\"duplicate\":true}}\n", count));
    events_ += count;
    return io::JsonReply(200, fmt::format("{{\"accepted\":{}}}\n", count));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    throw io::HttpRefusal(503, error.what(), {{"Retry-After", "1"}});
  }
}

}  // namespace millrace::source

#include "source/http_ingest/http_intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/trace.h"
#include "source/http_ingest/ingest_events.h"
#include "source/http_ingest/unpack.h"

namespace millrace::source {
namespace {

constexpr size_t kKeyBytesMax = 255;

bool SomeAreDurable(const event::AppendRequest& request) {
  return request.reports != nullptr &&
         std::ranges::any_of(*request.reports, [](const auto& report) { return report.durable; });
}

}  // namespace

HttpIntake::HttpIntake(std::string name, const IntakeLimits& limits, event::Stream& stream, ByteBudget& budget)
    : name_(std::move(name)), limits_(limits), stream_(stream), budget_(budget) {}

std::string HttpIntake::IdempotencyKeyOf(const io::HttpCall& call) {
  if (call.CountHeaders("Idempotency-Key") > 1) throw io::HttpRefusal(400, "the request has two Idempotency-Keys");
  auto key = call.header("Idempotency-Key").value_or("");
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"') key = key.substr(1, key.size() - 2);
  if (call.CountHeaders("Idempotency-Key") == 1 && (key.empty() || key.size() > kKeyBytesMax)) {
    throw io::HttpRefusal(400, fmt::format("an Idempotency-Key has 1 to {} bytes", kKeyBytesMax));
  }
  return std::string(key);
}

std::shared_ptr<HttpIntake::UnderWay> HttpIntake::Enter() {
  auto counted = std::make_shared<UnderWay>(under_way_);
  if (closed_) RefuseForNow(503, "the intake has ended; send this to the next run");
  return counted;
}

io::HttpRoute HttpIntake::RouteOf(std::string method, std::string pattern, io::HttpHandler handler) const {
  io::HttpRoute route;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.handler = std::move(handler);
  route.in_flight_max = limits_.in_flight_max;
  route.role = "ingest";
  if (route.method != "POST") return route;
  route.body_bytes_max = limits_.body_bytes_max;
  route.buffered = true;
  route.takes_packed = true;
  return route;
}

void HttpIntake::RefuseForNow(int status, std::string_view why) const {
  IngestRefused{.source = name_, .cause = status == 429 ? IngestRefusal::kPressure : IngestRefusal::kClosed}.Emit();
  throw io::HttpRefusal(status, std::string(why), {{"Retry-After", "1"}});
}

Reservation HttpIntake::Reserve(size_t bytes) {
  auto held = budget_.TryReserve(static_cast<int64_t>(bytes));
  if (!held) RefuseForNow(429, "the memory for events on their way is used up; send this again in a moment");
  return *std::move(held);
}

size_t HttpIntake::RoomFor(std::string_view body, size_t bytes_an_object) const {
  if (bytes_an_object == 0) return 0;
  return static_cast<size_t>(std::min<int64_t>(std::ranges::count(body, '{'), limits_.records_max)) * bytes_an_object;
}

HttpIntake::Body HttpIntake::BodyOf(io::HttpCall& call, size_t bytes_an_object) {
  if (call.CountHeaders("Content-Encoding") > 1) throw io::HttpRefusal(415, "the body is packed more than once");
  const auto packed = call.body->Read();  // all of it, as the route is buffered
  const auto encoding = call.header("Content-Encoding").value_or("");
  // As it was sent, unpacked, and as records; at once, so that two requests do not wait for one another.
  const auto plain = packed.size() * 3 + RoomFor(packed, bytes_an_object);
  Body body{.bytes = {}, .held = Reserve(plain)};
  body.bytes = Unpack(packed, encoding, {.bytes_max = limits_.body_bytes_max, .expansion_max = limits_.expansion_max});
  const auto unpacked = packed.size() + body.bytes->size() * 2 + RoomFor(body.bytes->view(), bytes_an_object);
  if (unpacked > plain) {
    // What waits for more while it holds some could wait for ever: what is larger than the budget gets in when nothing
    // is held.
    body.held.Release();
    body.held = Reserve(unpacked);
  }
  return body;
}

event::AppendOutcome HttpIntake::Append(const event::AppendRequest& request) {
  const auto count = request.events->size();
  const auto bytes = request.events->payload->size();
  FaultPoint("ingest.before_append");
  try {
    ChildSpan span("append");
    span.Set("millrace.topic", request.topic);
    span.Set("millrace.records", static_cast<int64_t>(count));
    const auto outcome = stream_.Append(request);
    FaultPoint("ingest.before_answer");
    const bool duplicate = outcome == event::AppendOutcome::kDuplicate;
    IngestTaken{.source = name_, .topic = request.topic, .events = count, .bytes = bytes, .duplicate = duplicate}
        .Emit();
    if (!duplicate) events_ += count;
    return outcome;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable || SomeAreDurable(request)) throw;
    throw io::HttpRefusal(503, error.what(), {{"Retry-After", "1"}});
  }
}

}  // namespace millrace::source

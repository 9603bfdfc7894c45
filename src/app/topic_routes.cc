#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/request_values.h"
#include "app/served_parts.h"
#include "app/topic_browser.h"
#include "app/topic_facts.h"
#include "base/bytes.h"
#include "base/error.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kBodyBytesMax = int64_t{1} << 20;
constexpr int64_t kRecordsMax = 500;
/// Each reads a topic for some seconds.
constexpr int kLooksMax = 4;
/// Of those, with a condition in SQL: each has a process of its own.
constexpr int kConditionsMax = 2;

/// "0:120,1:98": an offset a partition.
std::map<int32_t, int64_t> PositionsOf(const std::string& text) {
  std::map<int32_t, int64_t> positions;
  const auto* at = text.data();
  const auto* end = at + text.size();
  while (at < end) {
    int32_t partition = 0;
    int64_t offset = 0;
    auto read = std::from_chars(at, end, partition);
    if (read.ec == std::errc() && read.ptr < end && *read.ptr == ':')
      read = std::from_chars(read.ptr + 1, end, offset);
    else
      read.ec = std::errc::invalid_argument;
    if (read.ec != std::errc() || partition < 0 || offset < 0 || (read.ptr < end && *read.ptr != ',')) {
      throw io::HttpRefusal(400, "positions are offsets by partition, such as 0:120,1:98");
    }
    positions[partition] = offset;
    at = read.ptr + 1;
  }
  return positions;
}

BrowseOptions BrowseOptionsOf(const io::HttpCall& call) {
  BrowseOptions options;
  if (const auto partition = NumberOf(call, "partition", {.min = 0, .max = INT32_MAX}))
    options.partition = static_cast<int32_t>(*partition);
  options.offset = NumberOf(call, "offset", {.min = 0, .max = INT64_MAX});
  options.positions = PositionsOf(TextOf(call, "positions"));
  if (const auto time = TextOf(call, "time"); !time.empty()) {
    options.time = ParseTimestamp(time);
    if (!options.time) throw io::HttpRefusal(400, "time is one such as 2021-07-21T06:00:00Z");
  }
  options.records_max = NumberOf(call, "limit", {.min = 1, .max = kRecordsMax}).value_or(options.records_max);
  options.contains = TextOf(call, "contains");
  options.path = TextOf(call, "path");
  options.equals = TextOf(call, "equals");
  options.where = TextOf(call, "where");
  return options;
}

/// Conditions of people who are not trusted run where their SQL runs; what is wrong with one is theirs to mend.
RecordFilter FilterBy(query::Sandbox& sandbox, const std::stop_token& stop) {
  return [&sandbox, stop](const std::string& where, std::span<const std::string_view> records, Duration time_max) {
    const auto deadline = Clock::System().Steady() + time_max;
    try {
      return sandbox.Filter(where, records, time_max, stop);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal) throw;
      if (error.code() == ErrorCode::kUnavailable && Clock::System().Steady() >= deadline) {
        throw io::HttpRefusal(400, "the condition takes too long; ask for less, or begin at a later place");
      }
      throw io::HttpRefusal(error.code() == ErrorCode::kUnavailable ? 503 : 400, error.what());
    }
  };
}

/// One of those that are asked at a time, for as long as it lives.
class AskingPlace {
 public:
  explicit AskingPlace(std::atomic<int>& asked) : asked_(asked), number_(++asked) {}
  ~AskingPlace() { --asked_; }
  AskingPlace(const AskingPlace&) = delete;
  AskingPlace& operator=(const AskingPlace&) = delete;
  int number() const { return number_; }

 private:
  std::atomic<int>& asked_;
  const int number_;
};

io::HttpReply Browse(io::HttpCall& call, const ServedParts& parts, std::atomic<int>& asked) {
  const auto options = BrowseOptionsOf(call);
  std::optional<AskingPlace> place;
  if (!options.where.empty() && place.emplace(asked).number() > kConditionsMax) {
    throw io::HttpRefusal(503, "as many conditions as may are being asked; try again in a moment",
                          {{"Retry-After", "1"}});
  }
  return JsonOf(BrowseTopic(parts.stream, call.parameters.at("topic"), options, FilterBy(parts.sandbox, call.stopping),
                            call.stopping));
}

/// One record as a person typed it.
event::AppendRequest RequestOf(const std::string& topic, const nlohmann::json& body) {
  const auto value = body.find("value");
  if (value == body.end()) throw io::HttpRefusal(400, "\"value\" is missing: a text, or JSON that is sent as it is");
  const auto text = value->is_string() ? value->get<std::string>() : value->dump();
  const auto key = TextOf(body, "key");
  auto batch = std::make_shared<event::EventBatch>();
  batch->payload = PaddedBuffer::CopyOf(text);
  batch->records = {{.begin = 0, .size = static_cast<uint32_t>(text.size())}};
  if (!key.empty()) {
    batch->key_payload = PaddedBuffer::CopyOf(key);
    batch->keys = {{.begin = 0, .size = static_cast<uint32_t>(key.size())}};
  }
  batch->ingested_at = Clock::System().Now();
  return {.topic = topic, .events = std::move(batch), .position = {}, .idempotency_key = {}};
}

ordered_json Produce(event::Stream& stream, const std::string& topic, const nlohmann::json& body) {
  RequireTopic(stream, topic);
  auto request = RequestOf(topic, body);
  std::vector<event::RecordReport> reports;
  request.reports = &reports;
  stream.Append(request);
  ordered_json answer = {{"partition", nullptr}, {"offset", nullptr}};
  if (!reports.empty() && reports[0].partition >= 0)
    answer = {{"partition", reports[0].partition}, {"offset", reports[0].offset}};
  return answer;
}

}  // namespace

void AddTopicRoutes(io::HttpRoutes& routes, const ServedParts& parts) {
  auto& stream = parts.stream;
  routes.Add({.method = "GET", .pattern = "/api/v1/topics", .handler = [&stream](io::HttpCall&) {
                return io::JsonReply(200, TopicListing(stream).AsJson());
              }});
  routes.Add({.method = "GET", .pattern = "/api/v1/topics/{topic}", .handler = [&stream](io::HttpCall& call) {
                return JsonOf(DescribeTopic(stream, call.parameters.at("topic")).AsJson());
              }});
  routes.Add({.method = "GET",
              .pattern = "/api/v1/topics/{topic}/records",
              .handler = [parts, conditions = std::make_shared<std::atomic<int>>(0)](
                             io::HttpCall& call) { return Browse(call, parts, *conditions); },
              .in_flight_max = kLooksMax,
              .role = kSeesData});
  routes.Add({.method = "POST",
              .pattern = "/api/v1/topics/{topic}/records",
              .handler =
                  [&stream](io::HttpCall& call) {
                    return JsonOf(Produce(stream, call.parameters.at("topic"), ObjectOf(call)));
                  },
              .body_bytes_max = kBodyBytesMax,
              .buffered = true,
              .role = kOperates});
}

}  // namespace millrace::app

#include "stream/kinesis/kinesis_client.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "io/digest.h"

namespace millrace::stream {
namespace {

using nlohmann::json;

/// Few: readers and appends go on by themselves, and a reader that waits in here commits nothing meanwhile.
constexpr int kAttemptsMax = 5;

io::AwsJsonOptions Completed(io::AwsJsonOptions server) {
  server.service = "kinesis";
  server.target = "Kinesis_20131202";
  server.content_type = "application/x-amz-json-1.1";
  server.retry.attempts_max = std::min(server.retry.attempts_max, kAttemptsMax);
  return server;
}

bool IsGone(const io::AwsRefusal& refusal) { return refusal.code == "ResourceNotFoundException"; }

/// Whatever reads an answer: one that is not as it should be is the server's fault.
template <typename Body>
auto Reading(const char* operation, Body&& body) {
  try {
    return body();
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kStop, fmt::format("{}: the answer is not Kinesis's: {}", operation, error.what()));
  } catch (const simdjson::simdjson_error& error) {
    throw Error(ErrorCode::kStop, fmt::format("{}: the answer is not Kinesis's: {}", operation, error.what()));
  }
}

Timestamp TimeOf(double seconds) {
  return Timestamp(std::chrono::milliseconds(static_cast<int64_t>(std::llround(seconds * 1000))));
}

Shard ShardOf(const json& said) {
  Shard shard;
  shard.id = said.at("ShardId").get<std::string>();
  shard.number = ShardNumber(shard.id);
  for (const char* parent : {"ParentShardId", "AdjacentParentShardId"}) {
    if (said.contains(parent) && said[parent].is_string()) shard.parents.push_back(ShardNumber(said[parent]));
  }
  const auto& range = said.at("SequenceNumberRange");
  shard.open = !range.contains("EndingSequenceNumber") || range["EndingSequenceNumber"].is_null();
  shard.first_hash = said.at("HashKeyRange").at("StartingHashKey").get<std::string>();
  return shard;
}

FetchedRecord RecordOf(simdjson::dom::element said) {
  FetchedRecord record;
  const std::string_view data = said["Data"];
  if (!io::DecodeBase64(data, record.data)) throw Error(ErrorCode::kStop, "GetRecords: a record is no base64");
  record.key = std::string_view(said["PartitionKey"]);
  record.sequence = std::string_view(said["SequenceNumber"]);
  double arrival = 0;
  if (said["ApproximateArrivalTimestamp"].get(arrival) == simdjson::SUCCESS) record.arrival = TimeOf(arrival);
  return record;
}

Fetched FetchedOf(const std::string& body) {
  simdjson::dom::parser parser;
  const auto said = parser.parse(body).value();
  Fetched fetched;
  const auto records = said["Records"].get_array().value();
  for (const auto record : records) fetched.records.push_back(RecordOf(record));
  std::string_view next;
  if (said["NextShardIterator"].get(next) == simdjson::SUCCESS) fetched.next_iterator = next;
  int64_t behind = 0;
  if (said["MillisBehindLatest"].get(behind) == simdjson::SUCCESS) fetched.behind = std::chrono::milliseconds(behind);
  return fetched;
}

/// By hand: what is appended is most of what is sent.
std::string PutBody(const std::string& stream, std::span<const RecordToPut> records) {
  std::string body = "{\"StreamName\":" + json(stream).dump() + ",\"Records\":[";
  for (const auto& record : records) {
    if (body.back() == '}') body += ',';
    body += "{\"PartitionKey\":" + json(record.key).dump() + ",\"Data\":\"" + io::Base64(record.data) + '"';
    if (!record.hash.empty()) body += ",\"ExplicitHashKey\":\"" + std::string(record.hash) + '"';
    body += '}';
  }
  return body + "]}";
}

json IteratorBody(const std::string& stream, const std::string& shard, const ShardPlace& place) {
  using At = ShardPlace::At;
  json body = {{"StreamName", stream}, {"ShardId", shard}};
  switch (place.at) {
    case At::kOldest:
      body["ShardIteratorType"] = "TRIM_HORIZON";
      break;
    case At::kTime:
      body["ShardIteratorType"] = "AT_TIMESTAMP";
      body["Timestamp"] =
          static_cast<double>(std::chrono::floor<std::chrono::milliseconds>(place.time).time_since_epoch().count()) /
          1000;
      break;
    case At::kSequence:
    case At::kEnd:  // nobody asks
      body["ShardIteratorType"] = "AT_SEQUENCE_NUMBER";
      body["StartingSequenceNumber"] = place.sequence;
      break;
  }
  return body;
}

}  // namespace

std::string ShardName(int32_t number) { return fmt::format("shardId-{:012}", number); }

int32_t ShardNumber(const std::string& name) {
  const auto digits = std::string_view(name).substr(name.rfind('-') + 1);
  int32_t number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc() && end == digits.data() + digits.size() && number >= 0) return number;
  throw Error(ErrorCode::kStop, fmt::format("a shard is called '{}', and no shard of Kinesis is", name));
}

KinesisClient::KinesisClient(io::AwsJsonOptions server) : http_(Completed(std::move(server))) {}

io::AwsJsonAnswer KinesisClient::Ask(const char* operation, const std::string& body) {
  return http_.Send(operation, body);
}

std::vector<std::string> KinesisClient::StreamNames() {
  std::vector<std::string> names;
  for (bool more = true; more;) {
    json body = {{"Limit", 100}};
    if (!names.empty()) body["ExclusiveStartStreamName"] = names.back();
    const auto answer = Ask("ListStreams", body.dump());
    if (!answer.ok()) throw ErrorOf(answer.refusal, "ListStreams");
    Reading("ListStreams", [&] {
      const auto said = json::parse(answer.body);
      for (const auto& name : said.at("StreamNames")) names.push_back(name);
      more = said.at("HasMoreStreams").get<bool>() && !said["StreamNames"].empty();
      return 0;
    });
  }
  return names;
}

std::optional<DescribedStream> KinesisClient::Describe(const std::string& stream) {
  const auto answer = Ask("DescribeStreamSummary", json{{"StreamName", stream}}.dump());
  if (!answer.ok() && IsGone(answer.refusal)) return std::nullopt;
  if (!answer.ok()) throw ErrorOf(answer.refusal, "DescribeStreamSummary of " + stream);
  return Reading("DescribeStreamSummary", [&]() -> std::optional<DescribedStream> {
    const auto said = json::parse(answer.body).at("StreamDescriptionSummary");
    DescribedStream described;
    const auto status = said.at("StreamStatus").get<std::string>();
    const auto made = TimeOf(said.at("StreamCreationTimestamp").get<double>());
    described.id = fmt::format("{}@{}", said.at("StreamARN").get<std::string>(),
                               std::chrono::duration_cast<std::chrono::milliseconds>(made.time_since_epoch()).count());
    described.active = status == "ACTIVE" || status == "UPDATING";
    described.deleting = status == "DELETING";
    described.open_shards = said.value("OpenShardCount", 0);
    described.retention = std::chrono::hours(said.value("RetentionPeriodHours", 24));
    return described;
  });
}

std::vector<Shard> KinesisClient::Shards(const std::string& stream) {
  std::vector<Shard> shards;
  for (json body = {{"StreamName", stream}}; !body.is_null();) {
    const auto answer = Ask("ListShards", body.dump());
    if (!answer.ok() && IsGone(answer.refusal)) return {};
    if (!answer.ok()) throw ErrorOf(answer.refusal, "ListShards of " + stream);
    body = Reading("ListShards", [&] {
      const auto said = json::parse(answer.body);
      for (const auto& shard : said.at("Shards")) shards.push_back(ShardOf(shard));
      const bool more = said.contains("NextToken") && said["NextToken"].is_string();
      return more ? json{{"NextToken", said["NextToken"]}} : json();
    });
  }
  std::ranges::sort(shards, {}, &Shard::number);
  return shards;
}

bool KinesisClient::Create(const std::string& stream, int32_t shards) {
  const auto answer = Ask("CreateStream", json{{"StreamName", stream}, {"ShardCount", shards}}.dump());
  if (answer.ok()) return true;
  if (answer.refusal.code == "ResourceInUseException") return false;
  throw ErrorOf(answer.refusal, "CreateStream " + stream);
}

bool KinesisClient::Delete(const std::string& stream) {
  const auto answer = Ask("DeleteStream", json{{"StreamName", stream}, {"EnforceConsumerDeletion", true}}.dump());
  if (answer.ok()) return true;
  if (IsGone(answer.refusal)) return false;
  throw ErrorOf(answer.refusal, "DeleteStream " + stream);
}

void KinesisClient::KeepFor(const std::string& stream, std::chrono::hours retention) {
  const auto answer = Ask("IncreaseStreamRetentionPeriod",
                          json{{"StreamName", stream}, {"RetentionPeriodHours", retention.count()}}.dump());
  if (!answer.ok()) throw ErrorOf(answer.refusal, "IncreaseStreamRetentionPeriod of " + stream);
}

std::optional<std::string> KinesisClient::Iterator(const std::string& stream, const std::string& shard,
                                                   const ShardPlace& place) {
  auto body = IteratorBody(stream, shard, place);
  auto answer = Ask("GetShardIterator", body.dump());
  if (place.at == ShardPlace::At::kTime && answer.refusal.code == "InvalidArgumentException") {
    // This machine's clock is ahead: what comes from now on has all that comes from then on.
    body.erase("Timestamp");
    body["ShardIteratorType"] = "LATEST";
    answer = Ask("GetShardIterator", body.dump());
  }
  if (!answer.ok() && IsGone(answer.refusal)) return std::nullopt;
  if (!answer.ok()) throw ErrorOf(answer.refusal, fmt::format("GetShardIterator of {} in {}", shard, stream));
  return Reading("GetShardIterator", [&] { return json::parse(answer.body).at("ShardIterator").get<std::string>(); });
}

std::optional<Fetched> KinesisClient::Records(const std::string& iterator, int records_max) {
  const auto answer = Ask("GetRecords", json{{"ShardIterator", iterator}, {"Limit", records_max}}.dump());
  if (answer.ok()) return Reading("GetRecords", [&] { return FetchedOf(answer.body); });
  if (answer.refusal.code == "ExpiredIteratorException")
    return Fetched{.records = {}, .next_iterator = {}, .expired = true};
  if (IsGone(answer.refusal)) return std::nullopt;
  throw ErrorOf(answer.refusal, "GetRecords");
}

std::vector<PutAnswer> KinesisClient::Put(const std::string& stream, std::span<const RecordToPut> records) {
  const auto answer = Ask("PutRecords", PutBody(stream, records));
  if (!answer.ok() && IsGone(answer.refusal)) {
    throw Error(ErrorCode::kConfig, fmt::format("there is no stream '{}' in Kinesis", stream));
  }
  if (!answer.ok()) throw ErrorOf(answer.refusal, "PutRecords into " + stream);
  return Reading("PutRecords", [&] {
    std::vector<PutAnswer> answers;
    const auto said = json::parse(answer.body);
    for (const auto& record : said.at("Records")) {
      const auto error = record.value("ErrorCode", std::string());
      if (error.empty())
        answers.push_back({record.at("ShardId").get<std::string>(), {}});
      else
        answers.push_back({{}, error + ": " + record.value("ErrorMessage", std::string())});
    }
    if (answers.size() != records.size()) {
      throw Error(ErrorCode::kStop, fmt::format("PutRecords: {} records were sent, and the answer is of {}",
                                                records.size(), answers.size()));
    }
    return answers;
  });
}

}  // namespace millrace::stream

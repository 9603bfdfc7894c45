#include "stream/kafka/fact_log.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "io/outage_patience.h"
#include "stream/kafka/consumer.h"
#include "stream/kafka/kafka_error.h"

namespace millrace::stream {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// What others left open ends by itself after their transaction.timeout.ms.
constexpr seconds kOthersPatience{75};
constexpr milliseconds kTakeWait{100};
/// A stop is looked for so often.
constexpr milliseconds kStopWait{500};
constexpr size_t kTakeMax = 1000;

std::string KeyOf(const std::string& owner, const std::string& key) { return json::array({owner, key}).dump(); }

/// Another process uses this transactional.id.
bool IsFenced(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__FENCED || error == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         error == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

void Note(const rd_kafka_message_t& message, const std::string& owner, std::map<std::string, std::string>& facts) {
  if (message.key == nullptr || message.payload == nullptr) return;
  const auto* text = static_cast<const char*>(message.key);
  const auto key = json::parse(text, text + message.key_len, nullptr, false);
  if (!key.is_array() || key.size() != 2 || key[0] != owner || !key[1].is_string()) return;
  facts[key[1].get<std::string>()] = std::string(static_cast<const char*>(message.payload), message.len);
}

}  // namespace

FactLog::FactLog(const KafkaOptions& options, std::shared_ptr<Admin> admin, Options facts)
    : options_(options), admin_(std::move(admin)), facts_(std::move(facts)) {}

FactLog::~FactLog() = default;

std::map<std::string, std::string> FactLog::Facts() {
  const std::lock_guard lock(mutex_);
  Open();
  return known_;
}

std::map<std::string, std::string> FactLog::Read() {
  std::map<std::string, std::string> facts;
  const TopicPartition place{facts_.topic, 0};
  const auto ends = admin_->Ends({place});
  const auto firsts = admin_->Earliest({place});
  if (!ends.contains(place) || !firsts.contains(place)) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("topic {} was deleted while it was read; try again", facts_.topic));
  }
  const int64_t end = ends.at(place);
  auto committed = options_;
  committed.read_committed = true;
  Consumer consumer(committed, "", options_.reader_bytes / 2);
  consumer.Place({{place, firsts.at(place)}});
  std::vector<rd_kafka_message_t*> messages(kTakeMax);
  const auto stop = io::OutagePatience::Stop();
  const auto deadline = std::chrono::steady_clock::now() + kOthersPatience;
  for (int64_t at = firsts.at(place); at < end;) {
    const size_t count = consumer.Take(messages.data(), messages.size(), kTakeWait);
    for (size_t i = 0; i < count; ++i) {
      if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) Note(*messages[i], facts_.owner, facts);
      rd_kafka_message_destroy(messages[i]);
    }
    // Behind the last record lie markers, and what others have not ended yet: our own may come after that.
    const auto positions = consumer.Positions({place});
    if (const auto found = positions.find(place); found != positions.end()) at = std::max(at, found->second);
    if (at < end && (stop.stop_requested() || consumer.client().refused())) {
      throw consumer.client().Unreachable(fmt::format("reading what {} has appended", facts_.owner));
    }
    if (at < end && std::chrono::steady_clock::now() > deadline) {
      if (!consumer.client().trouble().empty()) {
        throw consumer.client().Unreachable(fmt::format("reading what {} has appended", facts_.owner));
      }
      throw Error(
          ErrorCode::kUnavailable,
          fmt::format("topic {}: a transaction of another producer stays open before offset {}, so it cannot be "
                      "known what {} has appended; try again, or end it with kafka-transactions.sh",
                      facts_.topic, end, facts_.owner));
    }
  }
  return facts;
}

/// The library waits as long for a token that is refused as for a broker that is away. It goes on where it was when it
/// is called again.
void FactLog::TakeOver(Producer& producer) const {
  const auto stop = io::OutagePatience::Stop();
  const auto deadline = std::chrono::steady_clock::now() + options_.delivery_timeout;
  const auto what = "taking over producer " + facts_.owner;
  for (;;) {
    const KafkaErrorPtr error(rd_kafka_init_transactions(producer.handle(), static_cast<int>(kStopWait.count())));
    if (!error) return;
    const bool over =
        producer.client().refused() || stop.stop_requested() || std::chrono::steady_clock::now() >= deadline;
    if (!over && rd_kafka_error_is_retriable(error.get()) != 0) continue;
    const auto code = rd_kafka_error_code(error.get());
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT) throw producer.client().Unreachable(what);
    throw KafkaError(code, what, rd_kafka_error_string(error.get()));
  }
}

void FactLog::Open() {
  if (producer_) return;
  event::TopicSpec spec;
  spec.name = facts_.topic;
  if (admin_->Describe({facts_.topic}).empty()) admin_->Create(spec, facts_.settings);
  auto producer = std::make_unique<Producer>(options_, *admin_, options_.group_prefix + facts_.owner);
  FaultPoint("kafka.before_init");
  TakeOver(*producer);
  FaultPoint("kafka.after_init");
  // Whatever an earlier user of the name had open has ended by now.
  known_ = Read();
  producer_ = std::move(producer);
}

FactLog::Outcome FactLog::Append(const event::AppendRequest& request, const std::string& key,
                                 const std::optional<std::string>& expected, const std::string& value) {
  const std::lock_guard lock(mutex_);
  Open();
  const auto known = known_.find(key);
  const auto now = known == known_.end() ? std::nullopt : std::optional(known->second);
  if (now != expected) return Outcome::kRefused;
  return Transact(request, key, value);
}

FactLog::Outcome FactLog::Transact(const event::AppendRequest& request, const std::string& key,
                                   const std::string& value) {
  try {
    FaultPoint("kafka.before_begin");
    ThrowIf(rd_kafka_begin_transaction(producer_->handle()), "beginning a transaction");
    {
      Producer::Delivery delivery;
      producer_->Send(request, delivery);
      producer_->Send(facts_.topic, 0, KeyOf(facts_.owner, key), value, delivery);
      FaultPoint("kafka.after_send");
      producer_->Await(delivery);
    }
    FaultPoint("kafka.before_commit");
    Commit();
    FaultPoint("kafka.after_commit");
  } catch (const Error& error) {
    char text[512];
    const auto fatal = rd_kafka_fatal_error(producer_->handle(), text, sizeof(text));
    if (IsFenced(fatal)) {
      producer_.reset();
      return Outcome::kFenced;
    }
    Abort();
    throw;
  }
  known_[key] = value;
  return Outcome::kAppended;
}

void FactLog::Commit() {
  const auto deadline = std::chrono::steady_clock::now() + options_.delivery_timeout;
  for (;;) {
    const KafkaErrorPtr error(
        rd_kafka_commit_transaction(producer_->handle(), static_cast<int>(options_.timeout.count())));
    if (!error) return;
    const bool again = rd_kafka_error_is_retriable(error.get()) != 0 && std::chrono::steady_clock::now() < deadline;
    if (!again) {
      throw KafkaError(rd_kafka_error_code(error.get()), "committing what was appended",
                       rd_kafka_error_string(error.get()));
    }
    LogDebug("kafka: the commit of a transaction is asked again: {}", rd_kafka_error_string(error.get()));
  }
}

void FactLog::Abort() {
  const KafkaErrorPtr error(
      rd_kafka_abort_transaction(producer_->handle(), static_cast<int>(options_.timeout.count())));
  // Without a known end the handle goes, and the next one learns it from the brokers.
  if (error) producer_.reset();
}

}  // namespace millrace::stream

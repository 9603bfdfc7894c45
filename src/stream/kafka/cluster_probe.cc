#include "stream/kafka/cluster_probe.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/kafka_error.h"
#include "stream/kafka/kafka_reader.h"
#include "stream/kafka/producer.h"

namespace millrace::stream {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstAnswer{5000};

/// Nobody waits for a probe as long as for a pipeline.
KafkaOptions Hurried(KafkaOptions options) {
  constexpr milliseconds kLongest{10'000};
  options.timeout = std::min(options.timeout, kLongest);
  options.delivery_timeout = std::min(options.delivery_timeout, kLongest);
  options.worker.clear();  // a member of its own, not one that a running process is
  return options;
}

}  // namespace

ClusterProbe::ClusterProbe(KafkaOptions options)
    : options_(Hurried(std::move(options))), admin_(std::make_shared<Admin>(options_)) {
  admin_->Connect(kFirstAnswer);
}

ClusterProbe::~ClusterProbe() { RemoveScratch(); }

std::vector<std::string> ClusterProbe::Brokers() { return admin_->Brokers(); }

std::vector<std::string> ClusterProbe::Matching(const std::string& subscription) {
  return admin_->Matching(subscription);
}

std::optional<std::set<std::string>> ClusterProbe::Rights(const std::string& topic) { return admin_->Rights(topic); }

void ClusterProbe::MakeScratchTopic(const std::string& word) {
  event::TopicSpec spec;
  spec.name = options_.group_prefix + "doctor-" + word;
  scratch_ = spec.name;  // an answer that gets lost may have made it
  admin_->Create(spec, {});
}

void ClusterProbe::Write(const event::EventBatchPtr& events) {
  Producer producer(options_, *admin_, "");
  Producer::Delivery delivery;
  producer.Send({.topic = scratch_, .events = events, .position = {}, .idempotency_key = {}}, delivery);
  producer.Await(delivery);
}

void ClusterProbe::WriteInTransaction(const event::EventBatchPtr& events) {
  Producer producer(options_, *admin_, scratch_);
  const int patience = static_cast<int>(options_.timeout.count());
  ThrowIf(rd_kafka_init_transactions(producer.handle(), patience), "beginning as transactional id " + scratch_);
  ThrowIf(rd_kafka_begin_transaction(producer.handle()), "beginning a transaction");
  {
    Producer::Delivery delivery;
    producer.Send({.topic = scratch_, .events = events, .position = {}, .idempotency_key = {}}, delivery);
    producer.Await(delivery);
  }
  ThrowIf(rd_kafka_commit_transaction(producer.handle(), patience), "committing a transaction");
}

size_t ClusterProbe::Read(size_t expected, const std::stop_token& stop) {
  event::ReaderOptions reader_options;
  reader_options.reader = scratch_.substr(options_.group_prefix.size());
  group_ = options_.group_prefix + reader_options.reader;
  KafkaReader reader(options_, admin_, nullptr, scratch_, reader_options);
  reader.Seek({});
  const auto deadline = Clock::System().Steady() + options_.timeout;
  size_t records = 0;
  while (records < expected && Clock::System().Steady() < deadline && !stop.stop_requested()) {
    const auto read = reader.Read({}, stop);
    if (read.state == event::ReadState::kReassigned) reader.Seek({});
    if (read.batch) records += read.batch->size();
  }
  return records;
}

void ClusterProbe::RemoveScratch() noexcept {
  const auto quietly = [](const std::string& what, const auto& remove) {
    try {
      remove();
    } catch (const std::exception& error) {
      LogWarning("{} stays behind: {}", what, error.what());
    }
  };
  if (!scratch_.empty()) quietly("topic " + scratch_, [&] { admin_->Delete(scratch_); });
  if (!group_.empty()) quietly("group " + group_, [&] { admin_->DeleteGroup(group_); });
}

}  // namespace millrace::stream

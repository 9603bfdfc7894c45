#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "event/stream.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/producer.h"

namespace millrace::stream {

/// What an owner has appended so far, as facts (key -> value) in a topic of their own that keeps the last value of each
/// key, written in the same transaction as the records they speak of. One owner is one transactional.id: whoever uses
/// the name last fences the others, and ends what they left open. So a crash between any two steps leaves both or none.
///
/// The topic has one partition. Its records: key `["<owner>","<key>"]` as JSON, value as it is. Frozen.
class FactLog {
 public:
  struct Options {
    std::string topic;
    std::map<std::string, std::string> settings;  // of the topic, when it is made here
    std::string owner;
  };
  FactLog(const KafkaOptions& options, std::shared_ptr<Admin> admin, Options facts);
  ~FactLog();
  FactLog(const FactLog&) = delete;
  FactLog& operator=(const FactLog&) = delete;

  enum class Outcome {
    kAppended,
    kRefused,  // the fact is not as expected: nothing was appended
    kFenced,   // somebody else uses the owner's name: nothing was appended
  };
  /// Appends the records and sets the fact in one transaction, if it is `expected` now (nullopt: not there). Returns
  /// with a known outcome. Error kUnavailable when there is none: the next use of the owner's name finds out.
  Outcome Append(const event::AppendRequest& request, const std::string& key,
                 const std::optional<std::string>& expected, const std::string& value);

  /// The facts that are committed. Takes the owner's name over, unless this object has it: what a crash left open ends
  /// at once, and does not keep us waiting until it times out.
  std::map<std::string, std::string> Facts();

 private:
  std::map<std::string, std::string> Read();
  void Open();
  /// Error kUnavailable, or of the broker's refusal, when a stop or the time comes first.
  void TakeOver(Producer& producer) const;
  Outcome Transact(const event::AppendRequest& request, const std::string& key, const std::string& value);
  /// Ends the transaction for good, or the handle.
  void Abort();
  void Commit();

  const KafkaOptions options_;
  const std::shared_ptr<Admin> admin_;
  const Options facts_;
  std::mutex mutex_;
  std::unique_ptr<Producer> producer_;  // null: to be made
  std::map<std::string, std::string> known_;
};

}  // namespace millrace::stream

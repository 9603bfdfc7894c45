#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "stream/kafka/kafka_options.h"
#include "stream/kafka/properties.h"

namespace millrace::stream {

/// One handle of librdkafka: its threads, its connections. Thread-safe as the library is.
class Client {
 public:
  enum class Kind { kConsumer, kProducer };
  struct Hooks {
    int events = 0;  // RD_KAFKA_EVENT_*: what comes as events on the handle's queue
    void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*) = nullptr;
  };

  /// `more` goes before what the user has set. Error kConfig for a property with a value that is none.
  Client(Kind kind, const KafkaOptions& options, const Properties& more, const Hooks& hooks);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_t* handle() const { return handle_.get(); }

  /// What keeps the brokers from answering, as far as was seen since Answered; empty: nothing.
  std::string trouble() const;
  /// The status of what the token server answered instead of a token; -1: it does not answer.
  std::optional<int> token_answer() const;
  /// Credentials or certificates were refused: trying again does not help.
  bool refused() const;
  /// What ends the use of the handle: it was fenced, or the cluster forbids what it does.
  std::optional<Error> failure() const;
  /// The failure is that another member of the group goes by the same name.
  bool fenced() const;
  /// Notes an error that came as an event, if it ends the use of the handle.
  void Told(rd_kafka_resp_err_t error, const std::string& reason);
  /// A broker answered.
  void Answered();
  /// The sentence and the code for an answer that did not come in time.
  Error Unreachable(const std::string& what) const;

 private:
  static void OnError(rd_kafka_t* handle, int error, const char* reason, void* self);
  static void OnLog(const rd_kafka_t* handle, int level, const char* facility, const char* line);
  void Saw(rd_kafka_resp_err_t error, const std::string& reason);
  void SawTokenAnswer(int status);

  const std::string brokers_;
  const std::optional<KafkaSasl> tokens_;  // where they come from
  std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> handle_;
  mutable std::mutex mutex_;
  std::string trouble_;
  bool refused_ = false;
  std::optional<int> token_answer_;  // the status of the last that was no token; -1: none came
  std::optional<Error> failure_;
  bool fenced_ = false;
};

}  // namespace millrace::stream

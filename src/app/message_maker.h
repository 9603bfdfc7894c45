#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/event_batch.h"
#include "schema/registry/message_encoder.h"

namespace millrace::app {

struct MessageOptions {
  /// The member whose value is the message's key, dotted for members of members; empty: no keys.
  std::string key;
  /// What values are checked by, and which number stands before them; absent: values go as they are.
  schema::RegisteredSchemaPtr schema;
  /// Which message of a Protobuf schema; empty: its first.
  std::string message = {};
};

/// Makes messages of JSON records: checks each by a schema, writes it as Avro or Protobuf where the schema is one, puts
/// the schema's number before it (Confluent's wire format) and takes its key out. One thread at a time.
class MessageMaker {
 public:
  /// Error kConfig when the schema cannot be used.
  explicit MessageMaker(MessageOptions options);

  /// The messages of a batch. Error kData for the first record that is none, with `where` it stands: "cards.csv:17".
  event::EventBatchPtr Make(const event::EventBatchPtr& batch, const std::vector<std::string>& paths);

 private:
  struct Draft;
  void Add(std::string_view record, Draft& draft);

  const MessageOptions options_;
  std::optional<schema::MessageEncoder> encoder_;
  uint64_t made_ = 0;
};

}  // namespace millrace::app

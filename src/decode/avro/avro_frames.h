#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "decode/schema_verdicts.h"
#include "schema/avro/avro_schema.h"
#include "schema/registry/registry.h"

namespace millrace::decode {

/// How a message says which schema it was written by.
enum class AvroFraming {
  kConfluent,     // a zero, the number of a schema in a registry, the record
  kSingleObject,  // C3 01, the fingerprint of one of the schemas given, the record
  kNone,          // not at all: the one schema given
};

/// Which schema a message was written by. Used by one thread at a time.
class AvroFrames {
 public:
  /// `known`: schemas as text, of messages that name none of a registry's. `schemas`: the registry, for kConfluent.
  /// Error kConfig when one that is needed is not given, or one given is none.
  AvroFrames(AvroFraming framing, const std::vector<std::string>& known, std::shared_ptr<schema::SchemaLookup> schemas);

  /// Before the messages of a batch: what a registry did not know is asked for again.
  void NextBatch() { verdicts_.NextBatch(); }

  struct Writer {
    std::optional<schema::AvroSchema> schema;
    std::string unusable;  // why its records cannot be read; empty: they can
  };
  struct Frame {
    size_t writer = 0;  // its number, from 0
    size_t prefix = 0;  // bytes before the record
  };
  /// nullopt: why() says why none.
  std::optional<Frame> Find(std::string_view message);
  const std::string& why() const { return why_; }
  /// Stays where it is.
  const Writer& writer(size_t number) const { return writers_[number]; }

 private:
  std::optional<Frame> Registered(int32_t id);
  std::optional<Frame> Fail(std::string why);

  const AvroFraming framing_;
  SchemaVerdicts verdicts_;
  std::deque<Writer> writers_;
  std::unordered_map<int32_t, size_t> registered_;
  std::unordered_map<uint64_t, size_t> known_;  // by fingerprint
  size_t plain_ = 0;                            // of messages without a frame
  std::string why_;
};

}  // namespace millrace::decode

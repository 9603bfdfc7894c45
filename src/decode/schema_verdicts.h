#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "schema/registry/registry.h"

namespace millrace::decode {

/// What a registry says of the numbers that messages name their schemas by. Each number that it knows is asked for
/// once, one that it does not know now and then again, few of them in one batch: made-up numbers cost little. A
/// registry that does not answer is waited for where there is an io::OutagePatience.
class SchemaVerdicts {
 public:
  struct Verdict {
    schema::RegisteredSchemaPtr schema;  // null: `why` says why its messages cannot be read
    std::string why = {};                // "is of schema 7, which the registry does not know; ..."
    uint64_t asked = 0;                  // the batch
  };

  SchemaVerdicts(std::shared_ptr<schema::SchemaLookup> schemas, schema::SchemaKind kind)
      : schemas_(std::move(schemas)), kind_(kind) {}

  void NextBatch();
  /// Good until the next call. Throws what the registry throws, but that one schema is damaged there (Error kData).
  const Verdict& Of(int32_t id);

 private:
  Verdict Ask(int32_t id) const;

  std::shared_ptr<schema::SchemaLookup> schemas_;
  schema::SchemaKind kind_;
  std::unordered_map<int32_t, Verdict> verdicts_;
  uint64_t batches_ = 0;
  int unknown_in_batch_ = 0;
  Verdict unasked_;
};

/// Why a message has no number of a schema before it; it is not empty.
std::string WhyNotFramed(std::string_view message);

/// No longer than what a reject may say.
std::string Capped(std::string text);

}  // namespace millrace::decode

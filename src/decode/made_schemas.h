#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schema/registry/registry.h"

namespace millrace::decode {

/// Avro schemas that were made here, of message types or of parts of other schemas, by numbers of their own. Used by
/// one thread at a time.
class MadeSchemas final : public schema::SchemaLookup {
 public:
  int32_t Add(std::string text) {
    const auto id = static_cast<int32_t>(schemas_.size());
    schemas_.push_back(std::make_shared<const schema::RegisteredSchema>(
        schema::RegisteredSchema{.id = id, .kind = schema::SchemaKind::kAvro, .text = std::move(text)}));
    return id;
  }
  schema::RegisteredSchemaPtr Find(int32_t id) override {
    const auto at = static_cast<size_t>(id);
    return at < schemas_.size() ? schemas_[at] : nullptr;
  }

 private:
  std::vector<schema::RegisteredSchemaPtr> schemas_;
};

}  // namespace millrace::decode

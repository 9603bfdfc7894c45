#pragma once

#include <map>
#include <memory>
#include <string>

#include "schema/registry/registry.h"

namespace millrace::schema {

/// Schemas by number, for decoders to look up.
class SchemaShelf final : public SchemaLookup {
 public:
  void Put(int32_t id, std::string text, SchemaKind kind = SchemaKind::kAvro,
           std::vector<RegisteredSchema::Used> references = {}) {
    schemas_[id] = std::make_shared<const RegisteredSchema>(
        RegisteredSchema{.id = id, .kind = kind, .text = std::move(text), .references = std::move(references)});
  }
  RegisteredSchemaPtr Find(int32_t id) override {
    ++asked;
    const auto found = schemas_.find(id);
    return found == schemas_.end() ? nullptr : found->second;
  }
  int asked = 0;

 private:
  std::map<int32_t, RegisteredSchemaPtr> schemas_;
};

}  // namespace millrace::schema

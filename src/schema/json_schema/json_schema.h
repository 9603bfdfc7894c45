#pragma once

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/registry/registry.h"

namespace millrace::schema {

/// A JSON Schema (to draft 7) that documents are checked by. Immutable, but one thread at a time.
class JsonSchema {
 public:
  /// `references` are found by the names that `$ref`s give. Error kData when it is no schema.
  JsonSchema(std::string_view text, const std::vector<RegisteredSchema::Used>& references);
  ~JsonSchema();
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;

  /// What is wrong with a document, with the path: "/age: must be of type integer"; empty: it is valid.
  /// Error kData when that cannot be told: a pattern of the schema is not one of ECMAScript's.
  std::string WhyInvalid(const nlohmann::json& document) const;
  /// Its "title"; empty when there is none.
  const std::string& title() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::schema

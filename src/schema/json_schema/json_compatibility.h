#pragma once

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

namespace millrace::schema {

/// A JSON Schema with the documents that its `$ref`s name.
struct JsonSchemaDocuments {
  const nlohmann::json* root = nullptr;
  std::map<std::string, const nlohmann::json*> references = {};  // by the name that a $ref gives
};

/// Why a reader of one schema may refuse what a writer of another has written, one sentence with the path each; empty:
/// it takes all of it. The rules are those of Confluent's registry: a property that is added to an object which allows
/// others already may clash with one that was written; one that is added to a closed object is fine unless it is
/// required without a default.
std::vector<std::string> WhyJsonUnreadable(const JsonSchemaDocuments& reader, const JsonSchemaDocuments& writer);

}  // namespace millrace::schema

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/registry/registry.h"

namespace millrace::schema {

/// Which earlier versions of a subject a new one must go with, and who reads whom: backward, the new one reads what
/// the old ones wrote. Transitive: all of them, else the latest. The words are the API's, and stored: frozen.
enum class Compatibility {
  kNone,
  kBackward,
  kBackwardTransitive,
  kForward,
  kForwardTransitive,
  kFull,
  kFullTransitive,
};
std::string_view ToString(Compatibility level);
std::optional<Compatibility> ParseCompatibility(std::string_view word);

/// Throws Error kData when the schema is none: it does not parse, or what it refers to is not there.
void CheckSchema(const RegisteredSchema& schema);

/// Why `added` does not go with the versions before it (oldest first), one sentence each; empty: it does. All are valid
/// schemas.
std::vector<std::string> WhyIncompatible(Compatibility level, const RegisteredSchema& added,
                                         const std::vector<RegisteredSchemaPtr>& before);

}  // namespace millrace::schema

#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

#include "schema/schema.h"

namespace millrace::schema {

/// The table property that holds a name mapping as JSON.
inline constexpr const char* kNameMappingProperty = "schema.name-mapping.default";

/// Which field id a column of a file without ids has, by the names it has had (Iceberg spec, "Name Mapping
/// Serialization").
struct MappedField {
  std::optional<FieldId> id;
  std::vector<std::string> names;
  std::vector<MappedField> fields;
  friend bool operator==(const MappedField&, const MappedField&) = default;
};
struct NameMapping {
  std::vector<MappedField> fields;
  friend bool operator==(const NameMapping&, const NameMapping&) = default;
};

/// Every column of the schema under its name of now.
NameMapping MappingOf(const Schema& schema);

/// Adds the columns and names of `schema` that the mapping lacks; names it has stay, so that old files still read.
NameMapping Extend(NameMapping mapping, const Schema& schema);

nlohmann::json ToJson(const NameMapping& mapping);
std::string PrintNameMapping(const NameMapping& mapping);
/// Error kData naming the member that is wrong.
NameMapping ParseNameMapping(std::string_view json);

}  // namespace millrace::schema

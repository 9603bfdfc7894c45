#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/schema.h"
#include "table/metadata.h"

namespace millrace::table {

/// One member of the struct that partition values are kept in.
struct PartitionTypeField {
  int32_t field_id = 0;
  std::string name;
  schema::PrimitiveType type;  // string where the source is not known
  bool source_known = false;
};

/// The partition struct of a spec: the result types of its transforms on the columns as they are in the newest schema
/// that has them. Values whose source no schema knows any more read as null.
std::vector<PartitionTypeField> PartitionTypeOf(const TableMetadata& metadata, const PartitionSpec& spec);

/// The spec of that id; Error kData naming it when the table has none.
const PartitionSpec& SpecOf(const TableMetadata& metadata, int32_t spec_id);

}  // namespace millrace::table

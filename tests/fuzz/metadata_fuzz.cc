// Any bytes, as table metadata: they are read or refused as damaged data, and what was read survives being printed and
// read again. What it names (schemas, specs, snapshots) can be looked up without harm.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "table/metadata.h"
#include "table/partition.h"

namespace {

using namespace millrace;
using namespace millrace::table;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void LookAround(const TableMetadata& metadata) {
  for (const schema::Schema& schema : metadata.schemas) {
    const auto highest = schema.highest_id();
    Require(schema.fields.empty() || schema.Find(highest) != nullptr, "the highest id names no field");
    Require(schema.fields.empty() || !schema.PathOf(highest).empty() || schema.Find(highest)->name.empty(),
            "a field has no path");
  }
  for (const PartitionSpec& spec : metadata.partition_specs) {
    PartitionPath(spec, metadata.schema(), PartitionTuple(spec.fields.size()));
  }
  Require(!metadata.current_snapshot_id || metadata.current_snapshot() != nullptr, "the current snapshot dangles");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  TableMetadata metadata;
  try {
    metadata = ParseMetadata({reinterpret_cast<const char*>(data), size});
  } catch (const Error& error) {
    Require(error.code() == ErrorCode::kData, error.what());
    return 0;
  }
  LookAround(metadata);
  if (metadata.format_version != 2) return 0;
  const std::string printed = PrintMetadata(metadata);
  Require(PrintMetadata(ParseMetadata(printed)) == printed, "metadata changes when it is read again");
  return 0;
}

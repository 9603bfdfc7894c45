#pragma once

#include <string>
#include <vector>

#include "document/dynamodb/dynamo_item.h"
#include "document/dynamodb/dynamo_store_options.h"

namespace millrace::document {

/// What a table is like.
struct DynamoTable {
  std::vector<DynamoKey> keys;      // the partition key, and the sort key where there is one
  std::string expires = {};         // the attribute that the table's TTL goes by
  bool expires_is_records = false;  // somebody else named it: records may have it
};

/// The attribute of TTL where the table has none yet.
inline constexpr const char* kExpires = "_millrace_expires";

/// The table of the documents, checked against `key`; it and the two beside it are made where `create` says so and they
/// are missing. Error kConfig when one is missing or has another key than it should: the message says how to mend it.
DynamoTable OpenDynamoTables(io::AwsJsonClient& client, const DynamoStoreOptions& options);

}  // namespace millrace::document

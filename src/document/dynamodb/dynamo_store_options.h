#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "io/aws_json_client.h"

namespace millrace::document {

struct DynamoStoreOptions {
  io::AwsJsonOptions server;  // service and target are the store's to set
  std::string table;
  std::string quarantine_table;  // empty: `<table>_quarantine`
  std::string positions_table = "millrace_positions";
  std::vector<std::string> key;          // of the sink; empty: each record is an item of its own
  bool create = false;                   // makes tables that are missing, and turns their TTL on
  std::vector<std::string> number_keys;  // those of `key` that are numbers in a table that is made; the others are text
  std::string scope;                     // whose positions these are: unique among all who write into the table
  std::chrono::milliseconds deleted_for = std::chrono::hours(24);
  int writers = 16;  // requests under way at a time
};

}  // namespace millrace::document

#pragma once

#include <cstdint>
#include <string>

#include "catalog/catalog.h"

namespace millrace::app {

/// How many records of which table and cause are in quarantine: "table", cause, records, replayed, first, last. Empty:
/// there is no quarantine.
std::string QuarantineCountsSql(catalog::Catalog& catalog);

struct QuarantineLook {
  int64_t records_max = 20;
  bool replayed_too = false;  // also those that have become rows since
};
/// The records themselves, the newest first: topic, "partition", "offset", split, cause, detail, ingested_at, record.
/// `table` is the one they were meant for, or the quarantine's own. Error kUsage when there is nothing of it.
std::string QuarantineRecordsSql(catalog::Catalog& catalog, const std::string& table, const QuarantineLook& look);

}  // namespace millrace::app

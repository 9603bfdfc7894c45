#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "table/metadata.h"

namespace millrace::app {

/// A number of a snapshot's summary; null where the writer left it out.
nlohmann::json SummaryNumber(const table::Summary& summary, const std::string& key);

std::string FormatMillis(int64_t milliseconds);

/// "day(created_at), type": how a spec was written.
std::string DescribeSpec(const table::PartitionSpec& spec, const schema::Schema& schema);
std::string DescribeOrder(const table::SortOrder& order, const schema::Schema& schema);

}  // namespace millrace::app

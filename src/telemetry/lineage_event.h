#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace millrace::telemetry {

/// A table or topic, as OpenLineage names it (spec/Naming.md).
struct LineageDataset {
  struct Field {
    std::string name;
    std::string type;
    std::string doc = {};
  };
  std::string name_space;
  std::string name;
  std::vector<Field> fields = {};  // empty: not known
  std::string version = {};        // of a table its snapshot; empty: none
  std::string table = {};          // what the catalogue calls it; empty: it is in none
  std::optional<int64_t> rows = std::nullopt;
  std::optional<int64_t> files = std::nullopt;
  std::optional<int64_t> bytes = std::nullopt;
};

/// The namespace and name of what lies at a location: "s3://lake/wh/t" is wh/t in s3://lake, "/data/t" is in "file".
LineageDataset DatasetAt(const std::string& location);

/// One run of one job: a commit of a table's feed, or a run of a model.
struct LineageEvent {
  enum class State { kStart, kComplete, kFail, kAbort };  // kAbort: what it would have made is there already
  State state = State::kStart;
  Timestamp at{};
  std::string run_id;  // a UUID
  std::string job;     // "land.silver.events", "model.gold.users"
  std::string job_type;
  bool streaming = false;
  std::string sql = {};  // of a model
  std::vector<LineageDataset> inputs = {};
  std::vector<LineageDataset> outputs = {};
  std::string error = {};
};

/// A RunEvent of OpenLineage 2-0-2, as JSON without line breaks. Text that is no UTF-8 is mended.
std::string ToJson(const LineageEvent& event, const std::string& job_namespace, const std::string& version);

}  // namespace millrace::telemetry

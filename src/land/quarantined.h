#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "event/decoder.h"
#include "event/event_batch.h"
#include "io/object_store.h"
#include "table/metadata.h"

namespace millrace::land {

/// A record in a quarantine table: where it stood, and through which scope it came.
struct QuarantinedPlace {
  std::string scope;
  event::SplitId split;
  int64_t offset = 0;
  friend auto operator<=>(const QuarantinedPlace&, const QuarantinedPlace&) = default;
};

/// Which records are meant: those of a target that have bytes and have not become rows.
struct QuarantineFilter {
  std::string target;            // as in the column "table"
  std::set<std::string> causes;  // empty: all
};

/// Records of one origin as they came: same topic, partition, split and time of ingestion.
struct QuarantinedBatch {
  std::shared_ptr<event::EventBatch> events;  // without cursors
  std::vector<QuarantinedPlace> places;       // one a record
  std::vector<std::string> causes;            // one a record
};

/// Reads the data files of a quarantine table at one snapshot, and gives the records that are meant, in the order of
/// the files. Rows that somebody deleted are not meant. One thread.
class QuarantinedRecords {
 public:
  QuarantinedRecords(io::ObjectStore& store, std::shared_ptr<const table::TableMetadata> metadata,
                     QuarantineFilter filter);
  ~QuarantinedRecords();
  QuarantinedRecords(const QuarantinedRecords&) = delete;
  QuarantinedRecords& operator=(const QuarantinedRecords&) = delete;

  /// The next ones, some thousands at most; empty at the end.
  std::vector<QuarantinedBatch> Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land

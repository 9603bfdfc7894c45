#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "event/decoder.h"
#include "event/position.h"
#include "io/object_store.h"
#include "table/data_file.h"
#include "table/metadata.h"

namespace millrace::land {

/// The names under which a quarantine table's snapshots state where the chunk of a target's scope began and ended whose
/// rejects they brought: positions as of PrintPositions. Frozen.
std::string QuarantineFromProperty(const std::string& scope);
std::string QuarantineToProperty(const std::string& scope);

/// Records that a quarantine table has and its target has not passed: what a crash between the two commits leaves, or
/// another worker that was overtaken between them. Plain data; immutable once read.
class HeldRecords {
 public:
  HeldRecords() = default;
  /// Those of `scope` in chunks that end beyond `landed`, the target's positions. Reads the data files that brought
  /// such chunks, which are few; all other snapshots are passed by what they state.
  HeldRecords(io::ObjectStore& store, const table::TableMetadata& metadata, const std::string& scope,
              const event::Positions& landed);
  /// All that the table has now, of whatever scope, but for what was replayed since.
  static HeldRecords Everything(io::ObjectStore& store, const table::TableMetadata& metadata);

  bool empty() const { return causes_.empty() && gaps_.empty(); }
  std::optional<event::RejectCause> Find(const event::SplitId& split, int64_t offset) const;
  /// Behind the held gaps that begin at `first_offset` and follow each other; `first_offset` when there is none.
  int64_t PassGaps(const event::SplitId& split, int64_t first_offset) const;

 private:
  /// `scope` empty: of every scope.
  void ReadFile(io::ObjectStore& store, const table::TableMetadata& metadata, const table::DataFile& file,
                const std::string& scope);

  std::map<event::SplitId, std::unordered_map<int64_t, event::RejectCause>> causes_;
  std::map<event::SplitId, std::map<int64_t, int64_t>> gaps_;  // the first that is missing -> what follows the last one
};

}  // namespace millrace::land

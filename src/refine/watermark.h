#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/position.h"
#include "land/quarantine_rows.h"
#include "refine/model.h"
#include "refine/partition_slices.h"
#include "table/metadata.h"

namespace millrace::refine {

/// Among the positions of a model's scope: its watermark, as a time, and how many rows came too late since all rows
/// were made anew last. Frozen.
inline const event::SplitId kWatermarkSplit{"watermark"};
inline const event::SplitId kLateSplit{"late_rows"};
/// The cause of rows in quarantine that came too late. Frozen.
inline constexpr const char* kLateCause = "late";

/// How far time has come for a model, and how many of the new rows are too late for it: a partition that ends at or
/// before the watermark is closed. What the watermark was when the run began decides; it never goes back, except when
/// all rows are made anew.
struct WatermarkStep {
  std::optional<Timestamp> before;
  std::optional<Timestamp> after;
  int64_t late = 0;                        // of the new rows
  std::optional<Timestamp> closed_before;  // where the first partition begins that was not closed
  std::optional<Timestamp> closed_now;     // the same by `after`
};

/// Error kConfig, at the header's line, unless partitions are replaced by one field of a time.
ReplaceFields::TimeField RequireTimeField(const Model& model, const ReplaceFields& fields);

/// What new rows, `relation`, are to be asked: two text columns, the newest time in microseconds since 1970, and how
/// many rows are late.
std::string NewestSql(const Model& model, const std::string& relation, std::optional<Timestamp> closed_before,
                      ModelEngine engine);
/// The late ones as JSON, in the column kRowColumn.
std::string LateRowsSql(const Model& model, const std::string& relation, Timestamp closed_before, ModelEngine engine);
/// Those, for quarantine.
std::vector<land::BrokenRow> LateIn(const arrow::RecordBatch& rows, const Model& model, Timestamp watermark);

/// Where the first partition begins that a watermark has not closed.
std::optional<Timestamp> ClosedBefore(std::optional<Timestamp> watermark, ReplaceFields::TimeField::Unit unit);

/// Takes an answer to NewestSql into a step that begins at what is stored.
void TakeNewest(const Model& model, ReplaceFields::TimeField::Unit unit, const arrow::RecordBatch& newest,
                WatermarkStep& step);

/// The partitions that a run makes anew, of those that new rows touch.
PartitionSlices OpenSlices(const Model& model, const ReplaceFields& fields, const PartitionSlices& touched,
                           const WatermarkStep& step);

/// The rows that a model which emits on close has, as a condition on `relation`: those of closed partitions.
std::string IsClosed(const ReplaceFields& fields, const std::string& relation, std::optional<Timestamp> closed_before,
                     ModelEngine engine);

/// What a model's table says; nullopt of a model without a watermark, or whose table has none yet.
struct WatermarkOf {
  Timestamp watermark{};
  int64_t late = 0;
};
std::optional<WatermarkOf> ReadWatermark(const Model& model, const table::TableMetadata& table);

}  // namespace millrace::refine

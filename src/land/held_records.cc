#include "land/held_records.h"

#include <arrow/api.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "land/positions.h"
#include "land/read_columns.h"
#include "table/live_files.h"
#include "table/manifest.h"

namespace millrace::land {
namespace {

using event::RejectCause;

constexpr RejectCause kCauses[] = {
    RejectCause::kMalformed,  RejectCause::kInvalidUtf8,    RejectCause::kNotAnObject,  RejectCause::kTooLarge,
    RejectCause::kTooDeep,    RejectCause::kTooManyColumns, RejectCause::kDuplicateKey, RejectCause::kContract,
    RejectCause::kMissingKey, RejectCause::kPartitionValue, RejectCause::kGap,          RejectCause::kOperation};

RejectCause CauseOf(std::string_view name) {
  const auto found = std::ranges::find(kCauses, name, [](RejectCause cause) { return event::ToString(cause); });
  return found == std::end(kCauses) ? RejectCause::kMalformed : *found;
}

/// A stream's cursor is an offset; those of other sources cannot be put in order.
std::optional<int64_t> OrderOf(const event::Cursor& cursor) {
  if (cursor == event::kStart) return 0;
  const std::string& text = cursor.value();
  int64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(offset) : std::nullopt;
}

/// Whether a chunk [from, to) of some split is not wholly behind `landed`.
bool ReachesBeyond(const event::Positions& from, const event::Positions& to, const event::Positions& landed) {
  return std::ranges::any_of(from, [&](const auto& entry) {
    const event::Cursor now = CursorOf(landed, entry.first);
    if (now == entry.second) return true;
    const auto end = to.find(entry.first);
    if (end == to.end()) return false;
    const auto stands = OrderOf(now), ends = OrderOf(end->second);
    return stands && ends && *ends > *stands;
  });
}

event::Positions Stated(const table::Snapshot& snapshot, const std::string& property) {
  const auto found = snapshot.summary.find(property);
  if (found == snapshot.summary.end()) return {};
  return ParsePositions(found->second, "the quarantine table");
}

}  // namespace

std::string QuarantineFromProperty(const std::string& scope) { return "millrace.quarantine.from." + scope; }
std::string QuarantineToProperty(const std::string& scope) { return "millrace.quarantine.to." + scope; }

HeldRecords::HeldRecords(io::ObjectStore& store, const table::TableMetadata& metadata, const std::string& scope,
                         const event::Positions& landed) {
  const table::Snapshot* snapshot = metadata.current_snapshot();
  for (size_t steps = 0; snapshot != nullptr && steps <= metadata.snapshots.size(); ++steps) {
    const auto from = Stated(*snapshot, QuarantineFromProperty(scope));
    if (ReachesBeyond(from, Stated(*snapshot, QuarantineToProperty(scope)), landed)) {
      for (const auto& manifest : table::ReadManifestList(store, *snapshot)) {
        if (manifest.added_snapshot_id != snapshot->snapshot_id) continue;
        for (const auto& entry : table::ReadManifest(store, metadata, manifest)) {
          if (entry.status == table::EntryStatus::kAdded) ReadFile(store, metadata, entry.file, scope);
        }
      }
    }
    snapshot = snapshot->parent_snapshot_id ? metadata.FindSnapshot(*snapshot->parent_snapshot_id) : nullptr;
  }
}

HeldRecords HeldRecords::Everything(io::ObjectStore& store, const table::TableMetadata& metadata) {
  HeldRecords held;
  if (const auto* head = metadata.current_snapshot()) {
    table::ForEachLiveFile(store, metadata, *head, {},
                           [&](const table::ManifestEntry& entry) { held.ReadFile(store, metadata, entry.file, {}); });
  }
  return held;
}

void HeldRecords::ReadFile(io::ObjectStore& store, const table::TableMetadata& metadata, const table::DataFile& file,
                           const std::string& scope) {
  if (file.content != table::FileContent::kData) return;  // deletes of others
  enum Column : size_t { kSplit, kOffset, kCause, kScope, kEndOffset, kReplayedAt };
  const auto& schema = metadata.schema();
  std::vector<schema::FieldId> ids;
  for (const char* name : {"split", "offset", "cause", "scope", "end_offset", "replayed_at"}) {
    const auto* field = schema.Find(name);
    if (field == nullptr && ids.size() >= kEndOffset) break;  // a table of an older version
    ids.push_back(field->id);
  }
  ReadColumns(store, file.file_path, schema, ids, [&](const arrow::ArrayVector& columns) {
    const auto text = [&](Column column, int64_t row) {
      return static_cast<const arrow::StringArray&>(*columns[column]).GetView(row);
    };
    const auto number = [&](Column column, int64_t row) {
      return static_cast<const arrow::Int64Array&>(*columns[column]).Value(row);
    };
    const auto has = [&](Column column, int64_t row) {
      return columns.size() > column && columns[column]->IsValid(row);
    };
    for (int64_t row = 0; row < columns[kSplit]->length(); ++row) {
      if ((!scope.empty() && text(kScope, row) != scope) || has(kReplayedAt, row)) continue;
      const event::SplitId split(std::string(text(kSplit, row)));
      const RejectCause cause = CauseOf(text(kCause, row));
      if (cause != RejectCause::kGap) {
        causes_[split].emplace(number(kOffset, row), cause);
      } else if (has(kEndOffset, row)) {
        auto& end = gaps_[split][number(kOffset, row)];
        end = std::max(end, number(kEndOffset, row));
      }
    }
  });
}

std::optional<RejectCause> HeldRecords::Find(const event::SplitId& split, int64_t offset) const {
  const auto causes = causes_.find(split);
  if (causes == causes_.end()) return std::nullopt;
  const auto found = causes->second.find(offset);
  return found == causes->second.end() ? std::nullopt : std::optional(found->second);
}

int64_t HeldRecords::PassGaps(const event::SplitId& split, int64_t first_offset) const {
  const auto gaps = gaps_.find(split);
  if (gaps == gaps_.end()) return first_offset;
  for (auto gap = gaps->second.find(first_offset); gap != gaps->second.end(); gap = gaps->second.find(first_offset)) {
    if (gap->second <= first_offset) break;
    first_offset = gap->second;
  }
  return first_offset;
}

}  // namespace millrace::land

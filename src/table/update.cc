#include "table/update.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"

namespace millrace::table {
namespace {

using nlohmann::json;

[[noreturn]] void Refuse(std::string why) {
  throw Error(ErrorCode::kInternal, "the table update cannot apply: " + std::move(why));
}

bool SameFields(const PartitionSpec& left, const PartitionSpec& right) {
  return std::equal(left.fields.begin(), left.fields.end(), right.fields.begin(), right.fields.end(),
                    [](const PartitionField& a, const PartitionField& b) {
                      return a.source_id == b.source_id && a.transform == b.transform && a.name == b.name;
                    });
}

bool SameFields(const SortOrder& left, const SortOrder& right) {
  return std::equal(left.fields.begin(), left.fields.end(), right.fields.begin(), right.fields.end(),
                    [](const SortField& a, const SortField& b) {
                      return a.source_id == b.source_id && a.transform == b.transform && a.ascending == b.ascending &&
                             a.nulls_first == b.nulls_first;
                    });
}

/// Applies one commit's updates in order, then puts the logs right (as Java's TableMetadata.Builder does).
class Applier {
 public:
  Applier(TableMetadata base, Timestamp now)
      : metadata_(std::move(base)),
        now_ms_(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count()) {}

  TableMetadata Run(const std::vector<Update>& updates) {
    for (const Update& update : updates) std::visit([this](const auto& one) { Do(one); }, update);
    // Not before the end: who replaces a table sets its schema first, and then the spec that goes with it.
    const auto* spec = metadata_.FindSpec(metadata_.default_spec_id);
    if (schema_set_ && spec != nullptr) CheckPartitionSources(*spec, metadata_.schema());
    CorrectSnapshotLog();
    // Time travel searches the logs by time, so it never runs backwards, whatever the clock does.
    metadata_.last_updated_ms = std::max(metadata_.last_updated_ms, updated_ms_.value_or(now_ms_));
    return std::move(metadata_);
  }

 private:
  void Do(const AssignUuid& update) {
    if (!metadata_.table_uuid.empty() && metadata_.table_uuid != update.uuid) Refuse("a table keeps its uuid");
    metadata_.table_uuid = update.uuid;
  }

  void Do(const UpgradeFormatVersion& update) {
    if (update.version > kFormatNewest) {
      Refuse(fmt::format("format version {} is not written here", update.version));
    }
    if (update.version < metadata_.format_version) Refuse("a format version never falls");
    metadata_.format_version = update.version;
  }

  void Do(const AddSchema& update) {
    const auto same = std::find_if(metadata_.schemas.begin(), metadata_.schemas.end(),
                                   [&](const schema::Schema& one) { return SameColumns(one, update.schema); });
    metadata_.last_column_id =
        std::max({metadata_.last_column_id, update.last_column_id, update.schema.highest_id().value()});
    if (same != metadata_.schemas.end()) {
      last_schema_id_ = same->schema_id;
      return;
    }
    schema::Schema added = update.schema;
    added.schema_id = 0;
    for (const schema::Schema& one : metadata_.schemas) added.schema_id = std::max(added.schema_id, one.schema_id + 1);
    last_schema_id_ = added.schema_id;
    metadata_.schemas.push_back(std::move(added));
  }

  void Do(const SetCurrentSchema& update) {
    const int32_t id = IdOrLast(update.schema_id, last_schema_id_, "schema");
    if (metadata_.FindSchema(id) == nullptr) Refuse(fmt::format("there is no schema {}", id));
    metadata_.current_schema_id = id;
    schema_set_ = true;
  }

  void Do(const AddPartitionSpec& update) {
    const auto same = std::find_if(metadata_.partition_specs.begin(), metadata_.partition_specs.end(),
                                   [&](const PartitionSpec& one) { return SameFields(one, update.spec); });
    if (same != metadata_.partition_specs.end()) {
      last_spec_id_ = same->spec_id;
      return;
    }
    CheckPartitionSources(update.spec, metadata_.schema());
    PartitionSpec added = update.spec;
    added.spec_id = 0;
    for (const PartitionSpec& one : metadata_.partition_specs) added.spec_id = std::max(added.spec_id, one.spec_id + 1);
    for (PartitionField& field : added.fields) {
      field.field_id = PartitionFieldId(field);
      metadata_.last_partition_id = std::max(metadata_.last_partition_id, field.field_id);
    }
    last_spec_id_ = added.spec_id;
    metadata_.partition_specs.push_back(std::move(added));
  }

  /// A field that any spec has had keeps its id (v2 manifests are read by it); another gets a new one.
  int32_t PartitionFieldId(const PartitionField& wanted) const {
    for (const PartitionSpec& spec : metadata_.partition_specs) {
      for (const PartitionField& field : spec.fields) {
        const bool same =
            field.source_id == wanted.source_id && field.transform == wanted.transform && field.name == wanted.name;
        if (same) return field.field_id;
      }
    }
    return metadata_.last_partition_id + 1;
  }

  void Do(const SetDefaultSpec& update) {
    const int32_t id = IdOrLast(update.spec_id, last_spec_id_, "partition spec");
    if (metadata_.FindSpec(id) == nullptr) Refuse(fmt::format("there is no partition spec {}", id));
    metadata_.default_spec_id = id;
  }

  void Do(const AddSortOrder& update) {
    const auto same = std::find_if(metadata_.sort_orders.begin(), metadata_.sort_orders.end(),
                                   [&](const SortOrder& one) { return SameFields(one, update.order); });
    if (same != metadata_.sort_orders.end()) {
      last_order_id_ = same->order_id;
      return;
    }
    SortOrder added = update.order;
    added.order_id = added.fields.empty() ? 0 : 1;  // 0 is the unsorted order
    for (const SortOrder& one : metadata_.sort_orders) {
      if (!added.fields.empty()) added.order_id = std::max(added.order_id, one.order_id + 1);
    }
    last_order_id_ = added.order_id;
    metadata_.sort_orders.push_back(std::move(added));
  }

  void Do(const SetDefaultSortOrder& update) {
    const int32_t id = IdOrLast(update.order_id, last_order_id_, "sort order");
    if (metadata_.FindSortOrder(id) == nullptr) Refuse(fmt::format("there is no sort order {}", id));
    metadata_.default_sort_order_id = id;
  }

  void Do(const AddSnapshot& update) {
    const Snapshot& snapshot = update.snapshot;
    if (snapshot.snapshot_id.value() <= 0) Refuse("a snapshot id is positive");
    if (metadata_.FindSnapshot(snapshot.snapshot_id) != nullptr) {
      Refuse(fmt::format("snapshot {} exists already", snapshot.snapshot_id.value()));
    }
    if (snapshot.parent_snapshot_id && metadata_.FindSnapshot(*snapshot.parent_snapshot_id) == nullptr) {
      Refuse(fmt::format("the parent snapshot {} is not there; going on would unlink its rows",
                         snapshot.parent_snapshot_id->value()));
    }
    if (snapshot.sequence_number.value() <= metadata_.last_sequence_number && snapshot.parent_snapshot_id) {
      Refuse(fmt::format("sequence number {} is not above the table's {}", snapshot.sequence_number.value(),
                         metadata_.last_sequence_number));
    }
    if (snapshot.schema_id && metadata_.FindSchema(*snapshot.schema_id) == nullptr) {
      Refuse(fmt::format("the snapshot names schema {}, which is not there", *snapshot.schema_id));
    }
    if (metadata_.format_version > 2) TakeRowIds(snapshot);
    metadata_.last_sequence_number = std::max(metadata_.last_sequence_number, snapshot.sequence_number.value());
    updated_ms_ = std::max(snapshot.timestamp_ms, metadata_.last_updated_ms);
    metadata_.snapshots.push_back(snapshot);
    added_.insert(snapshot.snapshot_id);
  }

  void TakeRowIds(const Snapshot& snapshot) {
    if (!snapshot.first_row_id || !snapshot.added_rows) {
      Refuse("a snapshot of format version 3 needs first-row-id and added-rows");
    }
    if (*snapshot.first_row_id < metadata_.next_row_id) {
      Refuse(fmt::format("the snapshot's first-row-id {} is behind the table's next-row-id {}", *snapshot.first_row_id,
                         metadata_.next_row_id));
    }
    if (*snapshot.added_rows > INT64_MAX - *snapshot.first_row_id) Refuse("row ids are used up");
    metadata_.next_row_id = *snapshot.first_row_id + *snapshot.added_rows;
  }

  void Do(const SetSnapshotRef& update) {
    const Snapshot* snapshot = metadata_.FindSnapshot(update.ref.snapshot_id);
    if (snapshot == nullptr)
      Refuse(
          fmt::format("the ref {} names snapshot {}, which is not there", update.name, update.ref.snapshot_id.value()));
    if (update.ref.type != "branch" && update.ref.type != "tag") Refuse("a ref is a branch or a tag");
    if (update.name == "main") {
      if (update.ref.type != "branch") Refuse("main is a branch, never a tag");
      if (metadata_.current_snapshot_id != update.ref.snapshot_id) {
        metadata_.current_snapshot_id = update.ref.snapshot_id;
        const int64_t since =
            added_.contains(update.ref.snapshot_id) ? *updated_ms_ : std::max(now_ms_, metadata_.last_updated_ms);
        metadata_.snapshot_log.push_back({.timestamp_ms = since, .snapshot_id = update.ref.snapshot_id});
      }
    }
    metadata_.refs[update.name] = update.ref;
  }

  void Do(const RemoveSnapshotRef& update) {
    metadata_.refs.erase(update.name);
    if (update.name != "main") return;
    metadata_.current_snapshot_id.reset();
  }

  /// What a branch or tag holds stays: whoever expires reads the table again to learn what really went.
  void Do(const RemoveSnapshots& update) {
    std::set<SnapshotId> going(update.ids.begin(), update.ids.end());
    for (const auto& [name, ref] : metadata_.refs) going.erase(ref.snapshot_id);
    removed_ = removed_ || !going.empty();
    std::erase_if(metadata_.snapshots, [&](const Snapshot& one) { return going.contains(one.snapshot_id); });
    DropStatistics(going);
  }

  void Do(const SetLocation& update) {
    metadata_.location = update.location;
    while (metadata_.location.ends_with('/')) metadata_.location.pop_back();
  }

  void Do(const SetProperties& update) {
    for (const auto& [key, value] : update.updates) metadata_.properties[key] = value;
  }

  void Do(const RemoveProperties& update) {
    for (const std::string& key : update.removals) metadata_.properties.erase(key);
  }

  void Do(const RemovePartitionSpecs& update) {
    for (const int32_t id : update.ids) {
      if (id == metadata_.default_spec_id) Refuse(fmt::format("partition spec {} is the default", id));
      std::erase_if(metadata_.partition_specs, [id](const PartitionSpec& one) { return one.spec_id == id; });
    }
  }

  void Do(const RemoveSchemas& update) {
    for (const int32_t id : update.ids) {
      if (id == metadata_.current_schema_id) Refuse(fmt::format("schema {} is the current one", id));
      std::erase_if(metadata_.schemas, [id](const schema::Schema& one) { return one.schema_id == id; });
    }
  }

  void Do(const SetStatistics& update) {
    Do(RemoveStatistics{.of_partitions = update.of_partitions, .snapshot_id = update.snapshot_id});
    json rest = metadata_.unmodelled.empty() ? json::object() : json::parse(metadata_.unmodelled);
    rest[StatisticsMember(update.of_partitions)].push_back(json::parse(update.file));
    metadata_.unmodelled = rest.dump();
  }

  void Do(const RemoveStatistics& update) {
    DropStatistics({update.snapshot_id}, {StatisticsMember(update.of_partitions)});
  }

  static const char* StatisticsMember(bool of_partitions) {
    return of_partitions ? "partition-statistics" : "statistics";
  }

  static int32_t IdOrLast(int32_t id, const std::optional<int32_t>& last, const char* what) {
    if (id != -1) return id;
    if (!last) Refuse(fmt::format("no {} was added by this commit", what));
    return *last;
  }

  static void CheckPartitionSources(const PartitionSpec& spec, const schema::Schema& schema) {
    for (const PartitionField& field : spec.fields) {
      if (field.transform.kind != Transform::Kind::kVoid && schema.Find(field.source_id) == nullptr) {
        Refuse(fmt::format("the partition field {} needs column id {}, which the schema lacks", field.name,
                           field.source_id.value()));
      }
    }
  }

  void DropStatistics(const std::set<SnapshotId>& going,
                      std::initializer_list<const char*> members = {StatisticsMember(false), StatisticsMember(true)}) {
    if (going.empty() || metadata_.unmodelled.empty()) return;
    json rest = json::parse(metadata_.unmodelled);
    for (const char* member : members) {
      if (!rest.contains(member) || !rest[member].is_array()) continue;
      json kept = json::array();
      for (json& file : rest[member]) {
        const bool goes = file.is_object() && file.contains("snapshot-id") && file["snapshot-id"].is_number_integer() &&
                          going.contains(SnapshotId(file["snapshot-id"].get<int64_t>()));
        if (!goes) kept.push_back(std::move(file));
      }
      rest[member] = std::move(kept);
    }
    metadata_.unmodelled = rest.dump();
  }

  /// Snapshots that were current only inside this commit leave no entry. An entry whose snapshot went takes the history
  /// before it along: a gap would make time travel answer with the wrong snapshot.
  void CorrectSnapshotLog() {
    std::vector<TableMetadata::LogEntry> log;
    for (const auto& entry : metadata_.snapshot_log) {
      const bool known = metadata_.FindSnapshot(entry.snapshot_id) != nullptr;
      const bool intermediate =
          added_.contains(entry.snapshot_id) && entry.snapshot_id != metadata_.current_snapshot_id;
      if (!known && removed_) log.clear();
      if (known ? !intermediate : !removed_) log.push_back(entry);
    }
    metadata_.snapshot_log = std::move(log);
  }

  TableMetadata metadata_;
  const int64_t now_ms_;
  std::optional<int64_t> updated_ms_;
  std::optional<int32_t> last_schema_id_;
  std::optional<int32_t> last_spec_id_;
  std::optional<int32_t> last_order_id_;
  std::set<SnapshotId> added_;
  bool removed_ = false;
  bool schema_set_ = false;
};

}  // namespace

TableMetadata Apply(TableMetadata base, const std::vector<Update>& updates, Timestamp now) {
  CheckWritable(base);
  return Applier(std::move(base), now).Run(updates);
}

}  // namespace millrace::table

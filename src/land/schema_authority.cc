#include "land/schema_authority.h"

#include <arrow/api.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "schema/evolution.h"
#include "table/partition.h"
#include "table/schema_update.h"
#include "table/spec_update.h"
#include "table/table_property.h"

namespace millrace::land {
namespace {

using std::chrono::milliseconds;

using Expressions = std::vector<std::string>;

constexpr int kArrangeAttemptsMax = 10;
constexpr milliseconds kWaitMin{20};
constexpr milliseconds kWaitMax{2000};

bool FitsField(const arrow::Field& field, const arrow::Field& column);

bool FitsFields(const arrow::FieldVector& fields, const arrow::FieldVector& columns) {
  return std::ranges::all_of(fields, [&](const auto& field) {
    const auto column = std::ranges::find(columns, field->name(), [](const auto& other) { return other->name(); });
    return column != columns.end() && FitsField(*field, **column);
  });
}

bool FitsField(const arrow::Field& field, const arrow::Field& column) {
  if (field.nullable() && !column.nullable()) return false;
  if (field.type()->id() != column.type()->id()) return field.type()->id() == arrow::Type::NA;
  switch (field.type()->id()) {
    case arrow::Type::STRUCT:
      return FitsFields(field.type()->fields(), column.type()->fields());
    case arrow::Type::LIST:
      return FitsField(*field.type()->field(0), *column.type()->field(0));
    case arrow::Type::MAP:
      return FitsFields(field.type()->field(0)->type()->fields(), column.type()->field(0)->type()->fields());
    default:
      return field.type()->Equals(*column.type());
  }
}

/// The fields of a spec or an order for the log: "[day(at), kind]".
std::string Printed(const std::optional<Expressions>& expressions) {
  return fmt::format("[{}]", fmt::join(expressions.value_or(Expressions{}), ", "));
}

/// Later snapshots have later sequence numbers, later schemas more columns.
bool Newer(const table::TableMetadata& left, const table::TableMetadata& right) {
  return left.last_sequence_number > right.last_sequence_number || left.last_column_id > right.last_column_id ||
         left.last_updated_ms > right.last_updated_ms;
}

}  // namespace

bool Fits(const arrow::Schema& rows, const arrow::Schema& columns) {
  return FitsFields(rows.fields(), columns.fields());
}

SchemaAuthority::SchemaAuthority(catalog::Catalog& catalog, TableDeclaration declaration, const Clock& clock)
    : catalog_(catalog), declaration_(std::move(declaration)), clock_(clock) {}

TableViewPtr SchemaAuthority::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

TableViewPtr SchemaAuthority::Refresh() {
  const std::lock_guard growing(growing_);
  return Load();
}

void SchemaAuthority::Saw(const catalog::LoadedTable& table) {
  auto columns = schema::ToArrow(table.metadata->schema());
  const std::lock_guard lock(mutex_);
  if (view_ && !Newer(*table.metadata, *view_->table.metadata)) return;
  view_ = std::make_shared<const TableView>(TableView{table, std::move(columns)});
}

TableViewPtr SchemaAuthority::Load() {
  auto loaded = catalog_.Load(declaration_.name);
  TableViewPtr fresh;
  if (loaded) {
    auto columns = schema::ToArrow(loaded->metadata->schema());
    fresh = std::make_shared<const TableView>(TableView{std::move(*loaded), std::move(columns)});
  }
  const std::lock_guard lock(mutex_);
  view_ = fresh;
  return fresh;
}

void SchemaAuthority::Create(const arrow::Schema& wanted) {
  if (!declaration_.create) {
    throw Error(ErrorCode::kConfig,
                catalog::ToString(declaration_.name) +
                    " is not in the catalogue, and `iceberg.create` is false; make it, or say true");
  }
  catalog::CreateTable request;
  request.name = declaration_.name;
  request.schema = schema::FromArrow(wanted);
  // The ids of the rows, if any, are of some other table.
  request.schema = schema::Evolve(schema::Schema{}, 0, request.schema).schema;
  request.spec = table::ParsePartitionSpec(declaration_.partition_by.value_or(Expressions{}), request.schema);
  request.sort_order = table::ParseSortOrder(declaration_.sort_by.value_or(Expressions{}), request.schema);
  request.properties = declaration_.properties;
  request.properties.try_emplace(table::kDeleteOldMetadata, "true");
  if (declaration_.format_version) request.properties["format-version"] = std::to_string(*declaration_.format_version);
  catalog_.EnsureNamespace(declaration_.name.name_space);
  const auto result = catalog_.Create(request);
  if (const auto* unknown = std::get_if<catalog::Unknown>(&result)) {
    LogWarning("creating {}: the outcome is unknown, reading again: {}", catalog::ToString(declaration_.name),
               unknown->why);
  }
}

TableViewPtr SchemaAuthority::Require(const arrow::Schema& wanted, std::stop_token stop) {
  const std::lock_guard growing(growing_);
  if (auto known = view(); known && Fits(wanted, *known->columns)) return known;
  for (milliseconds wait = kWaitMin;; wait = std::min(2 * wait, kWaitMax)) {
    TableViewPtr fresh = Load();
    if (!fresh) {
      Create(wanted);
      fresh = Load();
    }
    if (fresh) {
      const auto& base = *fresh->table.metadata;
      auto change = table::EvolveSchema(base, schema::FromArrow(wanted));
      if (change.empty() && declaration_.unpartitioned_spec) change = table::AddUnpartitionedSpec(base);
      if (change.empty()) return fresh;
      const auto result = catalog_.Commit(declaration_.name, change.requirements, change.updates);
      if (std::holds_alternative<catalog::Committed>(result)) continue;
    }
    if (!clock_.SleepFor(wait, stop)) {
      throw Error(ErrorCode::kUnavailable, "stopped before the columns of " + catalog::ToString(declaration_.name) +
                                               " could be changed; start again");
    }
  }
}

void SchemaAuthority::Arrange() {
  const std::lock_guard growing(growing_);
  milliseconds wait = kWaitMin;
  for (int attempt = 0; attempt < kArrangeAttemptsMax; ++attempt, wait = std::min(2 * wait, kWaitMax)) {
    const TableViewPtr seen = Load();
    if (!seen) return;
    const table::TableMetadata& base = *seen->table.metadata;
    table::TableChange spec, order;
    if (declaration_.partition_by) {
      spec = table::ChangePartitionSpec(base, table::ParsePartitionSpec(*declaration_.partition_by, base.schema()));
    }
    if (declaration_.sort_by) {
      order = table::ChangeSortOrder(base, table::ParseSortOrder(*declaration_.sort_by, base.schema()));
    }
    const bool upgrades = declaration_.format_version && *declaration_.format_version > base.format_version;
    table::TableChange change = spec;
    // Two specs that are new at once would claim one id.
    if (spec.empty() && declaration_.unpartitioned_spec) change = table::AddUnpartitionedSpec(base);
    if (change.empty() && order.empty() && !upgrades) return;
    if (upgrades) {
      change.requirements.push_back(table::AssertTableUuid{base.table_uuid});
      change.updates.insert(change.updates.begin(), table::UpgradeFormatVersion{*declaration_.format_version});
    }
    change.requirements.insert(change.requirements.end(), order.requirements.begin(), order.requirements.end());
    change.updates.insert(change.updates.end(), order.updates.begin(), order.updates.end());
    FaultPoint("land.before_arrange");
    const auto result = catalog_.Commit(declaration_.name, change.requirements, change.updates);
    FaultPoint("land.after_arrange");
    if (std::holds_alternative<catalog::Committed>(result)) {
      const std::string name = catalog::ToString(declaration_.name);
      if (upgrades) LogInfo("{}: is of format version {} from here on", name, *declaration_.format_version);
      if (!spec.empty()) LogInfo("{}: new files are partitioned by {}", name, Printed(declaration_.partition_by));
      if (!order.empty()) LogInfo("{}: new files are sorted by {}", name, Printed(declaration_.sort_by));
      continue;
    }
    clock_.SleepFor(wait, {});
  }
  throw Error(ErrorCode::kUnavailable, "the partitions of " + catalog::ToString(declaration_.name) +
                                           " cannot be changed: others change the table all the time; try again");
}

}  // namespace millrace::land

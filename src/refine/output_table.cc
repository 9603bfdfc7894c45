#include "refine/output_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/nearest.h"
#include "land/edit_table.h"
#include "schema/evolution.h"
#include "table/partition.h"
#include "table/schema_update.h"
#include "table/spec_update.h"

namespace millrace::refine {
namespace {

/// What other engines show as the comment of a table.
constexpr const char* kComment = "comment";
constexpr int kAttemptsMax = 100;  // each one changes something, or lost a race
constexpr std::chrono::milliseconds kPause{50};

bool Fits(const schema::Type& made, const schema::Type& table);

bool Fits(const schema::StructType& made, const schema::StructType& table) {
  return std::all_of(made.fields.begin(), made.fields.end(), [&](const schema::Field& member) {
    const auto found = std::find_if(table.fields.begin(), table.fields.end(),
                                    [&](const schema::Field& other) { return other.name == member.name; });
    return found != table.fields.end() && Fits(member.type, found->type);
  });
}

/// Whether values of `made` can be written into a column of `table`.
bool Fits(const schema::Type& made, const schema::Type& table) {
  if (made.index() != table.index()) return false;
  if (const auto* primitive = std::get_if<schema::PrimitiveType>(&made)) {
    const auto& other = std::get<schema::PrimitiveType>(table);
    return *primitive == other || schema::CanPromote(*primitive, other);
  }
  if (const auto* list = std::get_if<schema::ListType>(&made))
    return Fits(list->element->type, std::get<schema::ListType>(table).element->type);
  if (const auto* map = std::get_if<schema::MapType>(&made)) {
    const auto& other = std::get<schema::MapType>(table);
    return Fits(map->key->type, other.key->type) && Fits(map->value->type, other.value->type);
  }
  return Fits(std::get<schema::StructType>(made), std::get<schema::StructType>(table));
}

const schema::Field* FindColumn(const schema::Schema& schema, const std::string& name) {
  const auto found = std::find_if(schema.fields.begin(), schema.fields.end(),
                                  [&](const schema::Field& field) { return field.name == name; });
  return found == schema.fields.end() ? nullptr : &*found;
}

/// Drops the first column that the model does not make, or makes of another type; nothing when there is none.
std::optional<table::TableChange> DropStale(const table::TableMetadata& base, const schema::Schema& columns) {
  for (const auto& field : base.schema().fields) {
    const auto* made = FindColumn(columns, field.name);
    if (made && Fits(made->type, field.type)) continue;
    return table::DropColumn(base, field.name);
  }
  return std::nullopt;
}

void RequireFit(const table::TableMetadata& base, const Model& model, const schema::Schema& columns) {
  for (const auto& field : columns.fields) {
    const auto* present = FindColumn(base.schema(), field.name);
    if (!present || Fits(field.type, present->type)) continue;
    throw Error(ErrorCode::kData,
                fmt::format("column {} is {} in the table, and the model makes {} of it now; `millrace refine {} "
                            "--full-refresh` rebuilds the table",
                            field.name, ToString(present->type), ToString(field.type), ToString(model.name)));
  }
}

/// What is left to do until the table says of itself what the header does.
table::TableChange DescribeStep(const table::TableMetadata& base, const Model& model) {
  table::TableChange change;
  if (!model.columns.empty()) {
    std::map<std::string, std::string> docs;
    for (const auto& column : model.columns) docs.emplace(column.name, column.doc);
    change = table::DocumentColumns(base, docs);
  }
  const auto comment = base.properties.find(kComment);
  if (!model.description.empty() && (comment == base.properties.end() || comment->second != model.description)) {
    if (change.requirements.empty()) change.requirements.push_back(table::AssertTableUuid{base.table_uuid});
    change.updates.push_back(table::SetProperties{{{kComment, model.description}}});
  }
  return change;
}

/// Error kData for a column that the header describes and the model does not make.
void RequireColumns(const Model& model, const schema::Schema& columns) {
  for (const auto& column : model.columns) {
    if (FindColumn(columns, column.name)) continue;
    std::vector<std::string> made;
    for (const auto& field : columns.fields) made.push_back(field.name);
    throw Error(ErrorCode::kData, fmt::format("{}: columns: the model makes no column '{}'{}", model.file.string(),
                                              column.name, Suggest(column.name, made)));
  }
}

/// The next step towards what the model wants; nothing when the table is that way.
std::optional<table::TableChange> NextStep(const table::TableMetadata& base, const Model& model,
                                           const schema::Schema& columns, bool rebuild) {
  auto evolve = table::EvolveSchema(base, columns);
  if (!evolve.empty()) return evolve;
  auto spec = table::ChangePartitionSpec(base, table::ParsePartitionSpec(model.partition_by, base.schema()));
  if (!spec.empty()) return spec;
  auto order = table::ChangeSortOrder(base, table::ParseSortOrder(model.sort_by, base.schema()));
  if (!order.empty()) return order;
  if (rebuild) {
    if (auto stale = DropStale(base, columns)) return stale;
  } else {
    RequireFit(base, model, columns);
  }
  auto described = DescribeStep(base, model);
  return described.empty() ? std::nullopt : std::optional(std::move(described));
}

catalog::CreateTable CreationOf(const Model& model, schema::Schema columns) {
  columns = WithIds(std::move(columns));
  catalog::CreateTable creation;
  creation.name = model.name;
  creation.spec = table::ParsePartitionSpec(model.partition_by, columns);
  creation.sort_order = table::ParseSortOrder(model.sort_by, columns);
  creation.schema = std::move(columns);
  if (!model.description.empty()) creation.properties.emplace(kComment, model.description);
  return creation;
}

}  // namespace

schema::Schema WithIds(schema::Schema columns) {
  schema::AssignIds(columns, 0);
  return columns;
}

catalog::LoadedTable EnsureOutput(catalog::Catalog& catalog, const Model& model, const schema::Schema& columns,
                                  bool rebuild, const Clock& clock, std::stop_token stop) {
  RequireColumns(model, columns);
  catalog.EnsureNamespace(model.name.name_space);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    auto loaded = catalog.Load(model.name);
    catalog::CommitResult result;
    if (loaded) {
      const auto step = NextStep(*loaded->metadata, model, columns, rebuild);
      if (!step) return std::move(*loaded);
      result = catalog.Commit(model.name, step->requirements, step->updates);
    } else {
      result = catalog.Create(CreationOf(model, columns));
    }
    const bool landed = std::holds_alternative<catalog::Committed>(result);
    if (!landed && !clock.SleepFor(kPause, stop))
      throw Error(ErrorCode::kUnavailable, "stopped while the table was being made");
  }
  throw Error(ErrorCode::kUnavailable,
              "the table's columns cannot be changed: others change it all the time; try again");
}

bool NeedsDescription(const table::TableMetadata& table, const Model& model) {
  return !DescribeStep(table, model).empty();
}

void DescribeOutput(catalog::Catalog& catalog, const Model& model, const Clock& clock, const std::stop_token& stop) {
  land::EditTable(
      catalog, model.name, [&](const table::TableMetadata& now) { return DescribeStep(now, model); }, clock, stop);
}

}  // namespace millrace::refine

#include "refine/run_plan.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/letter_case.h"
#include "land/committer.h"
#include "refine/output_table.h"
#include "refine/run_number.h"
#include "refine/watermark.h"
#include "table/live_files.h"

namespace millrace::refine {
namespace {

using catalog::LoadedTable;
using catalog::TableName;

const event::SplitId kDefinition{"definition"};
const event::SplitId kRunAt{"run_at"};
constexpr std::string_view kTableSplit = "table:";

/// Names of tables are read without regard to letters' case, as SQL does; the catalogue knows them by their own.
std::optional<LoadedTable> LoadAnyCase(catalog::Catalog& catalog, const TableName& name) {
  if (auto loaded = catalog.Load(name)) return loaded;
  for (const auto& name_space : catalog.ListNamespaces()) {
    if (!SameInAnyCase(name_space, name.name_space)) continue;
    for (const auto& table : catalog.ListTables(name_space)) {
      if (SameInAnyCase(table.name, name.name)) return catalog.Load(table);
    }
  }
  return std::nullopt;
}

event::SplitId SplitOf(const LoadedTable& table) {
  return event::SplitId(std::string(kTableSplit) + table.metadata->table_uuid);
}

event::Cursor HeadOf(const LoadedTable& table) {
  const auto& snapshot = table.metadata->current_snapshot_id;
  return snapshot ? event::Cursor(std::to_string(snapshot->value())) : event::kStart;
}

std::optional<table::SnapshotId> FindSnapshotIn(const event::Cursor& cursor) {
  const auto& text = cursor.value();
  int64_t id = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), id).ec != std::errc()) return std::nullopt;
  return table::SnapshotId(id);
}

table::SnapshotId SnapshotOf(const event::Cursor& cursor) {
  if (const auto id = FindSnapshotIn(cursor)) return *id;
  throw Error(
      ErrorCode::kStop,
      fmt::format("'{}' is stored as the position of a model and is no snapshot id; rebuild it with --full-refresh",
                  cursor.value()));
}

void RequireOurs(const LoadedTable& output, const event::Positions& stored) {
  if (!stored.empty() || !output.metadata->current_snapshot_id) return;
  throw Error(
      ErrorCode::kStop,
      fmt::format("table {} has rows that this model did not write; give the model another name, or drop the table",
                  ToString(output.name)));
}

/// Why the rows that came since cannot be told; nullopt when they can, and then `any` says whether there are some.
std::optional<std::string> WhyNotIncrement(catalog::Catalog& catalog, const LoadedTable& over,
                                           const event::Cursor& from, bool& any) {
  const auto& metadata = *over.metadata;
  if (!metadata.current_snapshot_id) return fmt::format("{} has lost its snapshots", ToString(over.name));
  const auto increment =
      table::FilesAddedBetween(catalog.store(), metadata, SnapshotOf(from), *metadata.current_snapshot_id);
  if (const auto* change = std::get_if<table::NotAppendOnly>(&increment)) {
    return fmt::format("snapshot {} of {} did more than add rows ({})", change->snapshot_id.value(),
                       ToString(over.name), change->operation);
  }
  if (std::holds_alternative<table::Disconnected>(increment)) {
    return fmt::format("snapshot {} of {} has expired or was rolled back", from.value(), ToString(over.name));
  }
  any = !std::get<table::AddedFiles>(increment).files.empty();
  return std::nullopt;
}

[[noreturn]] void RefuseStretch(const Model& model, const std::string& why) {
  throw Error(ErrorCode::kUsage, fmt::format("{}; `millrace refine {}` makes all of its rows, not a stretch of them",
                                             why, ToString(model.name)));
}

RunPlan::Way WayOf(Strategy strategy) {
  switch (strategy) {
    case Strategy::kAppend:
      return RunPlan::Way::kAppend;
    case Strategy::kMerge:
      return RunPlan::Way::kMerge;
    case Strategy::kReplacePartitions:
      return RunPlan::Way::kReplace;
  }
  throw Error(ErrorCode::kInternal, "a strategy that there is not");
}

class Planner {
 public:
  Planner(catalog::Catalog& catalog, const Node& node, const RunOptions& options)
      : catalog_(catalog), node_(node), model_(node.model), options_(options), inputs_(node.inputs) {}

  RunPlan Plan() {
    const auto output = catalog_.Load(model_.name);
    if (output) {
      stored_ = land::ReadPositions(*output->metadata, PositionScope(model_)).positions;
      RequireOurs(*output, stored_);
      plan_.rebuilt = CursorOf(stored_, kRebuiltSplit);
      plan_.replaced = CursorOf(stored_, kReplacedSplit);
      plan_.watermark = CursorOf(stored_, kWatermarkSplit);
      plan_.late = CursorOf(stored_, kLateSplit);
      plan_.undescribed = NeedsDescription(*output->metadata, model_);
    }
    for (const auto& name : inputs_) {
      auto loaded = LoadAnyCase(catalog_, name);
      if (!loaded) return Nothing(fmt::format("waits for {}, which does not exist yet", ToString(name)));
      Pin(std::move(*loaded));
    }
    plan_.to[kDefinition] = DefinitionOf(node_);
    for (const auto& [split, cursor] : plan_.to) plan_.from[split] = CursorOf(stored_, split);
    const bool moved = plan_.from != plan_.to;
    if (options_.at) {
      plan_.from[kRunAt] = CursorOf(stored_, kRunAt);
      plan_.to[kRunAt] = event::Cursor(FormatTimestamp(*options_.at));
    }
    const auto run = RunNumber::Parse(CursorOf(stored_, kRunSplit));
    plan_.from[kRunSplit] = CursorOf(stored_, kRunSplit);
    plan_.to[kRunSplit] = run.Next().Print();
    if (options_.full_refresh) return Rebuild("a full refresh was asked for");
    if (!output || !stored_.contains(kDefinition)) return Rebuild("");
    if (!moved) return Nothing(fmt::format("{} nothing new since the last run", Driving()));
    if (plan_.from[kDefinition] != plan_.to[kDefinition]) return Rebuild("the model was edited");
    return over_ ? Feed() : Rebuild("");
  }

 private:
  /// Reads the table as it is now; what drives the model becomes a position.
  void Pin(LoadedTable table) {
    plan_.ranges[table.name] = {.after = std::nullopt, .upto = table.metadata->current_snapshot_id};
    const bool incremental = model_.materialized == Materialized::kIncremental;
    const bool is_over = incremental && LoadAnyCase(catalog_, *model_.over)->name == table.name;
    if (!incremental || is_over) {
      plan_.to[SplitOf(table)] = HeadOf(table);
      if (const auto seen = FindSnapshotIn(CursorOf(stored_, SplitOf(table)))) plan_.seen_before[table.name] = *seen;
    }
    if (is_over) over_ = std::move(table);
  }

  RunPlan Feed() {
    const auto from = plan_.from[SplitOf(*over_)];
    if (from == event::kStart) {
      const bool other_table = std::any_of(stored_.begin(), stored_.end(), [&](const auto& entry) {
        return entry.first.value().starts_with(kTableSplit) && entry.first != SplitOf(*over_) &&
               entry.second != event::kStart;
      });
      return Rebuild(other_table ? ToString(over_->name) + " is another table than it was" : "");
    }
    bool any = false;
    if (const auto why = WhyNotIncrement(catalog_, *over_, from, any)) return Rebuild(*why);
    if (model_.strategy == Strategy::kReplacePartitions) {
      plan_.new_rows = plan_.ranges;
      plan_.new_rows[over_->name].after = SnapshotOf(from);
    } else {
      plan_.ranges[over_->name].after = SnapshotOf(from);
    }
    plan_.way = any ? WayOf(model_.strategy) : RunPlan::Way::kMove;
    return std::move(plan_);
  }

  RunPlan Rebuild(std::string why) {
    plan_.way = RunPlan::Way::kRebuild;
    plan_.why = std::move(why);
    return std::move(plan_);
  }

  RunPlan Nothing(std::string why) {
    plan_.way = RunPlan::Way::kNothing;
    plan_.why = std::move(why);
    return std::move(plan_);
  }

  std::string Driving() const {
    if (over_) return ToString(over_->name) + " has";
    return inputs_.size() == 1 ? ToString(inputs_.front()) + " has" : fmt::format("its {} inputs have", inputs_.size());
  }

  catalog::Catalog& catalog_;
  const Node& node_;
  const Model& model_;
  const RunOptions& options_;
  const std::vector<TableName>& inputs_;
  RunPlan plan_;
  event::Positions stored_;
  std::optional<LoadedTable> over_;
};

}  // namespace

std::string PositionScope(const Model& model) { return "model:" + ToString(model.name); }

event::Cursor DefinitionOf(const Node& node) {
  const auto& model = node.model;
  std::string text =
      fmt::format("{}\n{}\n", static_cast<int>(model.materialized), model.over ? ToString(*model.over) : "");
  for (const auto* list : {&model.key, &model.newest_by, &model.partition_by, &model.sort_by})
    text += fmt::format("{}\n", fmt::join(*list, "\n"));
  for (const auto& expectation : model.expectations)
    text += fmt::format("{} {}\n", expectation.condition, static_cast<int>(expectation.action));
  for (const auto& expectation : model.table_expectations)
    text += fmt::format("{} {}\n", expectation.text, expectation.fail);
  if (model.strategy == Strategy::kReplacePartitions) {
    text += fmt::format("replace_partitions\n{}\n", fmt::join(model.replace_by, "\n"));
    for (const auto& [column, sql] : model.touched_by) text += fmt::format("{} {}\n", column, sql);
    if (const auto& mark = model.watermark)
      text += fmt::format("{} {} {} {}\n", mark->column, mark->delay.count(), static_cast<int>(mark->late),
                          static_cast<int>(mark->emit));
  }
  // Words of the header that change no row, such as descriptions, are not part of it.
  const bool in_spark_sql = model.engine == ModelEngine::kSpark && model.spark_sql;
  text += (in_spark_sql ? model.spark_sql->sql : model.sql.substr(model.header_bytes)) + node.opened;
  return event::Cursor(fmt::format("{:016x}", XXH3_64bits(text.data(), text.size())));
}

std::map<TableName, query::QueryOptions::Range> InputsOfLastRun(catalog::Catalog& catalog, const Node& node,
                                                                const table::TableMetadata& output) {
  const auto& model = node.model;
  const auto refuse = [&](const std::string& why) { RefuseStretch(model, why); };
  const auto stored = land::ReadPositions(output, PositionScope(model)).positions;
  if (!stored.contains(kDefinition)) refuse("the model has not run yet");
  if (CursorOf(stored, kDefinition) != DefinitionOf(node)) refuse("the model was edited since its last run");
  std::map<TableName, query::QueryOptions::Range> ranges;
  for (const auto& name : node.inputs) {
    const auto table = LoadAnyCase(catalog, name);
    if (!table) RefuseStretch(model, fmt::format("{} does not exist", ToString(name)));
    auto upto = table->metadata->current_snapshot_id;
    if (LoadAnyCase(catalog, *model.over)->name == table->name) {
      const auto seen = stored.find(SplitOf(*table));
      if (seen == stored.end()) refuse(fmt::format("{} is another table than it was", ToString(table->name)));
      upto = seen->second == event::kStart ? std::nullopt : std::optional(SnapshotOf(seen->second));
      if (upto && table->metadata->FindSnapshot(*upto) == nullptr)
        refuse(fmt::format("snapshot {} of {} has expired or was rolled back", upto->value(), ToString(table->name)));
    }
    ranges[table->name] = {.after = std::nullopt, .upto = upto};
  }
  return ranges;
}

std::optional<Timestamp> LastRunAt(catalog::Catalog& catalog, const Model& model) {
  const auto output = catalog.Load(model.name);
  if (!output) return std::nullopt;
  return ParseTimestamp(
      CursorOf(land::ReadPositions(*output->metadata, PositionScope(model)).positions, kRunAt).value());
}

RunPlan PlanRun(catalog::Catalog& catalog, const Node& node, const RunOptions& options) {
  return Planner(catalog, node, options).Plan();
}

}  // namespace millrace::refine

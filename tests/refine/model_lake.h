#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "catalog/sql/sql_catalog.h"
#include "io/local_object_store.h"
#include "judge/python.h"
#include "query/printer.h"
#include "refine/runner.h"
#include "table/manifest.h"
#include "table/snapshot_builder.h"

namespace millrace::refine {

using catalog::TableName;

inline const TableName kEvents{"silver", "events"};

/// A lake with one table, silver.events, that grows; its rows are made by models over constants, the way all rows get
/// in here.
class ModelLakeTest : public ::testing::Test {
 protected:
  ModelLakeTest()
      : store_(io::LocalObjectStore::Open(folder_.path() / "wh")),
        catalog_({.file = folder_.path() / "catalog.db"}, *store_),
        engine_(catalog_, {.memory_bytes = int64_t{128} << 20, .threads = 1, .spill_directory = ""}) {}

  std::string Ask(const std::string& sql) {
    std::ostringstream out;
    Print(*engine_.Run(sql, {}, {}), query::OutputFormat::kCsv, {}, out);
    return out.str();
  }

  Model Parse(const std::string& name, const std::string& text) {
    return ParseModel(catalog::ParseTableName(name), name + ".sql", text);
  }

  std::vector<RunReport> Run(std::vector<Model> models, const RunOptions& options = {}) {
    Runner runner(catalog_, engine_, budget_, Graph(std::move(models), engine_));
    return runner.Run({}, options, {});
  }

  RunReport RunOne(const Model& model, const RunOptions& options = {}) { return Run({model}, options).front(); }

  /// Appends the rows of a SELECT to silver.events.
  void Land(const std::string& select) {
    const auto loaded = catalog_.Load(kEvents);
    const auto staged = Parse("staging.rows" + std::to_string(++landed_), select);
    ASSERT_EQ(RunOne(staged).why, "");
    if (!loaded) {
      const auto columns = catalog_.Load(staged.name)->metadata->schema();
      ASSERT_TRUE(std::holds_alternative<catalog::Committed>(catalog_.Create(
          {.name = kEvents, .schema = columns, .spec = {}, .sort_order = {}, .properties = {}, .location = ""})));
    }
    // The staged files become the events' own: a table of the same columns has the same ids.
    const auto from = *catalog_.Load(staged.name);
    table::SnapshotChange change;
    for (const auto& manifest : table::ReadManifestList(*store_, *from.metadata->current_snapshot())) {
      for (auto& entry : table::ReadManifest(*store_, *from.metadata, manifest)) change.added.push_back(entry.file);
    }
    CommitEvents(std::move(change));
  }

  /// Records the files of a table anew, with what their partitions say and nothing else.
  void WithoutBounds(const TableName& name) {
    table::SnapshotChange change;
    change.operation = "replace";
    change.remove_all = true;
    const auto base = *catalog_.Load(name);
    for (const auto& manifest : table::ReadManifestList(*store_, *base.metadata->current_snapshot())) {
      for (auto& entry : table::ReadManifest(*store_, *base.metadata, manifest)) {
        if (entry.status == table::EntryStatus::kDeleted) continue;
        for (auto* counts : {&entry.file.value_counts, &entry.file.null_value_counts, &entry.file.nan_value_counts})
          counts->clear();
        entry.file.lower_bounds.clear();
        entry.file.upper_bounds.clear();
        change.added.push_back(entry.file);
      }
    }
    CommitTo(name, std::move(change));
  }

  void CommitEvents(table::SnapshotChange change) { CommitTo(kEvents, std::move(change)); }

  void CommitTo(const TableName& name, table::SnapshotChange change) {
    const auto base = *catalog_.Load(name);
    table::SnapshotBuilder builder(*store_, std::move(change));
    const auto request = builder.Build(*base.metadata, Clock::System().Now());
    ASSERT_TRUE(
        std::holds_alternative<catalog::Committed>(catalog_.Commit(name, request.requirements, request.updates)));
  }

  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_;
  catalog::SqlCatalog catalog_;
  query::Engine engine_;
  ByteBudget budget_{int64_t{64} << 20};
  int landed_ = 0;
};

inline constexpr const char* kRows =
    "SELECT range AS id, CASE WHEN range % 3 = 0 THEN 'Push' ELSE 'Pull' END AS type, TIMESTAMPTZ '2024-01-01 "
    "00:00:00Z' + range * INTERVAL 1 HOUR AS ts, {} "
    "AS n FROM range({}, {})";

inline std::string Rows(int from, int to, int n) { return fmt::format(fmt::runtime(kRows), n, from, to); }

}  // namespace millrace::refine

#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "query/brought_files.h"
#include "query/parameter.h"
#include "table/data_file.h"

namespace millrace::query {

struct FileCount {
  int64_t files = 0;
  int64_t bytes = 0;
};

/// What became of a table's data files on the way to those that a statement has to read.
struct PruningReport {
  FileCount all;
  FileCount after_partitions;
  FileCount read;          // after partitions, counts and bounds
  FileCount delete_files;  // that apply to them
  /// What the statement demands of every row, each with the files that it leaves by itself.
  struct Demand {
    std::string predicate;  // as SQL
    FileCount left;
  };
  std::vector<Demand> demands;
  std::vector<std::string> columns;  // that are read; members of structs as "a.b"
};

/// How much of a table a query had to read.
struct ScanReport {
  catalog::TableName table;
  std::optional<table::SnapshotId> snapshot_id;  // none: the table is empty
  int64_t files_total = 0;
  int64_t files_read = 0;  // after pruning by partition and bounds
  int64_t bytes_read_max = 0;
  int64_t rows_read_max = 0;             // deleted rows included
  std::optional<PruningReport> pruning;  // of statements that are explained
};

struct QueryOptions {
  /// Reads every table as it was then.
  std::optional<Timestamp> as_of;
  std::optional<table::SnapshotId> as_of_snapshot;
  /// Reads these tables at, or between, snapshots: what an incremental model run is made of.
  struct Range {
    std::optional<table::SnapshotId> after;  // exclusive; rows added since; none: everything
    std::optional<table::SnapshotId> upto;   // inclusive; none: the table was empty, no rows
  };
  std::map<catalog::TableName, Range> ranges;
  /// Reads these tables with one more column, kPathColumn: the path of the data file that a row lies in.
  std::set<catalog::TableName> with_paths;
  /// Reads of these tables only data files that are listed (by DataFile::file_path).
  std::map<catalog::TableName, std::set<std::string>> only_files;
  /// Reads these tables as they would be after a change that nobody has committed.
  struct Change {
    bool remove_all = false;
    std::set<std::string> removed;  // by DataFile::file_path
    std::vector<table::DataFile> added;
  };
  std::map<catalog::TableName, Change> changes;
  /// Name -> SQL text that stands for a view over lake tables and other views.
  std::map<catalog::TableName, std::string> views;
  /// Values for the statement's parameters: one for each, and no more. Views have none.
  std::vector<Parameter> parameters;
  /// Not the rows, but DuckDB's plan (explain_key, explain_value) and, of each table, a PruningReport.
  enum class Explain { kNo, kText, kJson };
  Explain explain = Explain::kNo;
};

inline constexpr std::string_view kPathColumn = "__millrace_path";

/// A running query; batches come as they are computed. Use it up, or drop it, before its Engine goes.
class ResultStream {
 public:
  virtual ~ResultStream() = default;
  virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  /// Null at the end.
  virtual std::shared_ptr<arrow::RecordBatch> Next() = 0;
  virtual const std::vector<ScanReport>& scans() const = 0;
};

struct EngineOptions {
  int64_t memory_bytes = int64_t{512} << 20;
  int threads = 0;              // 0: one a core
  std::string spill_directory;  // empty: no spilling
  /// For copies of the files of a warehouse that is not on a local disk, which needs one.
  std::string cache_directory = {};
  int64_t cache_bytes_max = int64_t{10} << 30;
  /// Given: nothing is opened that was not brought, and there is no cache.
  std::optional<BroughtFiles> brought = {};
  /// What now() and its like say, for statements that are to repeat; absent: the time.
  std::optional<Timestamp> now = std::nullopt;
};

/// SQL over the tables of a lake, by DuckDB, with our own planning of which files are read.
class Engine {
 public:
  Engine(catalog::Catalog& catalog, EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Error kData with the line of the SQL when it does not parse, bind or run.
  std::unique_ptr<ResultStream> Run(const std::string& sql, const QueryOptions& options, std::stop_token stop);

  /// What the statement would have to read, by manifests alone: no data file is opened or brought, no row is read.
  std::vector<ScanReport> Plan(const std::string& sql, const QueryOptions& options);

  /// The lake tables and views that a statement names.
  std::vector<catalog::TableName> TablesIn(const std::string& sql);

  /// Why some of a table's rows alone may not show what a statement makes of all of them (query/rows_apart.h).
  std::optional<std::string> WhyNotApart(const std::string& sql, const catalog::TableName& table, int& times);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::query

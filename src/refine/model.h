#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/duration.h"
#include "catalog/catalog.h"
#include "refine/schedule/times.h"

namespace millrace::refine {

enum class Materialized {
  kTable,        // rewritten as a whole when an input has changed
  kIncremental,  // fed with the rows that new snapshots of one table added
  kView,         // not stored: its SQL stands wherever it is named
};

/// What an incremental model does with the rows that come.
enum class Strategy {
  kAppend,             // they are added
  kMerge,              // one row a key stays
  kReplacePartitions,  // the partitions that they are of are made anew, of all rows
};

enum class Schedule {
  kOnCommit,  // whenever what it is made of has got new rows
  kManual,    // by `millrace refine` only
  kAtTimes,   // when Model::times say so
};

/// What computes a model's rows.
enum class ModelEngine {
  kDuckDb,  // in this process
  kSpark,   // a cluster, through Spark Connect
};
/// Which engine a model gets: what is asked for, else what its header says, else the pipeline's.
struct EngineChoice {
  ModelEngine fallback = ModelEngine::kDuckDb;
  std::optional<ModelEngine> asked = std::nullopt;
};

/// A condition that every row has to meet; one that is null is not met.
struct Expectation {
  /// Part of the fingerprint that a model's table keeps: values are frozen.
  enum class Action { kWarn = 0, kDrop = 1, kFail = 2, kQuarantine = 3 };
  std::string condition;
  Action action = Action::kWarn;
  int line = 0;  // of the file
};

/// What a model's table has to be as a whole once a run has written to it.
struct TableExpectation {
  enum class Kind {
    kUnique,         // no two rows with the same `columns`
    kFreshness,      // the newest value of a column is no older than `within`
    kRows,           // how many rows: `min`, `max`, and `change` against the run before
    kDriftMean,      // mean of a column: `change` against the mean of the runs before
    kDriftNulls,     // its share of nulls, 0 to 1: no further away than `change`
    kDriftDistinct,  // its count of distinct values, as the mean
  };
  Kind kind = Kind::kUnique;
  std::string text;                  // for people: "freshness of ts within 2h"
  std::string measure;               // what is compared from run to run: "mean(amount)"
  std::vector<std::string> columns;  // one, but for kUnique
  Duration within{};
  std::optional<int64_t> min;
  std::optional<int64_t> max;
  std::optional<double> change;  // 0.5: 50%
  bool fail = false;             // warn otherwise
};

/// What a header says of a column of the model's table.
struct ColumnDoc {
  std::string name;
  std::string doc;                 // empty: nothing
  std::vector<std::string> tests;  // as expectations have them: `"id" IS NOT NULL`, "unique id"
};

/// One SQL file that makes one table (or view) of others. Its header is YAML in a comment at the top, so that the file
/// stays plain SQL, in either form:
///
///     -- ---                                   /* ---
///     -- materialized: incremental             materialized: incremental
///     -- over: silver.events                   over: silver.events
///     -- key: [id]                             key: [id]
///     -- partition_by: [type, day(ts)]         ...
///     -- expect:                               --- */
///     --   - length(type) > 0: drop
///     -- ---
///     SELECT id, type, ts FROM silver.events
///
/// A file without a header is a table, refreshed on commit.
struct Model {
  catalog::TableName name;  // models/gold/by_hour.sql makes gold.by_hour
  std::filesystem::path file;
  std::string sql;          // the whole file
  size_t header_bytes = 0;  // of its beginning
  Materialized materialized = Materialized::kTable;
  std::optional<catalog::TableName> over;  // kIncremental: whose new rows are taken
  Strategy strategy = Strategy::kAppend;   // kIncremental
  int strategy_line = 1;                   // of the file
  /// kReplacePartitions: what is replaced together, as partition_by says it; empty: partition_by.
  std::vector<std::string> replace_by;
  /// kReplacePartitions: by column of the model, what it is made of: SQL over a row of `over`. Empty: the model itself,
  /// over new rows, says which partitions they are of.
  std::map<std::string, std::string> touched_by;
  /// kReplacePartitions: how far time has come in `over`: the newest `column` that was seen, less `delay`. A partition
  /// whose end is not after it is closed.
  struct Watermark {
    /// What becomes of rows of `over` that come when their partition is closed.
    enum class Late { kDrop, kQuarantine, kAccept };
    enum class Emit { kOnUpdate, kOnClose };
    std::string column;
    Duration delay{};
    Late late = Late::kDrop;
    Emit emit = Emit::kOnUpdate;  // kOnClose: partitions are held back until they are closed
    int line = 1;
  };
  std::optional<Watermark> watermark;
  /// One row a key: of several the newest by `newest_by` stays; where that is a draw, or not given, the one that came
  /// with the newer run.
  std::vector<std::string> key;
  std::vector<std::string> newest_by;
  /// kIncremental: the column that says when what a row is about happened; by it rows are made again for a stretch of
  /// time. Empty: the model names none.
  std::string event_time;
  std::vector<std::string> partition_by;  // "type", "day(ts)", as table::ParsePartitionSpec reads them
  std::vector<std::string> sort_by;
  Schedule schedule = Schedule::kOnCommit;
  std::optional<Times> times;       // kAtTimes
  bool catch_up = true;             // kAtTimes: moments that passed while nothing ran are made up for, by one run
  int retries = 3;                  // kAtTimes: of a run that failed, before the next moment
  std::optional<Duration> timeout;  // of one run; absent: it may take as long as it takes
  std::vector<Expectation> expectations;
  std::vector<TableExpectation> table_expectations;
  std::string description;         // the comment of its table
  std::vector<ColumnDoc> columns;  // in the order of the header; their tests are among the expectations
  std::vector<std::string> tags;
  std::optional<ModelEngine> stated_engine;   // by its header
  ModelEngine engine = ModelEngine::kDuckDb;  // that it runs on
  /// The same rows in Spark's dialect, x.spark.sql beside x.sql, which has the header and says what is read.
  struct SparkSql {
    std::filesystem::path file;
    std::string sql;
  };
  std::optional<SparkSql> spark_sql = std::nullopt;
};

/// Reads one file below `folder`. Error kConfig with file:line.
Model ReadModel(const std::filesystem::path& folder, const std::filesystem::path& file);

/// Every .sql file below a folder, by name. Error kConfig when there is no such folder, two files make one table, or a
/// model cannot run on the engine that it gets; of one that was asked for, a run says so, of the models that it is for.
std::vector<Model> ReadModels(const std::filesystem::path& folder, const EngineChoice& engine = {});

/// The same out of text, for what does not lie in a file. `file` is for errors.
Model ParseModel(catalog::TableName name, const std::filesystem::path& file, const std::string& text);

}  // namespace millrace::refine

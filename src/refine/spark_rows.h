#pragma once

#include <set>
#include <string>
#include <vector>

#include "query/spark/spark_session.h"
#include "refine/fresh_rows.h"
#include "refine/model.h"

namespace millrace::refine {

/// SQL for Spark that does what fresh_rows.h does in DuckDB. The model's rows are the view kSparkRows of the session;
/// names stand between double quotes, as the session reads them.
inline constexpr const char* kSparkRows = "millrace_rows";
/// The same over new rows alone, and of kSparkRows those that take a place.
inline constexpr const char* kSparkNewRows = "millrace_new_rows";
inline constexpr const char* kSparkFresh = "millrace_fresh";

/// What is known of both sides of a run.
struct SparkColumns {
  std::vector<std::string> made;    // by the model
  std::vector<std::string> hashed;  // of these, those whose values have a hash: it decides draws
  std::vector<std::string> table;   // of the model's table
};

/// The table as it was when the run began, for merging by key and for replacing.
struct SparkTable {
  std::string sql;                   // the table at its snapshot
  std::vector<std::string> columns;  // that it had then
  std::set<std::string> files;       // its data files that hold rows to merge with, or to replace
};

/// What is written: the columns of the table, null where the model does not make one, of the model's rows (one a key,
/// where it has one), with what expectations say of each counted on the way: rows that were looked at, rows that are
/// left out, those of them that go into quarantine, and rows that do not meet each expectation. `old`: merged with the
/// rows of those files; may be null.
query::SparkSession::Counted CheckedRows(const Model& model, const SparkColumns& columns, const SparkTable* old);

/// The same of a replacement: the rows of the view kSparkFresh, and of those files the rows that stay.
query::SparkSession::Counted ReplacingRows(const Model& model, const SparkColumns& columns, const SparkTable& old,
                                           const Replacement& replacement);

/// What the view kSparkFresh is: the fresh rows of a replacement, one a key, with what expectations say of each.
std::string SparkFreshSql(const Model& model, const SparkColumns& columns, const Replacement& replacement);

/// The rows that go into quarantine, as BrokenIn takes them: those of the view kSparkRows, as `r`, that `condition` is
/// true of.
std::string SparkQuarantineSql(const Model& model, const std::string& condition);

/// Which data files of `table` hold rows with keys of fresh rows: one text column of paths.
std::string SparkTouchedFilesSql(const Model& model, const std::string& table);
/// Which of them hold rows that go.
std::string SparkReplacedFilesSql(const Replacement& replacement, const std::string& table);

}  // namespace millrace::refine

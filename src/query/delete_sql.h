#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/data_files.h"
#include "query/scan_plan.h"
#include "schema/schema.h"

namespace millrace::query {

/// What of a scan's rows its delete files take away, in SQL. Rows come from a relation `kept` that has, besides the
/// columns of `columns()`, the path of their file as kPathColumn and their position in it as kRowColumn.
class DeleteSql {
 public:
  /// Everything is borrowed. Error kData for equality deletes by a member of a struct that the table has dropped, or by
  /// one that only delete files know.
  DeleteSql(const DataFiles& files, const ScanRequest& request, const ScanPlan& plan, const std::string& vectors);

  /// The columns that rows must be read with: the request's, and dropped ones that deletes compare.
  const schema::Schema& columns() const { return columns_; }

  /// "ANTI JOIN ... LEFT JOIN ... WHERE ...", to stand behind `kept`.
  const std::string& clause() const { return clause_; }

 private:
  /// Equality deletes that compare the same columns within their partition, or everywhere.
  struct ByValue {
    std::vector<schema::FieldId> ids;
    bool everywhere = false;
    std::vector<const table::DatedFile*> files;
  };

  void AddPositions(const ScanPlan& plan, const std::string& vectors);
  void AddValues(const ScanPlan& plan);
  void AddFacts(const ScanPlan& plan);
  void Join(const ByValue& deletes, size_t number);
  std::string KeptColumn(schema::FieldId id);
  const schema::Field& FieldOf(schema::FieldId id) const;
  int NumberOf(const table::DataFile& file);

  const DataFiles& files_;
  const ScanRequest& request_;
  schema::Schema columns_;
  std::map<table::PartitionKey, int> partitions_;
  std::string clause_;
  std::string conditions_;
};

inline constexpr std::string_view kRowColumn = "__millrace_row";

/// As SQL's substr counts.
size_t LengthInCharacters(std::string_view text);

/// A list of paths as read_parquet wants it, for they are patterns.
std::string PathList(const std::vector<std::string>& paths);

}  // namespace millrace::query

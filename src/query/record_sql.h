#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/duckdb_connection.h"

namespace millrace::query {

/// SQL over JSON records on their way, a batch at a time: a condition that keeps some as they are, or a SELECT from
/// `batch` that makes a new record of each. The members of the records are the columns; what they are is seen in the
/// records, and what the SQL names and no record has had yet is null. Every record is looked at by itself: what one is
/// to blame for is said of that one. Used by one thread at a time.
class RecordSql {
 public:
  /// `where`: a condition, or empty; `transform`: a SELECT, or empty. Error kConfig, with the place, for what cannot
  /// run.
  RecordSql(const std::string& where, const std::string& transform);
  ~RecordSql();
  RecordSql(const RecordSql&) = delete;
  RecordSql& operator=(const RecordSql&) = delete;

  struct Row {
    uint32_t record = 0;
    std::string json;       // empty: as it came
    bool is_object = true;  // or something else, which no condition is asked about
  };
  struct Failure {
    uint32_t record = 0;
    std::string why;
  };
  struct Result {
    std::vector<Row> rows;  // rising; at most one a record. What is no JSON object comes as it is
    std::vector<Failure> failures;
  };
  Result Run(std::span<const std::string_view> records);

 private:
  using Json = nlohmann::json;

  Json Serialized(const std::string& sql, const std::string& option);
  void PrepareWhere(const std::string& where);
  void PrepareTransform(const std::string& transform);
  void Load(std::span<const std::string_view> records);
  std::vector<uint32_t> TakeOthers();
  Json Shape();
  void AdoptShape(std::vector<Failure>& failures);
  bool Binds(const Json& shape, std::string* why);
  void Use(const Json& shape);
  std::vector<Row> Rows();
  void RunAlone(const std::vector<uint32_t>& records, Result& result);
  std::vector<uint32_t> Numbers(const std::string& sql);

  Database database_;
  Connection connection_;
  std::string statement_;  // gives __record, and the new record where it transforms
  bool transforms_ = false;
  Json shape_;  // of DuckDB's json_structure
};

}  // namespace millrace::query

#pragma once

#include <arrow/type_fwd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "io/http_client.h"
#include "query/spark/spark_remote.h"

namespace millrace::query::connect {
class ExecutePlanResponse;
class Plan;
class Relation;
}  // namespace millrace::query::connect

namespace millrace::query {

/// A Spark Connect server and what is asked of it.
struct SparkServer {
  SparkRemote remote;
  std::string token;                            // a bearer token; empty: none
  std::string ca_file;                          // empty: the system's
  std::string catalog;                          // what Spark calls the catalogue of our tables
  std::map<std::string, std::string> settings;  // spark.* of each session
  std::chrono::milliseconds timeout{60'000};    // of what is no statement; statements take what they take
};

/// How far a statement is, as Spark sees it.
struct SparkProgress {
  int64_t tasks_done = 0;
  int64_t tasks = 0;
};

/// One session of Spark Connect, by gRPC. A statement goes on when its connection breaks, by reattaching. Stopping
/// interrupts it in Spark. Times are UTC, SQL is ANSI's. The session ends with the object, as far as Spark can be
/// reached. One thread.
///
/// Errors: kUnavailable when Spark cannot be reached, or stopped; SparkError for what it says against a statement.
class SparkSession {
 public:
  /// Of the SQL that comes: DuckDB's, in which "x" is a name and \ is a character like others, or Spark's own.
  enum class Dialect { kDuckDb, kSpark };

  /// `progress` may be null.
  SparkSession(SparkServer server, std::stop_token stop, std::function<void(const SparkProgress&)> progress = nullptr);
  ~SparkSession();
  SparkSession(const SparkSession&) = delete;
  SparkSession& operator=(const SparkSession&) = delete;

  /// Error kConfig when Spark is older than 4.0, which cannot say in SQL what is read of a table.
  void RequireVersion();

  void Speak(Dialect dialect);

  /// Makes a view of this session alone; error SparkError with the line of `sql` that it does not like.
  void CreateView(const std::string& name, const std::string& sql);
  struct Rows {
    std::shared_ptr<arrow::Schema> schema;
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  };
  /// For results of some megabytes at most.
  Rows Ask(const std::string& sql);

  /// Shows each batch of a result of any size, as it comes.
  void Stream(const std::string& sql, const std::function<void(const arrow::RecordBatch&)>& visit);

  /// Rows of `sql` that meet `filter` (empty: all), as `columns`, each an expression, with what is counted of all of
  /// them on the way: each of `counts` is an aggregate, a whole number.
  struct Counted {
    std::string sql;
    std::vector<std::string> counts;
    std::string filter = {};
    std::vector<std::string> columns = {};
  };
  /// Appends rows to a table, by name, and gives what was counted; nullopt when Spark saw that there was nothing to
  /// count. `table` is quoted; `options` are of the table's own.
  std::optional<std::vector<int64_t>> Append(const Counted& rows, const std::string& table,
                                             const std::map<std::string, std::string>& options);

 private:
  using OnResponse = std::function<void(const connect::ExecutePlanResponse&)>;

  void Configure(const std::map<std::string, std::string>& settings);
  void Execute(const connect::Plan& plan, const OnResponse& on_response);
  void Interrupt() noexcept;
  template <typename Request>
  Request NewRequest() const;
  template <typename Answer, typename Request>
  Answer Call(const char* method, const Request& request, std::chrono::milliseconds timeout);

  class Statement;

  const SparkServer server_;
  const std::string shown_;  // "Spark at host:port"
  const std::string session_id_;
  const std::stop_token stop_;
  const std::function<void(const SparkProgress&)> progress_;
  io::HttpClient http_;
  Dialect dialect_ = Dialect::kSpark;
  bool begun_ = false;
};

/// Error kUnavailable when nobody answers, kConfig when it is not one that can be used.
void RequireSpark(const SparkServer& server, const std::stop_token& stop);

}  // namespace millrace::query

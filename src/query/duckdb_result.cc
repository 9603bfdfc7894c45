#include "query/duckdb_result.h"

#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <optional>
#include <utility>

#include "query/arrow_status.h"
#include "query/statement_parameters.h"

namespace millrace::query {
namespace {

void ThrowIf(duckdb_error_data error) {
  const bool failed = error && DuckDb().error_data_has_error(error);
  const std::string message = failed ? DuckDb().error_data_message(error) : "";
  const auto type = failed ? DuckDb().error_data_error_type(error) : DUCKDB_ERROR_INVALID;
  DuckDb().destroy_error_data(&error);
  if (failed) throw ToError(type, message);
}

/// Owns everything a running statement needs, and gives it back in the right order.
class DuckDbStream final : public ResultStream {
 public:
  DuckDbStream(PreparedRun run, std::stop_token stop) : run_(std::move(run)), stop_(std::move(stop)) {
    try {
      Start();
      ReadSchema();
    } catch (...) {
      Release();
      throw;
    }
  }
  ~DuckDbStream() override { Release(); }
  DuckDbStream(const DuckDbStream&) = delete;
  DuckDbStream& operator=(const DuckDbStream&) = delete;

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  const std::vector<ScanReport>& scans() const override { return run_.scans; }

  std::shared_ptr<arrow::RecordBatch> Next() override {
    if (done_) return nullptr;
    duckdb_data_chunk chunk = DuckDb().fetch_chunk(result_);
    if (!chunk) {
      done_ = true;
      ThrowResultError();
      return nullptr;
    }
    ArrowArray array{};
    duckdb_error_data error = DuckDb().data_chunk_to_arrow(options_, chunk, &array);
    const auto rows = DuckDb().data_chunk_get_size(chunk);
    DuckDb().destroy_data_chunk(&chunk);
    ThrowIf(error);
    if (rows == 0) {
      array.release(&array);
      return Next();
    }
    return ValueOf(arrow::ImportRecordBatch(&array, schema_), "taking rows over from DuckDB");
  }

 private:
  struct Interrupt {
    Connection* connection;
    void operator()() const { connection->Interrupt(); }
  };

  void Start() {
    const auto connection = run_.connection->handle();
    if (DuckDb().prepare(connection, run_.sql.c_str(), &statement_) != DuckDBSuccess) {
      throw Error(ErrorCode::kData, DuckDb().prepare_error(statement_));
    }
    BindParameters(*run_.connection, statement_, run_.parameters);
    Begin();
    // DuckDB forgets an interrupt that comes before the statement is under way.
    interrupt_.emplace(stop_, Interrupt{run_.connection.get()});
    if (DuckDb().execute_pending(pending_, &result_) != DuckDBSuccess) ThrowResultError();
  }

  void Begin() {
    if (DuckDb().pending_prepared_streaming(statement_, &pending_) == DuckDBSuccess) return;
    const auto error = DuckDb().pending_error(pending_);
    throw Error(ErrorCode::kData, error ? error : "the statement does not run");
  }

  /// When a statement fails in one thread DuckDB interrupts the others, and now and then tells of that in place of the
  /// failure. What it was is found by running it again, for nothing but the error.
  void ThrowResultError() {
    for (int runs = 0;; ++runs) {
      const char* message = DuckDb().result_error(&result_);
      const bool failed = message && *message;
      if (!failed && runs == 0) return;
      const auto type = failed ? DuckDb().result_error_type(&result_) : DUCKDB_ERROR_INTERRUPT;
      if (type != DUCKDB_ERROR_INTERRUPT || stop_.stop_requested()) throw ToError(type, failed ? message : "");
      if (runs == kRunsForTheError) {
        throw Error(ErrorCode::kUnavailable, "the statement broke off and DuckDB does not say why; run it again");
      }
      RunForTheError();
    }
  }

  void RunForTheError() {
    DuckDb().destroy_result(&result_);
    DuckDb().destroy_pending(&pending_);
    Begin();
    if (DuckDb().execute_pending(pending_, &result_) != DuckDBSuccess) return;
    while (duckdb_data_chunk chunk = DuckDb().fetch_chunk(result_)) DuckDb().destroy_data_chunk(&chunk);
  }

  /// Arrow's schema of the result; columns whose SQL type Arrow cannot tell apart carry it as "sql.type".
  void ReadSchema() {
    options_ = DuckDb().result_get_arrow_options(&result_);
    std::vector<duckdb_logical_type> types;
    std::vector<const char*> names;
    std::vector<duckdb_type> ids;
    for (idx_t i = 0; i < DuckDb().column_count(&result_); ++i) {
      types.push_back(DuckDb().column_logical_type(&result_, i));
      names.push_back(DuckDb().column_name(&result_, i));
      ids.push_back(DuckDb().column_type(&result_, i));
    }
    ArrowSchema exported{};
    duckdb_error_data error = DuckDb().to_arrow_schema(options_, types.data(), names.data(), types.size(), &exported);
    for (auto& type : types) DuckDb().destroy_logical_type(&type);
    ThrowIf(error);
    auto fields = ValueOf(arrow::ImportSchema(&exported), "taking columns over from DuckDB")->fields();
    for (size_t i = 0; i < fields.size(); ++i) {
      if (ids[i] == DUCKDB_TYPE_HUGEINT)
        fields[i] = fields[i]->WithMetadata(arrow::key_value_metadata({{"sql.type", "HUGEINT"}}));
      if (ids[i] == DUCKDB_TYPE_UUID)
        fields[i] = fields[i]->WithMetadata(arrow::key_value_metadata({{"sql.type", "UUID"}}));
    }
    schema_ = arrow::schema(std::move(fields));
  }

  void Release() {
    interrupt_.reset();
    if (options_) DuckDb().destroy_arrow_options(&options_);
    DuckDb().destroy_result(&result_);
    DuckDb().destroy_pending(&pending_);
    DuckDb().destroy_prepare(&statement_);
    run_.names.reset();
  }

  static constexpr int kRunsForTheError = 3;

  PreparedRun run_;
  const std::stop_token stop_;
  duckdb_prepared_statement statement_ = nullptr;
  duckdb_pending_result pending_ = nullptr;
  duckdb_result result_{};
  duckdb_arrow_options options_ = nullptr;
  std::shared_ptr<arrow::Schema> schema_;
  bool done_ = false;
  std::optional<std::stop_callback<Interrupt>> interrupt_;
};

}  // namespace

std::unique_ptr<ResultStream> StartQuery(PreparedRun run, std::stop_token stop) {
  return std::make_unique<DuckDbStream>(std::move(run), std::move(stop));
}

}  // namespace millrace::query

#include "query/duckdb_connection.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

namespace millrace::query {
namespace {

ErrorCode CodeOf(duckdb_error_type type) {
  switch (type) {
    case DUCKDB_ERROR_OUT_OF_RANGE:
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_UNKNOWN_TYPE:
    case DUCKDB_ERROR_DECIMAL:
    case DUCKDB_ERROR_MISMATCH_TYPE:
    case DUCKDB_ERROR_DIVIDE_BY_ZERO:
    case DUCKDB_ERROR_OBJECT_SIZE:
    case DUCKDB_ERROR_INVALID_TYPE:
    case DUCKDB_ERROR_SERIALIZATION:
    case DUCKDB_ERROR_NOT_IMPLEMENTED:
    case DUCKDB_ERROR_EXPRESSION:
    case DUCKDB_ERROR_CATALOG:
    case DUCKDB_ERROR_PARSER:
    case DUCKDB_ERROR_PLANNER:
    case DUCKDB_ERROR_EXECUTOR:
    case DUCKDB_ERROR_CONSTRAINT:
    case DUCKDB_ERROR_SYNTAX:
    case DUCKDB_ERROR_BINDER:
    case DUCKDB_ERROR_INVALID_INPUT:
    case DUCKDB_ERROR_PERMISSION:
    case DUCKDB_ERROR_PARAMETER_NOT_RESOLVED:
    case DUCKDB_ERROR_PARAMETER_NOT_ALLOWED:
    case DUCKDB_ERROR_DEPENDENCY:
    case DUCKDB_ERROR_MISSING_EXTENSION:
    case DUCKDB_ERROR_AUTOLOAD:
    case DUCKDB_ERROR_SEQUENCE:
      return ErrorCode::kData;
    case DUCKDB_ERROR_NETWORK:
    case DUCKDB_ERROR_HTTP:
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_INTERRUPT:
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return ErrorCode::kUnavailable;
    case DUCKDB_INVALID_CONFIGURATION:
    case DUCKDB_ERROR_SETTINGS:
      return ErrorCode::kConfig;
    case DUCKDB_ERROR_INVALID:
    case DUCKDB_ERROR_TRANSACTION:
    case DUCKDB_ERROR_SCHEDULER:
    case DUCKDB_ERROR_INDEX:
    case DUCKDB_ERROR_STAT:
    case DUCKDB_ERROR_CONNECTION:
    case DUCKDB_ERROR_OPTIMIZER:
    case DUCKDB_ERROR_NULL_POINTER:
    case DUCKDB_ERROR_FATAL:
    case DUCKDB_ERROR_INTERNAL:
      return ErrorCode::kInternal;
  }
  return ErrorCode::kInternal;
}

/// What could not be had, of a text that goes on with settings nobody here can set: "failed to allocate data of
/// size 16.0 MiB (109.3 MiB/122.0 MiB used)".
std::string_view OutOfMemoryCause(std::string_view message) {
  constexpr std::string_view kPrefix = "Out of Memory Error: ";
  if (message.starts_with(kPrefix)) message.remove_prefix(kPrefix.size());
  message = message.substr(0, message.find('\n'));
  while (message.ends_with(' ')) message.remove_suffix(1);
  return message;
}

struct Statement {
  duckdb_prepared_statement handle = nullptr;
  ~Statement() { DuckDb().destroy_prepare(&handle); }
};

struct Result {
  duckdb_result value{};
  ~Result() { DuckDb().destroy_result(&value); }
};

using Chunk = std::unique_ptr<_duckdb_data_chunk, void (*)(duckdb_data_chunk)>;

/// Null at the end.
Chunk NextChunk(Result& result) {
  return {DuckDb().fetch_chunk(result.value), [](duckdb_data_chunk held) { DuckDb().destroy_data_chunk(&held); }};
}

class Appender {
 public:
  Appender(duckdb_connection connection, const std::string& table) {
    Check(DuckDb().appender_create(connection, nullptr, table.c_str(), &handle_));
  }
  ~Appender() { DuckDb().appender_destroy(&handle_); }
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;

  duckdb_appender handle() const { return handle_; }
  void Check(duckdb_state state) const {
    if (state == DuckDBSuccess) return;
    const char* message = handle_ ? DuckDb().appender_error(handle_) : nullptr;
    throw Error(ErrorCode::kUnavailable,
                fmt::format("rows cannot be held: {}", message ? message : "DuckDB does not say why"));
  }
  void Close() const { Check(DuckDb().appender_close(handle_)); }

 private:
  duckdb_appender handle_ = nullptr;
};

[[noreturn]] void Throw(duckdb_result& result) {
  const char* message = DuckDb().result_error(&result);
  throw ToError(DuckDb().result_error_type(&result), message ? message : "DuckDB failed without saying why");
}

}  // namespace

Error ToError(duckdb_error_type type, std::string message) {
  if (type == DUCKDB_ERROR_INTERRUPT) return {ErrorCode::kUnavailable, "the query was stopped"};
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY) {
    return {ErrorCode::kUnavailable,
            fmt::format("the statement needs more memory than there is ({}); raise `memory:` in the configuration, or "
                        "let the statement hold fewer rows at once",
                        OutOfMemoryCause(message))};
  }
  return {CodeOf(type), std::move(message)};
}

Database::Database(const std::map<std::string, std::string>& settings) {
  duckdb_config config = nullptr;
  if (DuckDb().create_config(&config) != DuckDBSuccess)
    throw Error(ErrorCode::kInternal, "DuckDB refused a configuration");
  for (const auto& [name, value] : settings) {
    if (DuckDb().set_config(config, name.c_str(), value.c_str()) != DuckDBSuccess) {
      DuckDb().destroy_config(&config);
      throw Error(ErrorCode::kInternal, fmt::format("DuckDB knows no setting {} = {}", name, value));
    }
  }
  char* message = nullptr;
  const auto state = DuckDb().open_ext(nullptr, &handle_, config, &message);
  DuckDb().destroy_config(&config);
  if (state == DuckDBSuccess) return;
  const std::string text = message ? message : "";
  DuckDb().free(message);
  throw Error(ErrorCode::kUnavailable, "cannot start the SQL engine: " + text);
}

Database::~Database() { DuckDb().close(&handle_); }

Connection::Connection(Database& database) {
  if (DuckDb().connect(database.handle(), &handle_) != DuckDBSuccess) {
    throw Error(ErrorCode::kInternal, "the SQL engine takes no more connections");
  }
}

Connection::~Connection() { DuckDb().disconnect(&handle_); }

void Connection::Execute(const std::string& sql) {
  Result result;
  if (DuckDb().query(handle_, sql.c_str(), &result.value) != DuckDBSuccess) Throw(result.value);
}

bool Connection::TryExecute(const std::string& sql) noexcept {
  Result result;
  return DuckDb().query(handle_, sql.c_str(), &result.value) == DuckDBSuccess;
}

std::string Connection::AskText(const std::string& sql, const std::vector<std::string>& parameters) {
  Statement statement;
  if (DuckDb().prepare(handle_, sql.c_str(), &statement.handle) != DuckDBSuccess) {
    throw Error(ErrorCode::kInternal, DuckDb().prepare_error(statement.handle));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    DuckDb().bind_varchar_length(statement.handle, i + 1, parameters[i].data(), parameters[i].size());
  }
  Result result;
  if (DuckDb().execute_prepared(statement.handle, &result.value) != DuckDBSuccess) Throw(result.value);
  const auto chunk = NextChunk(result);
  if (!chunk || DuckDb().data_chunk_get_size(chunk.get()) != 1)
    throw Error(ErrorCode::kInternal, "DuckDB answered no row");
  auto* cell = static_cast<duckdb_string_t*>(DuckDb().vector_get_data(DuckDb().data_chunk_get_vector(chunk.get(), 0)));
  return {DuckDb().string_t_data(cell), DuckDb().string_t_length(*cell)};
}

void Connection::AppendPositions(const std::string& table, const std::string& path,
                                 const std::vector<int64_t>& positions) {
  Appender appender(handle_, table);
  for (const int64_t position : positions) {
    appender.Check(DuckDb().append_varchar_length(appender.handle(), path.data(), path.size()));
    appender.Check(DuckDb().append_int64(appender.handle(), position));
    appender.Check(DuckDb().appender_end_row(appender.handle()));
  }
  appender.Close();
}

void Connection::AppendTexts(const std::string& table, std::span<const std::string_view> texts) {
  Appender appender(handle_, table);
  int64_t number = 0;
  for (const auto text : texts) {
    appender.Check(DuckDb().append_int64(appender.handle(), number++));
    appender.Check(DuckDb().append_varchar_length(appender.handle(), text.data(), text.size()));
    appender.Check(DuckDb().appender_end_row(appender.handle()));
  }
  appender.Close();
}

void Connection::ForEachRow(const std::string& sql, const std::function<void(int64_t, std::string_view)>& row) {
  Result result;
  if (DuckDb().query(handle_, sql.c_str(), &result.value) != DuckDBSuccess) Throw(result.value);
  while (const auto chunk = NextChunk(result)) {
    const auto* numbers =
        static_cast<const int64_t*>(DuckDb().vector_get_data(DuckDb().data_chunk_get_vector(chunk.get(), 0)));
    auto* texts =
        static_cast<duckdb_string_t*>(DuckDb().vector_get_data(DuckDb().data_chunk_get_vector(chunk.get(), 1)));
    for (idx_t i = 0; i < DuckDb().data_chunk_get_size(chunk.get()); ++i) {
      row(numbers[i], {DuckDb().string_t_data(&texts[i]), DuckDb().string_t_length(texts[i])});
    }
  }
}

}  // namespace millrace::query

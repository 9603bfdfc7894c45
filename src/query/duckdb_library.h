#pragma once

#include <duckdb.h>

namespace millrace::query {

/// The functions of libduckdb that are called here, under their names without `duckdb_`.
// clang-format off
#define MILLRACE_DUCKDB_FUNCTIONS(each) \
  each(append_int64) each(append_varchar_length) each(appender_close) each(appender_create) \
  each(appender_destroy) each(appender_end_row) each(appender_error) each(bind_parameter_index) \
  each(bind_value) each(bind_varchar_length) each(close) each(column_count) each(column_logical_type) \
  each(column_name) each(column_type) each(connect) each(create_bool) each(create_config) each(create_date) \
  each(create_decimal) each(create_double) each(create_hugeint) each(create_int32) each(create_int64) \
  each(create_null_value) each(create_time) each(create_timestamp) each(create_timestamp_tz) each(create_uuid) \
  each(create_varchar_length) each(data_chunk_get_size) each(data_chunk_get_vector) each(data_chunk_to_arrow) \
  each(decimal_internal_type) each(decimal_scale) each(decimal_width) each(destroy_arrow_options) \
  each(destroy_config) each(destroy_data_chunk) each(destroy_error_data) each(destroy_logical_type) \
  each(destroy_pending) each(destroy_prepare) each(destroy_result) each(destroy_value) each(disconnect) \
  each(error_data_error_type) each(error_data_has_error) each(error_data_message) each(execute_pending) \
  each(execute_prepared) each(fetch_chunk) each(free) each(get_type_id) each(interrupt) each(library_version) \
  each(open_ext) each(pending_error) each(pending_prepared_streaming) each(prepare) each(prepare_error) \
  each(query) each(result_error) each(result_error_type) each(result_get_arrow_options) each(set_config) \
  each(string_t_data) each(string_t_length) each(to_arrow_schema) each(vector_get_column_type) \
  each(vector_get_data)
// clang-format on

struct DuckDbLibrary {
// NOLINTNEXTLINE(bugprone-macro-parentheses): it is a declarator
#define MILLRACE_MEMBER(name) decltype(&::duckdb_##name) name = nullptr;
  MILLRACE_DUCKDB_FUNCTIONS(MILLRACE_MEMBER)
#undef MILLRACE_MEMBER
};

/// libduckdb, loaded at the first call: to bind its symbols takes a third of a start, which those who ask no SQL need
/// not wait for. Error kUnavailable when it is not there. Thread-safe.
const DuckDbLibrary& DuckDb();

}  // namespace millrace::query

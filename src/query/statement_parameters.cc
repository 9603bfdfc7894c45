#include "query/statement_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/nearest.h"
#include "query/duckdb_json.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

/// SQL holds names to be one whatever their letters' case.
std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}

struct Value {
  duckdb_value handle = nullptr;
  explicit Value(duckdb_value made) : handle(made) {}
  ~Value() { DuckDb().destroy_value(&handle); }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
};

struct Prepared {
  duckdb_prepared_statement handle = nullptr;
  duckdb_result result{};
  duckdb_data_chunk chunk = nullptr;
  ~Prepared() {
    if (chunk) DuckDb().destroy_data_chunk(&chunk);
    DuckDb().destroy_result(&result);
    DuckDb().destroy_prepare(&handle);
  }
};

duckdb_value DecimalIn(duckdb_logical_type type, const void* cell) {
  duckdb_decimal decimal{};
  decimal.width = DuckDb().decimal_width(type);
  decimal.scale = DuckDb().decimal_scale(type);
  const auto whole = [&](int64_t unscaled) {
    decimal.value = {.lower = static_cast<uint64_t>(unscaled), .upper = unscaled < 0 ? -1 : 0};
  };
  switch (DuckDb().decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT:
      whole(*static_cast<const int16_t*>(cell));
      break;
    case DUCKDB_TYPE_INTEGER:
      whole(*static_cast<const int32_t*>(cell));
      break;
    case DUCKDB_TYPE_BIGINT:
      whole(*static_cast<const int64_t*>(cell));
      break;
    default:
      decimal.value = *static_cast<const duckdb_hugeint*>(cell);
  }
  return DuckDb().create_decimal(decimal);
}

/// UUIDs lie in vectors with their highest bit flipped, so that they sort as numbers.
duckdb_value UuidIn(const void* cell) {
  const auto& stored = *static_cast<const duckdb_hugeint*>(cell);
  return DuckDb().create_uuid(
      {.lower = stored.lower, .upper = static_cast<uint64_t>(stored.upper) ^ (uint64_t{1} << 63)});
}

/// The first cell of a vector of one of the types that parameters have.
duckdb_value ValueIn(duckdb_vector vector) {
  auto type = DuckDb().vector_get_column_type(vector);
  const void* cell = DuckDb().vector_get_data(vector);
  const auto made = [&]() -> duckdb_value {
    switch (DuckDb().get_type_id(type)) {
      case DUCKDB_TYPE_BOOLEAN:
        return DuckDb().create_bool(*static_cast<const bool*>(cell));
      case DUCKDB_TYPE_INTEGER:
        return DuckDb().create_int32(*static_cast<const int32_t*>(cell));
      case DUCKDB_TYPE_BIGINT:
        return DuckDb().create_int64(*static_cast<const int64_t*>(cell));
      case DUCKDB_TYPE_HUGEINT:
        return DuckDb().create_hugeint(*static_cast<const duckdb_hugeint*>(cell));
      case DUCKDB_TYPE_DOUBLE:
        return DuckDb().create_double(*static_cast<const double*>(cell));
      case DUCKDB_TYPE_DECIMAL:
        return DecimalIn(type, cell);
      case DUCKDB_TYPE_DATE:
        return DuckDb().create_date(*static_cast<const duckdb_date*>(cell));
      case DUCKDB_TYPE_TIME:
        return DuckDb().create_time(*static_cast<const duckdb_time*>(cell));
      case DUCKDB_TYPE_TIMESTAMP:
        return DuckDb().create_timestamp(*static_cast<const duckdb_timestamp*>(cell));
      case DUCKDB_TYPE_TIMESTAMP_TZ:
        return DuckDb().create_timestamp_tz(*static_cast<const duckdb_timestamp*>(cell));
      case DUCKDB_TYPE_UUID:
        return UuidIn(cell);
      default:
        return nullptr;
    }
  }();
  DuckDb().destroy_logical_type(&type);
  return made;
}

[[noreturn]] void ThrowNoValue(const Parameter& parameter) {
  throw Error(ErrorCode::kData,
              fmt::format("parameter {}: '{}' is no {}", parameter.name, *parameter.text, parameter.type));
}

/// DuckDB's own cast of the text. The type is of our closed list.
duckdb_value Cast(Connection& connection, const Parameter& parameter) {
  Prepared cast;
  const auto sql = fmt::format("SELECT CAST(CAST(? AS VARCHAR) AS {})", parameter.type);
  if (DuckDb().prepare(connection.handle(), sql.c_str(), &cast.handle) != DuckDBSuccess)
    throw Error(ErrorCode::kInternal, DuckDb().prepare_error(cast.handle));
  const auto& text = *parameter.text;
  if (DuckDb().bind_varchar_length(cast.handle, 1, text.data(), text.size()) != DuckDBSuccess ||
      DuckDb().execute_prepared(cast.handle, &cast.result) != DuckDBSuccess)
    ThrowNoValue(parameter);
  cast.chunk = DuckDb().fetch_chunk(cast.result);
  auto* made = cast.chunk ? ValueIn(DuckDb().data_chunk_get_vector(cast.chunk, 0)) : nullptr;
  if (!made) ThrowNoValue(parameter);
  return made;
}

duckdb_value ValueOf(Connection& connection, const Parameter& parameter) {
  if (!parameter.text) return DuckDb().create_null_value();
  if (parameter.type != "VARCHAR") return Cast(connection, parameter);
  auto* made = DuckDb().create_varchar_length(parameter.text->data(), parameter.text->size());
  if (!made) throw Error(ErrorCode::kData, fmt::format("parameter {} is no UTF-8 text", parameter.name));
  return made;
}

/// DuckDB's tree of a constant of the parameter's type, made by its own parser but for the text, which is put into it.
Json ConstantNode(Connection& parser, const Parameter& parameter) {
  const bool is_null = !parameter.text;
  const bool is_text = parameter.type == "VARCHAR";
  const auto sql = is_null   ? std::string("SELECT NULL")
                   : is_text ? std::string("SELECT ''")
                             : fmt::format("SELECT CAST('' AS {})", parameter.type);
  const auto answer = ParseDuckDbJson(parser.AskText("SELECT json_serialize_sql(CAST(? AS VARCHAR))", {sql}));
  auto node = answer.at("statements").at(0).at("node").at("select_list").at(0);
  if (is_null) return node;
  auto& constant = is_text ? node : node.at("child");
  constant.at("value").at("value") = *parameter.text;
  return node;
}

bool IsParameter(const Json& node) { return node.is_object() && node.value("class", Json()) == "PARAMETER"; }

void Replace(Json& node, const std::map<std::string, Json>& constants) {
  if (IsParameter(node)) {
    auto constant = constants.at(Lower(node.at("identifier").get<std::string>()));
    constant["alias"] = node.at("alias");
    node = std::move(constant);
  } else if (node.is_structured()) {
    for (auto& child : node) Replace(child, constants);
  }
}

}  // namespace

void RequireParameters(const Statement& statement, const std::vector<Parameter>& given) {
  std::vector<std::string> asked;
  for (const auto& name : statement.parameters) asked.push_back(Lower(name));
  std::vector<std::string> names;
  for (const auto& parameter : given) {
    const auto name = Lower(parameter.name);
    if (std::find(names.begin(), names.end(), name) != names.end())
      throw Error(ErrorCode::kData, fmt::format("parameter {} is given twice", parameter.name));
    names.push_back(name);
  }
  for (const auto& name : statement.parameters) {
    if (std::find(names.begin(), names.end(), Lower(name)) != names.end()) continue;
    throw Error(ErrorCode::kData,
                fmt::format("the statement asks for the parameter ${0}, and none of that name is given: "
                            "--param {0}=VALUE, or \"params\" over HTTP",
                            name));
  }
  for (const auto& parameter : given) {
    if (std::find(asked.begin(), asked.end(), Lower(parameter.name)) != asked.end()) continue;
    throw Error(ErrorCode::kData,
                fmt::format("parameter {} is given, and the statement has no ${}{}", parameter.name, parameter.name,
                            asked.empty() ? "; it has none at all" : Suggest(parameter.name, asked)));
  }
}

void BindParameters(Connection& connection, duckdb_prepared_statement prepared, const std::vector<Parameter>& given) {
  for (const auto& parameter : given) {
    idx_t place = 0;
    if (DuckDb().bind_parameter_index(prepared, &place, parameter.name.c_str()) != DuckDBSuccess)
      throw Error(ErrorCode::kInternal, fmt::format("the statement lost its parameter {}", parameter.name));
    const Value value(ValueOf(connection, parameter));
    if (DuckDb().bind_value(prepared, place, value.handle) != DuckDBSuccess)
      throw Error(ErrorCode::kData, fmt::format("parameter {}: {}", parameter.name, DuckDb().prepare_error(prepared)));
  }
}

std::string WithConstants(Connection& parser, const std::string& select, const std::vector<Parameter>& given) {
  auto tree = ParseDuckDbJson(parser.AskText("SELECT json_serialize_sql(CAST(? AS VARCHAR))", {select}));
  std::map<std::string, Json> constants;
  for (const auto& parameter : given) constants.emplace(Lower(parameter.name), ConstantNode(parser, parameter));
  for (auto& statement : tree.at("statements")) statement["named_param_map"] = Json::array();
  Replace(tree, constants);
  return parser.AskText("SELECT json_deserialize_sql(CAST(? AS JSON))",
                        {tree.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

}  // namespace millrace::query

#include "refine/partition_slices.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/letter_case.h"
#include "query/sql_text.h"
#include "schema/primitive_name.h"
#include "table/partition.h"

namespace millrace::refine {
namespace {

using nlohmann::json;
using schema::Primitive;
using Unit = ReplaceFields::TimeField::Unit;
using Kind = table::Transform::Kind;

constexpr int kVersion = 1;
constexpr int64_t kHourMicros = int64_t{3'600'000'000};
constexpr int64_t kDayMicros = 24 * kHourMicros;

bool IsTime(const schema::PrimitiveType& type) {
  return type.kind == Primitive::kTimestamp || type.kind == Primitive::kTimestamptz;
}

/// The type's name in the dialect of the engine.
std::string TypeName(const schema::PrimitiveType& type, ModelEngine engine) {
  if (engine == ModelEngine::kDuckDb) return query::SqlType(type);
  switch (type.kind) {
    case Primitive::kInt:
      return "INT";
    case Primitive::kTimestamp:
      return "TIMESTAMP_NTZ";
    case Primitive::kTimestamptz:
      return "TIMESTAMP";
    case Primitive::kString:
    case Primitive::kUuid:
      return "STRING";
    default:
      return query::SqlType(type);  // BOOLEAN, BIGINT, DECIMAL(p, s), DATE
  }
}

bool HasText(const schema::PrimitiveType& type) {
  switch (type.kind) {
    case Primitive::kBoolean:
    case Primitive::kInt:
    case Primitive::kLong:
    case Primitive::kDecimal:
    case Primitive::kDate:
    case Primitive::kTimestamp:
    case Primitive::kTimestamptz:
    case Primitive::kString:
    case Primitive::kUuid:
      return true;
    case Primitive::kFloat:
    case Primitive::kDouble:
    case Primitive::kTime:
    case Primitive::kFixed:
    case Primitive::kBinary:
      return false;
  }
  throw Error(ErrorCode::kInternal, "a type that there is not");
}

std::optional<Unit> UnitOf(Kind kind) {
  switch (kind) {
    case Kind::kHour:
      return Unit::kHour;
    case Kind::kDay:
      return Unit::kDay;
    case Kind::kMonth:
      return Unit::kMonth;
    case Kind::kYear:
      return Unit::kYear;
    default:
      return std::nullopt;
  }
}

Timestamp At(int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); }

int64_t NumberIn(std::string_view text) {
  try {
    return std::stoll(std::string(text));
  } catch (const std::exception&) {
    throw Error(ErrorCode::kInternal, fmt::format("'{}' is no number of hours or days", text));
  }
}

/// Ranges that one follows the other in become one, where the rest is the same.
void JoinNeighbours(PartitionSlices& slices) {
  std::ranges::sort(slices.slices);
  const auto [last, end] = std::ranges::unique(slices.slices);
  slices.slices.erase(last, end);
  std::optional<size_t> range;
  for (const auto& slice : slices.slices) {
    for (size_t i = 0; i < slice.size(); ++i) {
      if (!slice[i].to) continue;
      if (range && *range != i) return;
      range = i;
    }
  }
  if (!range) return;
  const auto apart = [&](std::vector<PartitionSlices::Bound> slice) {
    auto bound = std::exchange(slice[*range], {});
    return std::pair(std::move(slice), std::move(bound));
  };
  std::ranges::sort(slices.slices, {}, apart);
  std::vector<std::vector<PartitionSlices::Bound>> joined;
  for (auto& slice : slices.slices) {
    if (!joined.empty()) {
      auto& before = joined.back();
      const auto same = apart(before).first == apart(slice).first;
      if (same && before[*range].to && before[*range].to == slice[*range].from && slice[*range].to) {
        before[*range].to = slice[*range].to;
        continue;
      }
    }
    joined.push_back(std::move(slice));
  }
  slices.slices = std::move(joined);
}

using NameOf = std::function<std::string(const PartitionSlices::Column&)>;

std::string Holds(const PartitionSlices::Bound& bound, const std::string& value, const schema::PrimitiveType& type,
                  ModelEngine engine) {
  if (!bound.from) return value + " IS NULL";
  const auto from = SliceLiteral(*bound.from, type, engine);
  if (!bound.to) return fmt::format("{} = {}", value, from);
  return fmt::format("{0} >= {1} AND {0} < {2}", value, from, SliceLiteral(*bound.to, type, engine));
}

/// The range that all slices lie in, for what prunes by it; empty where a slice has none.
std::string Around(const PartitionSlices& slices, size_t column, const std::string& value, ModelEngine engine) {
  std::optional<std::string> from, to;
  for (const auto& slice : slices.slices) {
    const auto& bound = slice[column];
    if (!bound.to) return "";
    from = from ? std::min(*from, *bound.from) : *bound.from;
    to = to ? std::max(*to, *bound.to) : *bound.to;
  }
  return fmt::format("({}) AND ", Holds({from, to}, value, slices.columns[column].type, engine));
}

std::string Condition(const PartitionSlices& slices, const NameOf& name, ModelEngine engine) {
  if (slices.slices.empty()) return "false";
  std::string around, any;
  for (size_t i = 0; i < slices.columns.size() && slices.slices.size() > 1; ++i)
    around += Around(slices, i, name(slices.columns[i]), engine);
  for (const auto& slice : slices.slices) {
    std::string all;
    for (size_t i = 0; i < slice.size(); ++i)
      all += (i == 0 ? "" : " AND ") + Holds(slice[i], name(slices.columns[i]), slices.columns[i].type, engine);
    any += fmt::format("{}({})", any.empty() ? "" : " OR ", all);
  }
  return fmt::format("({}({}))", around, any);
}

}  // namespace

ReplaceFields::ReplaceFields(const Model& model, const schema::Schema& table) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::kConfig, fmt::format("{}:{}: {}", model.file.string(), model.strategy_line, what));
  };
  const auto& expressions = model.replace_by.empty() ? model.partition_by : model.replace_by;
  for (const auto& field : table::ParsePartitionSpec(expressions, table).fields) {
    const auto kind = field.transform.kind;
    if (kind == Kind::kBucket || kind == Kind::kTruncate) continue;
    const auto column = std::ranges::find(table.fields, field.source_id, &schema::Field::id);
    if (column == table.fields.end())
      refuse(fmt::format("replace_partitions: {} is of a column within another; name one of the table", field.name));
    const auto* type = std::get_if<schema::PrimitiveType>(&column->type);
    if (type == nullptr || !HasText(*type))
      refuse(
          fmt::format("replace_partitions: column {} is {}, whose values have no exact text; say replace_by with "
                      "another",
                      column->name, ToString(column->type)));
    std::string made_of = query::QuoteName(column->name);
    if (!model.touched_by.empty()) {
      const auto found = std::ranges::find_if(
          model.touched_by, [&](const auto& entry) { return SameInAnyCase(entry.first, column->name); });
      if (found == model.touched_by.end())
        refuse(fmt::format("touched_by: it says nothing of column {}, by which partitions are replaced", column->name));
      made_of = found->second;
    }
    fields_.push_back({{column->name, *type}, UnitOf(kind), std::move(made_of)});
  }
  if (fields_.empty())
    refuse(
        "replace_partitions needs a field of a value, year, month, day or hour in partition_by, or replace_by: "
        "[day(ts)]");
}

std::string ReplaceFields::TouchedSql(const std::string& relation, ModelEngine engine) const {
  std::string columns;
  for (const auto& field : fields_) {
    const auto& type = field.column.type;
    auto value = fmt::format("CAST(({}\n) AS {})", field.made_of, TypeName(type, engine));
    if (field.unit || IsTime(type)) {
      const auto time = type.kind == Primitive::kDate ? fmt::format("CAST({} AS TIMESTAMP)", value) : value;
      const auto micros = engine == ModelEngine::kDuckDb ? fmt::format("epoch_us({})", time)
                                                         : fmt::format("unix_micros(CAST({} AS TIMESTAMP))", value);
      const auto width = !field.unit ? 1 : *field.unit == Unit::kHour ? kHourMicros : kDayMicros;
      value = fmt::format("CAST(({0} - (({0} % {1} + {1}) % {1})) / {1} AS BIGINT)", micros, width);
    }
    columns += fmt::format("{}CAST({} AS STRING) AS __millrace_{}", columns.empty() ? "" : ", ", value,
                           &field - fields_.data());
  }
  return fmt::format("SELECT DISTINCT {} FROM {} AS __millrace_r", columns, relation);
}

PartitionSlices ReplaceFields::SlicesOf(const std::vector<std::shared_ptr<arrow::RecordBatch>>& touched) const {
  PartitionSlices slices;
  for (const auto& field : fields_) slices.columns.push_back(field.column);
  const auto bound_of = [](const Field& field, std::string_view text) -> PartitionSlices::Bound {
    const auto& type = field.column.type;
    if (!field.unit) return {.from = IsTime(type) ? TimeText(At(NumberIn(text)), type) : std::string(text)};
    const auto width = *field.unit == Unit::kHour ? kHourMicros : kDayMicros;
    const auto from = FloorOf(At(NumberIn(text) * width), *field.unit);
    return {.from = TimeText(from, type), .to = TimeText(NextOf(from, *field.unit), type)};
  };
  for (const auto& batch : touched) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      auto& slice = slices.slices.emplace_back();
      for (size_t i = 0; i < fields_.size(); ++i) {
        const auto& column = static_cast<const arrow::StringArray&>(*batch->column(static_cast<int>(i)));
        slice.push_back(column.IsNull(row) ? PartitionSlices::Bound{} : bound_of(fields_[i], column.GetView(row)));
      }
    }
  }
  JoinNeighbours(slices);
  return slices;
}

std::optional<ReplaceFields::TimeField> ReplaceFields::time() const {
  std::optional<TimeField> time;
  for (const auto& field : fields_) {
    if (!field.unit) continue;
    if (time) return std::nullopt;
    time = TimeField{field.column.name, *field.unit};
  }
  return time;
}

const PartitionSlices::Column& ReplaceFields::time_column() const {
  return std::ranges::find_if(fields_, [](const Field& field) { return field.unit.has_value(); })->column;
}

Timestamp FloorOf(Timestamp time, Unit unit) {
  using std::chrono::days;
  using std::chrono::floor;
  if (unit == Unit::kHour) return floor<std::chrono::hours>(time);
  const auto day = floor<days>(time);
  if (unit == Unit::kDay) return day;
  const std::chrono::year_month_day date(day);
  const auto month = unit == Unit::kMonth ? date.month() : std::chrono::January;
  return std::chrono::sys_days(date.year() / month / 1);
}

Timestamp NextOf(Timestamp floor, Unit unit) {
  if (unit == Unit::kHour) return floor + std::chrono::hours(1);
  if (unit == Unit::kDay) return floor + std::chrono::days(1);
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(floor));
  return std::chrono::sys_days(unit == Unit::kMonth ? date + std::chrono::months(1) : date + std::chrono::years(1));
}

std::string TimeText(Timestamp time, const schema::PrimitiveType& type) {
  auto text = FormatTimestamp(time);
  if (type.kind == Primitive::kTimestamptz) return text;
  if (type.kind == Primitive::kTimestamp) return text.substr(0, text.size() - 1);
  return text.substr(0, text.find('T'));
}

std::string SliceLiteral(const std::string& text, const schema::PrimitiveType& type, ModelEngine engine) {
  if (!HasText(type)) throw Error(ErrorCode::kInternal, "a value of a type that slices do not have");
  auto quoted = query::QuoteText(text);
  if (type.kind == Primitive::kString) return quoted;
  if (IsTime(type) || type.kind == Primitive::kDate) return TypeName(type, engine) + " " + quoted;
  return fmt::format("CAST({} AS {})", quoted, TypeName(type, engine));
}

std::string InSlices(const PartitionSlices& slices, const std::string& relation, ModelEngine engine) {
  return Condition(
      slices, [&](const auto& column) { return relation + "." + query::QuoteName(column.name); }, engine);
}

std::string JsonInSlices(const PartitionSlices& slices, const std::string& json) {
  return Condition(
      slices,
      [&](const PartitionSlices::Column& column) {
        auto text = fmt::format("json_extract_string({}, {})", json,
                                query::QuoteText((nlohmann::json::json_pointer() / column.name).to_string()));
        if (column.type.kind == Primitive::kString) return text;
        return fmt::format("TRY_CAST({} AS {})", text, TypeName(column.type, ModelEngine::kDuckDb));
      },
      ModelEngine::kDuckDb);
}

std::string PrintSlices(const PartitionSlices& slices) {
  json columns = json::array(), list = json::array();
  for (const auto& column : slices.columns) columns.push_back({column.name, ToString(schema::Type(column.type))});
  for (const auto& slice : slices.slices) {
    json bounds = json::array();
    for (const auto& bound : slice) {
      json one = json::array();
      if (bound.from) one.push_back(*bound.from);
      if (bound.to) one.push_back(*bound.to);
      bounds.push_back(std::move(one));
    }
    list.push_back(std::move(bounds));
  }
  return json{{"version", kVersion}, {"columns", std::move(columns)}, {"slices", std::move(list)}}.dump();
}

PartitionSlices ParseSlices(const std::string& text, const std::string& where) {
  try {
    const auto stored = json::parse(text);
    if (stored.at("version").get<int>() != kVersion)
      throw Error(ErrorCode::kStop, where + ": it is of a newer version of millrace; go on with that one");
    PartitionSlices slices;
    for (const auto& column : stored.at("columns")) {
      const auto type = schema::ParsePrimitive(column.at(1).get<std::string>());
      if (!type || !HasText(*type)) throw Error(ErrorCode::kStop, where + ": a column of it has no type");
      slices.columns.push_back({column.at(0).get<std::string>(), *type});
    }
    for (const auto& bounds : stored.at("slices")) {
      auto& slice = slices.slices.emplace_back();
      for (const auto& one : bounds) {
        auto& bound = slice.emplace_back();
        if (!one.empty()) bound.from = one.at(0).get<std::string>();
        if (one.size() > 1) bound.to = one.at(1).get<std::string>();
      }
      if (slice.size() != slices.columns.size()) throw Error(ErrorCode::kStop, where + ": a slice lacks a column");
    }
    return slices;
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kStop, fmt::format("{}: it is not what millrace stores there: {}", where, error.what()));
  }
}

}  // namespace millrace::refine

#include "query/value_text.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>

#include "io/digest.h"
#include "query/arrow_status.h"

namespace millrace::query {
namespace {

template <typename Array>
auto ValueIn(const arrow::Array& column, int64_t row) {
  return static_cast<const Array&>(column).Value(row);
}

std::string_view BytesIn(const arrow::Array& column, int64_t row) {
  switch (column.type_id()) {
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(column).GetView(row);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return static_cast<const arrow::BinaryViewArray&>(column).GetView(row);
    case arrow::Type::FIXED_SIZE_BINARY:
      return static_cast<const arrow::FixedSizeBinaryArray&>(column).GetView(row);
    default:
      return static_cast<const arrow::BinaryArray&>(column).GetView(row);
  }
}

template <typename Number>
void AppendFloating(std::string& out, Number value) {
  if (std::isfinite(value) && value == std::trunc(value) && std::abs(value) < Number(1e15)) {
    fmt::format_to(std::back_inserter(out), "{:.1f}", value);
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

int64_t UnitsASecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1000;
    case arrow::TimeUnit::MICRO:
      return 1000 * 1000;
    case arrow::TimeUnit::NANO:
      return 1000 * 1000 * 1000;
  }
  return 1;
}

void AppendFraction(std::string& out, int64_t fraction, int64_t units) {
  if (fraction == 0) return;
  auto digits = fmt::format("{}", units + fraction).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  out += "." + digits;
}

void AppendTimeOfDay(std::string& out, int64_t units_since_midnight, int64_t units) {
  const auto seconds = units_since_midnight / units;
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  AppendFraction(out, units_since_midnight % units, units);
}

void AppendDate(std::string& out, int64_t days) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

void AppendTimestamp(std::string& out, int64_t value, const arrow::TimestampType& type) {
  const auto units = UnitsASecond(type.unit());
  const auto units_a_day = 86400 * units;
  auto days = value / units_a_day;
  if (value % units_a_day < 0) --days;
  AppendDate(out, days);
  out += 'T';
  AppendTimeOfDay(out, value - days * units_a_day, units);
  if (!type.timezone().empty()) out += 'Z';
}

/// Everything that is written alike as text and, between quotes, as JSON. False: another kind of type.
bool AppendTemporal(std::string& out, const arrow::Array& column, int64_t row) {
  const auto& type = *column.type();
  switch (type.id()) {
    case arrow::Type::DATE32:
      AppendDate(out, ValueIn<arrow::Date32Array>(column, row));
      return true;
    case arrow::Type::DATE64:
      AppendDate(out, ValueIn<arrow::Date64Array>(column, row) / 86400000);
      return true;
    case arrow::Type::TIME32:
      AppendTimeOfDay(out, ValueIn<arrow::Time32Array>(column, row),
                      UnitsASecond(static_cast<const arrow::Time32Type&>(type).unit()));
      return true;
    case arrow::Type::TIME64:
      AppendTimeOfDay(out, ValueIn<arrow::Time64Array>(column, row),
                      UnitsASecond(static_cast<const arrow::Time64Type&>(type).unit()));
      return true;
    case arrow::Type::TIMESTAMP:
      AppendTimestamp(out, ValueIn<arrow::TimestampArray>(column, row), static_cast<const arrow::TimestampType&>(type));
      return true;
    case arrow::Type::INTERVAL_MONTH_DAY_NANO: {
      const auto value = ValueIn<arrow::MonthDayNanoIntervalArray>(column, row);
      fmt::format_to(std::back_inserter(out), "P{}M{}DT{}", value.months, value.days, value.nanoseconds / 1000000000);
      AppendFraction(out, std::abs(value.nanoseconds % 1000000000), 1000000000);
      out += 'S';
      return true;
    }
    default:
      return false;
  }
}

/// Numbers that are the same in text and in JSON.
bool AppendExactNumber(std::string& out, const arrow::Array& column, int64_t row) {
  const auto append = [&](auto value) { fmt::format_to(std::back_inserter(out), "{}", value); };
  switch (column.type_id()) {
    case arrow::Type::INT8:
      append(static_cast<int>(ValueIn<arrow::Int8Array>(column, row)));
      return true;
    case arrow::Type::INT16:
      append(ValueIn<arrow::Int16Array>(column, row));
      return true;
    case arrow::Type::INT32:
      append(ValueIn<arrow::Int32Array>(column, row));
      return true;
    case arrow::Type::INT64:
      append(ValueIn<arrow::Int64Array>(column, row));
      return true;
    case arrow::Type::UINT8:
      append(static_cast<unsigned>(ValueIn<arrow::UInt8Array>(column, row)));
      return true;
    case arrow::Type::UINT16:
      append(ValueIn<arrow::UInt16Array>(column, row));
      return true;
    case arrow::Type::UINT32:
      append(ValueIn<arrow::UInt32Array>(column, row));
      return true;
    case arrow::Type::UINT64:
      append(ValueIn<arrow::UInt64Array>(column, row));
      return true;
    case arrow::Type::DECIMAL128:
      out += static_cast<const arrow::Decimal128Array&>(column).FormatValue(row);
      return true;
    case arrow::Type::DECIMAL256:
      out += static_cast<const arrow::Decimal256Array&>(column).FormatValue(row);
      return true;
    case arrow::Type::BOOL:
      out += ValueIn<arrow::BooleanArray>(column, row) ? "true" : "false";
      return true;
    default:
      return false;
  }
}

template <typename List>
void AppendList(std::string& out, const arrow::Array& column, int64_t row) {
  const auto& list = static_cast<const List&>(column);
  out += '[';
  for (int64_t i = 0; i < list.value_length(row); ++i) {
    if (i > 0) out += ',';
    AppendJson(out, *list.values(), list.value_offset(row) + i);
  }
  out += ']';
}

void AppendStruct(std::string& out, const arrow::Array& column, int64_t row) {
  const auto& members = static_cast<const arrow::StructArray&>(column);
  out += '{';
  for (int i = 0; i < members.num_fields(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(out, members.struct_type()->field(i)->name());
    out += ':';
    AppendJson(out, *members.field(i), row);
  }
  out += '}';
}

bool IsText(const arrow::Array& column) {
  return column.type_id() == arrow::Type::STRING || column.type_id() == arrow::Type::LARGE_STRING ||
         column.type_id() == arrow::Type::STRING_VIEW;
}

/// With text keys an object, otherwise an array of key and value.
void AppendMap(std::string& out, const arrow::Array& column, int64_t row) {
  const auto& map = static_cast<const arrow::MapArray&>(column);
  const bool is_object = IsText(*map.keys());
  out += is_object ? '{' : '[';
  for (int64_t i = map.value_offset(row); i < map.value_offset(row) + map.value_length(row); ++i) {
    if (i > map.value_offset(row)) out += ',';
    if (!is_object) out += "{\"key\":";
    AppendJson(out, *map.keys(), i);
    out += is_object ? ":" : ",\"value\":";
    AppendJson(out, *map.items(), i);
    if (!is_object) out += '}';
  }
  out += is_object ? '}' : ']';
}

bool AppendNested(std::string& out, const arrow::Array& column, int64_t row) {
  switch (column.type_id()) {
    case arrow::Type::LIST:
      AppendList<arrow::ListArray>(out, column, row);
      return true;
    case arrow::Type::LARGE_LIST:
      AppendList<arrow::LargeListArray>(out, column, row);
      return true;
    case arrow::Type::FIXED_SIZE_LIST:
      AppendList<arrow::FixedSizeListArray>(out, column, row);
      return true;
    case arrow::Type::STRUCT:
      AppendStruct(out, column, row);
      return true;
    case arrow::Type::MAP:
      AppendMap(out, column, row);
      return true;
    default:
      return false;
  }
}

bool IsBinary(arrow::Type::type type) {
  return type == arrow::Type::BINARY || type == arrow::Type::LARGE_BINARY || type == arrow::Type::BINARY_VIEW ||
         type == arrow::Type::FIXED_SIZE_BINARY;
}

/// Types that results seldom have: as Arrow writes them.
std::string ArrowText(const arrow::Array& column, int64_t row) {
  return ValueOf(column.GetScalar(row), "printing a value of type " + column.type()->ToString())->ToString();
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void AppendJson(std::string& out, const arrow::Array& column, int64_t row) {
  if (column.IsNull(row) || column.type_id() == arrow::Type::NA) {
    out += "null";
  } else if (IsText(column)) {
    AppendJsonString(out, BytesIn(column, row));
  } else if (column.type_id() == arrow::Type::DOUBLE || column.type_id() == arrow::Type::FLOAT) {
    const bool wide = column.type_id() == arrow::Type::DOUBLE;
    const double value = wide ? ValueIn<arrow::DoubleArray>(column, row) : ValueIn<arrow::FloatArray>(column, row);
    if (std::isfinite(value)) {
      AppendText(out, column, row);
    } else {
      out += "null";
    }
  } else if (column.type_id() == arrow::Type::DICTIONARY) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(column);
    AppendJson(out, *coded.dictionary(), coded.GetValueIndex(row));
  } else if (!AppendExactNumber(out, column, row) && !AppendNested(out, column, row)) {
    std::string text;
    AppendText(text, column, row);
    AppendJsonString(out, text);
  }
}

void AppendText(std::string& out, const arrow::Array& column, int64_t row) {
  if (IsText(column)) {
    out += BytesIn(column, row);
  } else if (IsBinary(column.type_id())) {
    out += io::Hex(BytesIn(column, row));
  } else if (column.type_id() == arrow::Type::DOUBLE) {
    AppendFloating(out, ValueIn<arrow::DoubleArray>(column, row));
  } else if (column.type_id() == arrow::Type::FLOAT) {
    AppendFloating(out, ValueIn<arrow::FloatArray>(column, row));
  } else if (column.type_id() == arrow::Type::DICTIONARY) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(column);
    AppendText(out, *coded.dictionary(), coded.GetValueIndex(row));
  } else if (!AppendExactNumber(out, column, row) && !AppendTemporal(out, column, row) &&
             !AppendNested(out, column, row)) {
    out += ArrowText(column, row);
  }
}

}  // namespace millrace::query

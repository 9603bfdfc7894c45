#include "land/file_metrics.h"

#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "land/bound_truncation.h"
#include "table/value.h"

namespace millrace::land {
namespace {

using schema::Primitive;
using schema::PrimitiveType;
using table::Value;

constexpr std::string_view kDefaultProperty = "write.metadata.metrics.default";
constexpr std::string_view kColumnPrefix = "write.metadata.metrics.column.";
constexpr std::string_view kInferredMaxProperty = "write.metadata.metrics.max-inferred-column-defaults";
constexpr int kInferredMax = 100;

std::optional<int32_t> ParseNumber(std::string_view text) {
  int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

MetricsMode ParseMode(const std::string& property, std::string_view text) {
  constexpr std::string_view kTruncate = "truncate(";
  if (text == "none") return {.kind = MetricsMode::Kind::kNone};
  if (text == "counts") return {.kind = MetricsMode::Kind::kCounts};
  if (text == "full") return {.kind = MetricsMode::Kind::kFull};
  if (text.starts_with(kTruncate) && text.ends_with(")")) {
    const auto length = ParseNumber(text.substr(kTruncate.size(), text.size() - kTruncate.size() - 1));
    if (length && *length > 0) return {.kind = MetricsMode::Kind::kTruncate, .length = *length};
  }
  throw Error(ErrorCode::kConfig, "table property " + property + " is '" + std::string(text) +
                                      "': write none, counts, truncate(16) or full");
}

void CollectLeaves(const std::vector<schema::Field>& fields, std::vector<schema::FieldId>& ids) {
  for (const auto& field : fields) {
    if (std::holds_alternative<PrimitiveType>(field.type)) ids.push_back(field.id);
    if (const auto* group = std::get_if<schema::StructType>(&field.type)) CollectLeaves(group->fields, ids);
  }
}

template <typename T>
T Load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

table::Decimal BigEndianDecimal(std::string_view bytes) {
  __int128_t value = !bytes.empty() && static_cast<int8_t>(bytes.front()) < 0 ? -1 : 0;
  for (const char byte : bytes)
    value = static_cast<__int128_t>(static_cast<__uint128_t>(value) << 8) | static_cast<uint8_t>(byte);
  return {value};
}

/// A Parquet statistic (plain encoding) as a value of the column.
Value FromStatistic(parquet::Type::type physical, const PrimitiveType& type, std::string_view bytes) {
  const bool decimal = type.kind == Primitive::kDecimal;
  switch (physical) {
    case parquet::Type::BOOLEAN:
      return static_cast<uint8_t>(bytes.front()) != 0;
    case parquet::Type::INT32:
      if (decimal) return table::Decimal{Load<int32_t>(bytes)};
      return Load<int32_t>(bytes);
    case parquet::Type::INT64:
      if (decimal) return table::Decimal{Load<int64_t>(bytes)};
      return Load<int64_t>(bytes);
    case parquet::Type::FLOAT:
      return Load<float>(bytes);
    case parquet::Type::DOUBLE:
      return Load<double>(bytes);
    case parquet::Type::BYTE_ARRAY:
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      if (decimal) return BigEndianDecimal(bytes);
      return std::string(bytes);
    case parquet::Type::INT96:
    case parquet::Type::UNDEFINED:
      break;
  }
  throw Error(ErrorCode::kInternal, "a Parquet type that this writer never writes");
}

/// Bounds and counts of one leaf over all row groups.
struct ColumnTotals {
  int64_t bytes = 0;
  int64_t values = 0;
  std::optional<int64_t> nulls = 0;
  bool bounded = true;  // every row group with a value gave bounds
  std::optional<Value> lower;
  std::optional<Value> upper;
};

void AddBounds(const parquet::Statistics& statistics, const PrimitiveType& type, ColumnTotals& totals) {
  Value lower = FromStatistic(statistics.physical_type(), type, statistics.EncodeMin());
  Value upper = FromStatistic(statistics.physical_type(), type, statistics.EncodeMax());
  if (!totals.lower || table::Compare(lower, *totals.lower) < 0) totals.lower = std::move(lower);
  if (!totals.upper || table::Compare(upper, *totals.upper) > 0) totals.upper = std::move(upper);
}

ColumnTotals TotalsOf(const parquet::FileMetaData& footer, int column, const PrimitiveType* type, int64_t nans) {
  ColumnTotals totals;
  for (int group = 0; group < footer.num_row_groups(); ++group) {
    const auto chunk = footer.RowGroup(group)->ColumnChunk(column);
    totals.bytes += chunk->total_compressed_size();
    totals.values += chunk->num_values();
    const auto statistics = chunk->statistics();
    if (!statistics || !statistics->HasNullCount()) {
      totals.nulls.reset();
    } else if (totals.nulls) {
      *totals.nulls += statistics->null_count();
    }
    if (type != nullptr && statistics && statistics->HasMinMax()) {
      AddBounds(*statistics, *type, totals);
    } else if (!statistics || statistics->num_values() > nans) {
      totals.bounded = false;  // values that no statistic covers
    }
  }
  return totals;
}

void StoreBounds(schema::FieldId id, const PrimitiveType& type, const MetricsMode& mode, const ColumnTotals& totals,
                 table::DataFile& file) {
  if (!totals.bounded || !totals.lower || !totals.upper) return;
  Value lower = *totals.lower;
  std::optional<Value> upper = totals.upper;
  const auto length = static_cast<size_t>(mode.length);
  if (mode.kind == MetricsMode::Kind::kTruncate && type.kind == Primitive::kString) {
    lower = TruncateTextLower(std::get<std::string>(lower), length);
    upper = TruncateTextUpper(std::get<std::string>(*upper), length);
  } else if (mode.kind == MetricsMode::Kind::kTruncate && type.kind == Primitive::kBinary) {
    lower = TruncateBinaryLower(std::get<std::string>(lower), length);
    upper = TruncateBinaryUpper(std::get<std::string>(*upper), length);
  }
  file.lower_bounds[id] = table::EncodeBound(type, lower);
  if (upper) file.upper_bounds[id] = table::EncodeBound(type, *upper);
}

void MeasureColumn(const WrittenParquet& written, int column, const schema::Schema& schema, const MetricsConfig& config,
                   table::DataFile& file) {
  const parquet::FileMetaData& footer = *written.footer;
  const parquet::ColumnDescriptor& descriptor = *footer.schema()->Column(column);
  const schema::FieldId id(descriptor.schema_node()->field_id());
  const schema::Field* field = schema.Find(id);
  const auto* type = field == nullptr ? nullptr : std::get_if<PrimitiveType>(&field->type);
  if (type == nullptr)
    throw Error(ErrorCode::kInternal, "column " + descriptor.path()->ToDotString() + " has no field id");
  const MetricsMode mode = config.ModeOf(id);
  if (mode.kind == MetricsMode::Kind::kNone) return;
  const int64_t nans = written.nan_counts.at(static_cast<size_t>(column));
  const ColumnTotals totals = TotalsOf(footer, column, type, nans);
  file.column_sizes[id] = totals.bytes;
  if (descriptor.max_repetition_level() > 0) return;
  file.value_counts[id] = totals.values;
  if (totals.nulls) file.null_value_counts[id] = *totals.nulls;
  if (type->kind == Primitive::kFloat || type->kind == Primitive::kDouble) file.nan_value_counts[id] = nans;
  if (mode.kind != MetricsMode::Kind::kCounts) StoreBounds(id, *type, mode, totals, file);
}

int64_t SplitOffset(const parquet::RowGroupMetaData& group) {
  const auto first = group.ColumnChunk(0);
  return first->has_dictionary_page() ? std::min(first->dictionary_page_offset(), first->data_page_offset())
                                      : first->data_page_offset();
}

}  // namespace

MetricsConfig::MetricsConfig(const std::map<std::string, std::string>& properties, const schema::Schema& schema) {
  const auto wanted = properties.find(std::string(kDefaultProperty));
  if (wanted != properties.end()) {
    default_ = ParseMode(wanted->first, wanted->second);
  } else {
    const auto most = properties.find(std::string(kInferredMaxProperty));
    const int limit = most == properties.end() ? kInferredMax : ParseNumber(most->second).value_or(kInferredMax);
    std::vector<schema::FieldId> leaves;
    CollectLeaves(schema.fields, leaves);
    for (size_t i = static_cast<size_t>(limit); i < leaves.size(); ++i)
      by_field_[leaves[i]] = {.kind = MetricsMode::Kind::kNone};
  }
  for (const auto& [name, text] : properties) {
    if (!name.starts_with(kColumnPrefix)) continue;
    const schema::Field* field = schema.Find(std::string_view(name).substr(kColumnPrefix.size()));
    if (field != nullptr) by_field_[field->id] = ParseMode(name, text);
  }
}

MetricsMode MetricsConfig::ModeOf(schema::FieldId id) const {
  const auto found = by_field_.find(id);
  return found == by_field_.end() ? default_ : found->second;
}

table::DataFile Measure(const WrittenParquet& written, const schema::Schema& schema, const MetricsConfig& config) {
  table::DataFile file;
  file.record_count = written.footer->num_rows();
  file.file_size_in_bytes = written.size_bytes;
  for (int column = 0; column < written.footer->num_columns(); ++column) {
    MeasureColumn(written, column, schema, config, file);
  }
  for (int group = 0; group < written.footer->num_row_groups(); ++group) {
    file.split_offsets.push_back(SplitOffset(*written.footer->RowGroup(group)));
  }
  return file;
}

}  // namespace millrace::land

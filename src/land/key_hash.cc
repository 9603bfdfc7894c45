#include "land/key_hash.h"

#include <arrow/api.h>
#include <xxhash.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "land/column_at.h"

namespace millrace::land {
namespace {

template <typename T>
void AppendRaw(T value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename ArrayType, typename Wide>
void AppendNumber(const arrow::Array& column, int64_t row, std::string& out) {
  AppendRaw(static_cast<Wide>(static_cast<const ArrayType&>(column).Value(row)), out);
}

void AppendBytes(std::string_view bytes, std::string& out) {
  AppendRaw(static_cast<uint32_t>(bytes.size()), out);
  out.append(bytes);
}

/// One value, so encoded that no two different rows of values give the same bytes.
void AppendValue(const arrow::Array& column, int64_t row, std::string& out) {
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      return AppendNumber<arrow::BooleanArray, uint8_t>(column, row, out);
    case arrow::Type::INT32:
      return AppendNumber<arrow::Int32Array, int64_t>(column, row, out);
    case arrow::Type::DATE32:
      return AppendNumber<arrow::Date32Array, int64_t>(column, row, out);
    case arrow::Type::INT64:
      return AppendNumber<arrow::Int64Array, int64_t>(column, row, out);
    case arrow::Type::TIME64:
      return AppendNumber<arrow::Time64Array, int64_t>(column, row, out);
    case arrow::Type::TIMESTAMP:
      return AppendNumber<arrow::TimestampArray, int64_t>(column, row, out);
    case arrow::Type::FLOAT:
      return AppendNumber<arrow::FloatArray, double>(column, row, out);
    case arrow::Type::DOUBLE:
      return AppendNumber<arrow::DoubleArray, double>(column, row, out);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return AppendBytes(static_cast<const arrow::BinaryArray&>(column).GetView(row), out);
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::DECIMAL128:
      return AppendBytes(static_cast<const arrow::FixedSizeBinaryArray&>(column).GetView(row), out);
    default:
      throw Error(ErrorCode::kConfig,
                  "a column of type " + column.type()->ToString() + " cannot be part of a key: name plain columns");
  }
}

KeyHash HashOf(const std::string& encoded) {
  const XXH128_hash_t hash = XXH3_128bits(encoded.data(), encoded.size());
  return {.high = hash.high64, .low = hash.low64};
}

}  // namespace

std::vector<std::optional<KeyHash>> HashKeys(const arrow::RecordBatch& rows, const std::vector<std::string>& paths) {
  arrow::ArrayVector columns;
  for (const auto& path : paths) columns.push_back(ColumnAt(rows, path));
  return HashKeys(columns);
}

std::vector<std::optional<KeyHash>> HashKeys(const arrow::ArrayVector& columns) {
  const int64_t rows = columns.empty() ? 0 : columns.front()->length();
  std::vector<std::optional<KeyHash>> hashes(static_cast<size_t>(rows));
  std::string encoded;
  for (int64_t row = 0; row < rows; ++row) {
    encoded.clear();
    bool complete = true;
    for (const auto& column : columns) {
      complete = complete && column->IsValid(row);
      if (complete) AppendValue(*column, row, encoded);
    }
    if (!complete) continue;
    hashes[static_cast<size_t>(row)] = HashOf(encoded);
  }
  return hashes;
}

std::vector<KeyHash> HashValues(const arrow::ArrayVector& columns) {
  std::vector<KeyHash> hashes(columns.empty() ? 0 : static_cast<size_t>(columns.front()->length()));
  std::string encoded;
  for (size_t row = 0; row < hashes.size(); ++row) {
    encoded.clear();
    for (const auto& column : columns) {
      const auto at = static_cast<int64_t>(row);
      encoded.push_back(column->IsValid(at) ? 'v' : 'n');
      if (column->IsValid(at)) AppendValue(*column, at, encoded);
    }
    hashes[row] = HashOf(encoded);
  }
  return hashes;
}

}  // namespace millrace::land

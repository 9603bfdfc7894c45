#include <arrow/api.h>

#include "base/error.h"
#include "table/murmur3.h"
#include "table/transform.h"
#include "table/transform_math.h"

/// Transforms over whole Arrow columns: the hot path of routing rows to partitions.
namespace millrace::table {
namespace {

using schema::Primitive;
using schema::PrimitiveType;
using Kind = Transform::Kind;

void Check(const arrow::Status& status) {
  if (!status.ok()) throw Error(ErrorCode::kInternal, "computing partition values: " + status.ToString());
}

[[noreturn]] void Unfit(const arrow::Array& column) {
  throw Error(ErrorCode::kInternal, "a partition source has the unexpected Arrow type " + column.type()->ToString());
}

/// Builds the column of `make(row)` where the source is not null.
template <typename Builder, typename Make>
std::shared_ptr<arrow::Array> Map(const arrow::Array& column, Builder builder, Make make) {
  Check(builder.Reserve(column.length()));
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(make(row));
    }
  }
  std::shared_ptr<arrow::Array> made;
  Check(builder.Finish(&made));
  return made;
}

/// Like Map, for results of varying length.
template <typename Builder, typename Make>
std::shared_ptr<arrow::Array> MapText(const arrow::Array& column, Make make) {
  Builder builder;
  Check(builder.Reserve(column.length()));
  for (int64_t row = 0; row < column.length(); ++row)
    Check(column.IsNull(row) ? builder.AppendNull() : builder.Append(make(row)));
  std::shared_ptr<arrow::Array> made;
  Check(builder.Finish(&made));
  return made;
}

Decimal DecimalAt(const arrow::Array& column, int64_t row) {
  const arrow::Decimal128 decimal(static_cast<const arrow::Decimal128Array&>(column).GetValue(row));
  return {static_cast<__int128_t>(static_cast<__uint128_t>(static_cast<uint64_t>(decimal.high_bits())) << 64 |
                                  decimal.low_bits())};
}

/// Calls `use` with a function from row to the number there, for 32 and 64-bit columns.
template <typename Use>
std::shared_ptr<arrow::Array> WithNumbers(const arrow::Array& column, Use use) {
  switch (column.type_id()) {
    case arrow::Type::INT32:
    case arrow::Type::DATE32: {
      const int32_t* values = column.data()->GetValues<int32_t>(1);
      return use([values](int64_t row) { return values[row]; });
    }
    case arrow::Type::INT64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP: {
      const int64_t* values = column.data()->GetValues<int64_t>(1);
      return use([values](int64_t row) { return values[row]; });
    }
    default:
      Unfit(column);
  }
}

std::shared_ptr<arrow::Array> BucketColumn(const arrow::Array& column, int32_t buckets) {
  const auto hashed = [&](auto hash) {
    return Map(column, arrow::Int32Builder(), [&](int64_t row) { return BucketOf(hash(row), buckets); });
  };
  switch (column.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const auto& bytes = static_cast<const arrow::BinaryArray&>(column);
      return hashed([&](int64_t row) { return Murmur3(bytes.GetView(row)); });
    }
    case arrow::Type::FIXED_SIZE_BINARY: {
      const auto& bytes = static_cast<const arrow::FixedSizeBinaryArray&>(column);
      return hashed([&](int64_t row) { return Murmur3(bytes.GetView(row)); });
    }
    case arrow::Type::DECIMAL128:
      return hashed([&](int64_t row) { return Murmur3(std::string_view(DecimalBytes(DecimalAt(column, row)))); });
    default:
      return WithNumbers(
          column, [&](auto number) { return hashed([&](int64_t row) { return Murmur3(int64_t{number(row)}); }); });
  }
}

std::shared_ptr<arrow::Array> TruncateColumn(const arrow::Array& column, int32_t width) {
  switch (column.type_id()) {
    case arrow::Type::STRING: {
      const auto& text = static_cast<const arrow::StringArray&>(column);
      return MapText<arrow::StringBuilder>(column, [&](int64_t row) { return TruncateUtf8(text.GetView(row), width); });
    }
    case arrow::Type::BINARY: {
      const auto& bytes = static_cast<const arrow::BinaryArray&>(column);
      return MapText<arrow::BinaryBuilder>(column,
                                           [&](int64_t row) { return TruncateBytes(bytes.GetView(row), width); });
    }
    case arrow::Type::DECIMAL128:
      return Map(column, arrow::Decimal128Builder(column.type()), [&](int64_t row) {
        const __int128_t cut = TruncateNumber(DecimalAt(column, row).unscaled, __int128_t{width});
        return arrow::Decimal128(static_cast<int64_t>(cut >> 64), static_cast<uint64_t>(cut));
      });
    case arrow::Type::INT32:
    case arrow::Type::INT64:
      return WithNumbers(column, [&](auto number) {
        using Number = decltype(number(0));
        using Builder = typename arrow::CTypeTraits<Number>::BuilderType;
        return Map(column, Builder(),
                   [&](int64_t row) { return TruncateNumber(number(row), static_cast<Number>(width)); });
      });
    default:
      Unfit(column);
  }
}

std::shared_ptr<arrow::Array> TimeUnitColumn(Kind kind, const PrimitiveType& source, const arrow::Array& column) {
  const bool from_date = source.kind == Primitive::kDate;
  return WithNumbers(column, [&](auto number) {
    const auto days = [&](int64_t row) { return from_date ? static_cast<int32_t>(number(row)) : DaysOf(number(row)); };
    switch (kind) {
      case Kind::kDay:
        return Map(column, arrow::Date32Builder(), days);
      case Kind::kHour:
        return Map(column, arrow::Int32Builder(), [&](int64_t row) { return HoursOf(number(row)); });
      case Kind::kMonth:
        return Map(column, arrow::Int32Builder(), [&](int64_t row) { return MonthsOf(days(row)); });
      default:
        return Map(column, arrow::Int32Builder(), [&](int64_t row) { return YearsOf(days(row)); });
    }
  });
}

std::shared_ptr<arrow::Array> AllNull(const arrow::Array& column) {
  auto made = arrow::MakeArrayOfNull(column.type(), column.length());
  Check(made.status());
  return made.MoveValueUnsafe();
}

}  // namespace

std::shared_ptr<arrow::Array> TransformColumn(const Transform& transform, const PrimitiveType& source,
                                              const std::shared_ptr<arrow::Array>& column) {
  switch (transform.kind) {
    case Kind::kIdentity:
      return column;
    case Kind::kVoid:
      return AllNull(*column);
    case Kind::kBucket:
      return BucketColumn(*column, transform.parameter);
    case Kind::kTruncate:
      return TruncateColumn(*column, transform.parameter);
    case Kind::kYear:
    case Kind::kMonth:
    case Kind::kDay:
    case Kind::kHour:
      return TimeUnitColumn(transform.kind, source, *column);
    case Kind::kUnknown:
      ApplyTransform(transform, source, std::nullopt);
  }
  Unfit(*column);
}

std::optional<Value> ValueAt(const arrow::Array& column, int64_t row) {
  if (column.IsNull(row)) return std::nullopt;
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(column).Value(row);
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      return column.data()->GetValues<int32_t>(1)[row];
    case arrow::Type::INT64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
      return column.data()->GetValues<int64_t>(1)[row];
    case arrow::Type::FLOAT:
      return column.data()->GetValues<float>(1)[row];
    case arrow::Type::DOUBLE:
      return column.data()->GetValues<double>(1)[row];
    case arrow::Type::DECIMAL128:
      return DecimalAt(column, row);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::string(static_cast<const arrow::BinaryArray&>(column).GetView(row));
    case arrow::Type::FIXED_SIZE_BINARY:
      return std::string(static_cast<const arrow::FixedSizeBinaryArray&>(column).GetView(row));
    default:
      Unfit(column);
  }
}

}  // namespace millrace::table

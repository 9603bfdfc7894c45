#include "query/partition_range.h"

#include <chrono>
#include <limits>
#include <string>

namespace millrace::query {
namespace {

using Kind = table::Transform::Kind;
using schema::Primitive;
using std::chrono::sys_days;

constexpr int64_t kMicrosADay = int64_t{86400} * 1000 * 1000;
constexpr int64_t kMicrosAnHour = int64_t{3600} * 1000 * 1000;
constexpr int64_t kYearsMax = 30000;  // what chrono's calendar holds

std::optional<int64_t> Whole(const table::Value& value) {
  if (const auto* narrow = std::get_if<int32_t>(&value)) return *narrow;
  if (const auto* wide = std::get_if<int64_t>(&value)) return *wide;
  return std::nullopt;
}

std::optional<int64_t> FirstDayOfYear(int64_t years_since_1970) {
  if (years_since_1970 < -kYearsMax || years_since_1970 > kYearsMax) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(1970 + years_since_1970)),
                                        std::chrono::January, std::chrono::day(1)};
  return sys_days(day).time_since_epoch().count();
}

std::optional<int64_t> FirstDayOfMonth(int64_t months_since_1970) {
  if (months_since_1970 < -12 * kYearsMax || months_since_1970 > 12 * kYearsMax) return std::nullopt;
  const auto month =
      std::chrono::year_month{std::chrono::year(1970), std::chrono::January} + std::chrono::months(months_since_1970);
  return sys_days(month / std::chrono::day(1)).time_since_epoch().count();
}

std::optional<int64_t> Times(int64_t value, int64_t factor) {
  int64_t product = 0;
  return __builtin_mul_overflow(value, factor, &product) ? std::nullopt : std::optional(product);
}

/// Where a partition of time begins: a day for dates, microseconds for timestamps.
std::optional<int64_t> TimeStart(Kind kind, Primitive source, int64_t partition) {
  std::optional<int64_t> days;
  if (kind == Kind::kYear) days = FirstDayOfYear(partition);
  if (kind == Kind::kMonth) days = FirstDayOfMonth(partition);
  if (kind == Kind::kDay) days = partition;
  if (source == Primitive::kDate) return days;
  if (source != Primitive::kTimestamp && source != Primitive::kTimestamptz) return std::nullopt;
  if (kind == Kind::kHour) return Times(partition, kMicrosAnHour);
  return days ? Times(*days, kMicrosADay) : std::nullopt;
}

std::optional<table::Value> AsSource(Primitive source, std::optional<int64_t> value) {
  if (!value) return std::nullopt;
  if (source != Primitive::kDate && source != Primitive::kInt) return table::Value(*value);
  if (*value < std::numeric_limits<int32_t>::min() || *value > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return table::Value(static_cast<int32_t>(*value));
}

bool IsTime(Kind kind) {
  return kind == Kind::kYear || kind == Kind::kMonth || kind == Kind::kDay || kind == Kind::kHour;
}

}  // namespace

std::optional<table::Value> LowestSource(const table::Transform& transform, const schema::PrimitiveType& source,
                                         const table::Value& partition) {
  if (transform.kind == Kind::kIdentity || transform.kind == Kind::kTruncate) return partition;
  const auto whole = Whole(partition);
  if (!IsTime(transform.kind) || !whole) return std::nullopt;
  return AsSource(source.kind, TimeStart(transform.kind, source.kind, *whole));
}

std::optional<table::Value> HighestSource(const table::Transform& transform, const schema::PrimitiveType& source,
                                          const table::Value& partition) {
  if (transform.kind == Kind::kIdentity) return partition;
  const auto whole = Whole(partition);
  if (!whole || *whole == std::numeric_limits<int64_t>::max()) return std::nullopt;
  if (IsTime(transform.kind)) {
    const auto next = TimeStart(transform.kind, source.kind, *whole + 1);
    return AsSource(source.kind, next ? std::optional(*next - 1) : std::nullopt);
  }
  const bool is_number = source.kind == Primitive::kInt || source.kind == Primitive::kLong;
  int64_t highest = 0;
  if (transform.kind != Kind::kTruncate || !is_number ||
      __builtin_add_overflow(*whole, transform.parameter - 1, &highest))
    return std::nullopt;
  return AsSource(source.kind, highest);
}

}  // namespace millrace::query

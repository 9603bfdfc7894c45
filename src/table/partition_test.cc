#include "table/partition.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "table/transform.h"

namespace millrace::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

schema::Schema Columns(const std::string& structure) {
  schema::Schema schema{.fields = std::get<schema::StructType>(schema::ParseType(structure)).fields};
  schema::AssignIds(schema, 0);
  return schema;
}

const schema::Schema kSchema = Columns(
    "struct<id: long, ts: timestamptz, name: string, d: date, device: struct<os: string>, tags: list<string>, score: "
    "double, taken_day: int, "
    "taken: date>");

std::vector<std::string> Parsed(const std::vector<std::string>& expressions) {
  std::vector<std::string> fields;
  for (const PartitionField& field : ParsePartitionSpec(expressions, kSchema).fields) {
    fields.push_back(std::to_string(field.field_id) + " " + field.name + " " + ToString(field.transform) + " of " +
                     kSchema.PathOf(field.source_id));
  }
  return fields;
}

TEST(ParsePartitionSpecTest, NamesFieldsAsJavaDoes) {
  EXPECT_THAT(
      Parsed({"day(ts)", "bucket(16, id)", "truncate( 4 , name )", "YEAR(d)", "identity(name)"}),
      ElementsAre("1000 ts_day day of ts", "1001 id_bucket bucket[16] of id", "1002 name_trunc truncate[4] of name",
                  "1003 d_year year of d", "1004 name identity of name"));
  EXPECT_THAT(
      Parsed({"device.os", "months(ts)", "hours(ts)"}),
      ElementsAre("1000 device.os identity of device.os", "1001 ts_month month of ts", "1002 ts_hour hour of ts"));
  EXPECT_THAT(Parsed({}), testing::IsEmpty());
}

TEST(ParsePartitionSpecTest, ErrorsSayWhatWasAllowed) {
  const auto fails = [](const char* text, const char* words) {
    EXPECT_THAT([&] { ParsePartitionSpec({text}, kSchema); }, ThrowsMessage<Error>(HasSubstr(words))) << text;
  };
  fails("day(when)", "'day(when)': there is no column 'when'; there are id, ts, name");
  fails("day(id)", "column id is long, but day wants date, timestamp or timestamptz");
  fails("hour(d)", "column d is date, but hour wants timestamp or timestamptz");
  fails("truncate(2, score)", "truncate[2] wants int, long, decimal, string or binary");
  fails("bucket(4, score)", "bucket[4] wants int, long");
  fails("week(ts)", "there is no transform 'week'; allowed are identity(x), year(x)");
  fails("bucket(id)", "bucket wants a positive number first, as in bucket(16, id)");
  fails("bucket(0, id)", "bucket wants a positive number first");
  fails("bucket(id, 16)", "the number comes first, as in bucket(16, id)");
  fails("day(3, ts)", "day takes a column and nothing else");
  fails("day(ts", "')' is missing");
  fails("id desc", "'desc' is left over");
  fails("device", "column device is struct<os: string>; only plain values");
  fails("tags.element", "is inside a list or map");
  fails("day(taken)", "would be named taken_day, but a column has that name");
  EXPECT_THAT(
      [] {
        ParsePartitionSpec({"id", "identity(id)"}, kSchema);
      },
      ThrowsMessage<Error>(HasSubstr("there already")));
}

TEST(ParseSortOrderTest, DirectionAndNulls) {
  const SortOrder order = ParseSortOrder({"id", "name DESC", "day(ts) asc nulls last", "d desc nulls first"}, kSchema);
  EXPECT_EQ(order.order_id, 1);
  std::vector<std::string> read;
  for (const SortField& field : order.fields) {
    read.push_back(ToString(field.transform) + (field.ascending ? " asc" : " desc") +
                   (field.nulls_first ? " first" : " last"));
  }
  EXPECT_THAT(read, ElementsAre("identity asc first", "identity desc last", "day asc last", "identity desc first"));
  EXPECT_EQ(ParseSortOrder({}, kSchema).order_id, 0);
  EXPECT_THAT([] { ParseSortOrder({"id upwards"}, kSchema); },
              ThrowsMessage<Error>(HasSubstr("allowed are asc, desc, nulls first, nulls last")));
}

TEST(PartitionPathTest, EscapesAsJavaDoes) {
  const PartitionSpec spec = ParsePartitionSpec({"name", "day(ts)", "bucket(4, id)"}, kSchema);
  EXPECT_EQ(PartitionPath(spec, kSchema, {std::string("a b/c=ü%"), 18829, std::nullopt}),
            "name=a+b%2Fc%3D%C3%BC%25/ts_day=2021-07-21/id_bucket=null");
  EXPECT_EQ(PartitionPath({}, kSchema, {}), "");
}

template <typename Builder, typename T>
std::shared_ptr<arrow::Array> Column(Builder builder, const std::vector<std::optional<T>>& values) {
  for (const auto& value : values) EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> Batch() {
  const auto timestamp = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto ts = Column<arrow::TimestampBuilder, int64_t>(
      arrow::TimestampBuilder(timestamp, arrow::default_memory_pool()), {0, 1, -1, std::nullopt, 86'400'000'000});
  const auto os = Column<arrow::StringBuilder, std::string>(arrow::StringBuilder(), {"a", "a", "a", "b", "a"});
  const auto bits =
      arrow::Buffer::FromString(std::string(1, '\x1d'));  // the second row's device is null, whatever its os
  const auto device = std::make_shared<arrow::StructArray>(arrow::struct_({arrow::field("os", arrow::utf8())}), 5,
                                                           std::vector<std::shared_ptr<arrow::Array>>{os}, bits);
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("device", device->type()), arrow::field("ts", timestamp)}), 5, {device, ts});
}

TEST(PartitionRowsTest, GroupsByTheWholeTuple) {
  const auto rows = PartitionRows(ParsePartitionSpec({"day(ts)", "device.os"}, kSchema), kSchema, *Batch());
  EXPECT_THAT(rows.group_of_row, ElementsAre(0, 1, 2, 3, 4));
  const std::string a = "a";
  EXPECT_THAT(rows.partitions, ElementsAre(PartitionTuple{0, a}, PartitionTuple{0, std::nullopt}, PartitionTuple{-1, a},
                                           PartitionTuple{std::nullopt, std::string("b")}, PartitionTuple{1, a}));
}

TEST(PartitionRowsTest, RowsOfOnePartitionShareAGroup) {
  const auto rows = PartitionRows(ParsePartitionSpec({"device.os"}, kSchema), kSchema, *Batch()->Slice(1));
  EXPECT_THAT(rows.group_of_row, ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(rows.partitions, ElementsAre(PartitionTuple{std::nullopt}, PartitionTuple{std::string("a")},
                                           PartitionTuple{std::string("b")}));
}

TEST(PartitionRowsTest, WithoutPartitionsThereIsOneGroup) {
  const auto rows = PartitionRows({}, kSchema, *Batch());
  EXPECT_THAT(rows.group_of_row, ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(rows.partitions, ElementsAre(PartitionTuple{}));
  EXPECT_TRUE(PartitionRows({}, kSchema, *Batch()->Slice(0, 0)).partitions.empty());
}

TEST(PartitionRowsTest, VoidFieldsAreNullAndMissingColumnsAnError) {
  const auto rows = PartitionRows(ParsePartitionSpec({"void(ts)", "device.os"}, kSchema), kSchema, *Batch());
  EXPECT_EQ(rows.partitions.at(0), (PartitionTuple{std::nullopt, std::string("a")}));
  EXPECT_THROW(PartitionRows(ParsePartitionSpec({"id"}, kSchema), kSchema, *Batch()), Error);
}

/// Groups must be what applying the transforms row by row gives, whatever the mix.
TEST(PartitionRowsTest, AgreesWithRowByRowOnRandomRows) {
  const schema::Schema schema = Columns("struct<id: long, ts: timestamptz, name: string>");
  const PartitionSpec spec = ParsePartitionSpec({"bucket(5, id)", "truncate(1, name)", "hour(ts)"}, schema);
  Random random(7);
  const auto next = [&](uint64_t bound) { return random.Below(bound); };
  std::vector<std::optional<int64_t>> ids, times;
  std::vector<std::optional<std::string>> names;
  for (int i = 0; i < 5000; ++i) {
    ids.push_back(next(9) == 0 ? std::nullopt : std::optional<int64_t>(static_cast<int64_t>(next(100))));
    times.push_back(static_cast<int64_t>(next(4)) * 3'600'000'000 - 7'200'000'001);
    names.push_back(next(9) == 0
                        ? std::nullopt
                        : std::optional<std::string>(std::string(1 + next(2), static_cast<char>('a' + next(3)))));
  }
  const auto timestamp = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto batch =
      arrow::RecordBatch::Make(ToArrow(schema), 5000,
                               {Column<arrow::Int64Builder, int64_t>(arrow::Int64Builder(), ids),
                                Column<arrow::TimestampBuilder, int64_t>(
                                    arrow::TimestampBuilder(timestamp, arrow::default_memory_pool()), times),
                                Column<arrow::StringBuilder, std::string>(arrow::StringBuilder(), names)});
  const auto rows = PartitionRows(spec, schema, *batch);
  for (int64_t row = 0; row < 5000; ++row) {
    PartitionTuple expected;
    for (const PartitionField& field : spec.fields) {
      const auto& source = std::get<schema::PrimitiveType>(schema.Find(field.source_id)->type);
      expected.push_back(
          ApplyTransform(field.transform, source, ValueAt(*batch->column(field.source_id.value() - 1), row)));
    }
    ASSERT_EQ(rows.partitions.at(rows.group_of_row.at(static_cast<size_t>(row))), expected) << row;
  }
  EXPECT_LT(rows.partitions.size(), 6U * 4U * 4U + 1U);
}

}  // namespace
}  // namespace millrace::table

#include "land/data_file_writer.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/metadata.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/local_object_store.h"
#include "land/arrow_status.h"
#include "land/file_metrics.h"
#include "land/join_files.h"
#include "land/judge.h"
#include "table/partition.h"

namespace millrace::land {
namespace {

using nlohmann::json;
using testing::Judge;
using testing::TempFolder;

schema::Schema TableSchema() {
  schema::Schema table;
  const std::pair<const char*, const char*> columns[] = {{"id", "uuid"},
                                                         {"seq", "long"},
                                                         {"kind", "string"},
                                                         {"flag", "boolean"},
                                                         {"small", "int"},
                                                         {"big", "long"},
                                                         {"ratio", "double"},
                                                         {"real", "float"},
                                                         {"price", "decimal(7, 2)"},
                                                         {"wide", "decimal(31, 0)"},
                                                         {"day", "date"},
                                                         {"clock", "time"},
                                                         {"ts", "timestamptz"},
                                                         {"local", "timestamp"},
                                                         {"word", "string"},
                                                         {"blob", "binary"},
                                                         {"nothing", "string"},
                                                         {"device", "struct<os: string, version: long>"},
                                                         {"tags", "list<string>"},
                                                         {"scores", "map<string, double>"}};
  for (const auto& [name, type] : columns) table.fields.push_back({.name = name, .type = schema::ParseType(type)});
  table.fields[1].required = true;
  schema::AssignIds(table, 0);
  return table;
}

std::shared_ptr<table::TableMetadata> Metadata(const io::ObjectStore& store,
                                               const std::vector<std::string>& partition_by,
                                               const std::vector<std::string>& sort_by) {
  auto metadata = std::make_shared<table::TableMetadata>();
  metadata->location = store.UriOf("wh/t");
  metadata->schemas = {TableSchema()};
  metadata->partition_specs = {table::ParsePartitionSpec(partition_by, metadata->schema())};
  metadata->sort_orders = {table::ParseSortOrder(sort_by, metadata->schema())};
  metadata->default_sort_order_id = metadata->sort_orders[0].order_id;
  return metadata;
}

std::string Hex(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return hex;
}

void DescribeColumns(const std::vector<schema::Field>& fields, const std::string& prefix, const table::DataFile& file,
                     json& columns) {
  for (const auto& field : fields) {
    if (const auto* group = std::get_if<schema::StructType>(&field.type)) {
      DescribeColumns(group->fields, prefix + field.name + ".", file, columns);
    }
    if (!file.value_counts.contains(field.id)) continue;
    const auto at = [&](const auto& map) { return map.contains(field.id) ? json(map.at(field.id)) : json(); };
    const auto bound = [&](const auto& map) { return map.contains(field.id) ? json(Hex(map.at(field.id))) : json(); };
    columns[prefix + field.name] = {{"type", schema::ToString(field.type)}, {"values", at(file.value_counts)},
                                    {"nulls", at(file.null_value_counts)},  {"nans", at(file.nan_value_counts)},
                                    {"lower", bound(file.lower_bounds)},    {"upper", bound(file.upper_bounds)}};
  }
}

class DataFileWriterTest : public ::testing::Test {
 protected:
  void MakeRows(int rows, int seed) {
    rows_path_ = folder_ / "rows.arrow";
    const auto made = Judge("make_rows.py", {rows_path_, std::to_string(rows), std::to_string(seed)});
    ASSERT_EQ(made.status, 0) << made.said;
    const auto file = ValueOf(arrow::io::ReadableFile::Open(rows_path_), "rows");
    const auto reader = ValueOf(arrow::ipc::RecordBatchFileReader::Open(file), "rows");
    for (int i = 0; i < reader->num_record_batches(); ++i)
      batches_.push_back(ValueOf(reader->ReadRecordBatch(i), "rows"));
  }

  std::vector<table::DataFile> WriteAll(const std::shared_ptr<table::TableMetadata>& metadata,
                                        DataFileWriterOptions options) {
    DataFileWriter writer(*store_, metadata, options, budget_);
    for (const auto& batch : batches_) {
      writer.Write(batch);
      most_buffered_ = std::max(most_buffered_, writer.buffered_bytes());
    }
    auto files = std::move(writer).Finish();
    EXPECT_EQ(writer.buffered_bytes(), 0);
    return files;
  }

  void ExpectAgreement(const table::TableMetadata& metadata, const std::vector<table::DataFile>& files,
                       const std::vector<std::string>& sorted_by = {}) {
    json said = {{"files", json::array()}, {"ids", json::object()}, {"sorted_by", sorted_by}};
    for (int32_t id = 1; id <= metadata.schema().highest_id().value(); ++id) {
      said["ids"][metadata.schema().PathOf(schema::FieldId(id))] = id;
    }
    for (const auto& file : files) {
      json columns = json::object();
      DescribeColumns(metadata.schema().fields, "", file, columns);
      said["files"].push_back({{"path", file.file_path.substr(7)},
                               {"records", file.record_count},
                               {"size", file.file_size_in_bytes},
                               {"split_offsets", file.split_offsets},
                               {"columns", columns}});
    }
    std::ofstream(folder_ / "files.json") << said;
    const auto verdict = Judge("check_files.py", {rows_path_, folder_ / "files.json"});
    EXPECT_EQ(verdict.status, 0) << verdict.said;
  }

  TempFolder folder_;
  std::unique_ptr<io::LocalObjectStore> store_ = io::LocalObjectStore::Open(folder_.path() / "lake");
  ByteBudget budget_{int64_t{1} << 30};
  std::string rows_path_;
  arrow::RecordBatchVector batches_;
  int64_t most_buffered_ = 0;
};

TEST_F(DataFileWriterTest, EveryTypeReadsBackWithTrueMetrics) {
  MakeRows(1500, 1);
  const auto metadata = Metadata(*store_, {}, {});
  const auto files = WriteAll(metadata, {});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].split_offsets.size(), 1U);
  ExpectAgreement(*metadata, files);
}

TEST_F(DataFileWriterTest, BoundsHoldOverRowGroupsAndFilesRollBySize) {
  MakeRows(6000, 2);
  const auto metadata = Metadata(*store_, {}, {});
  const auto files = WriteAll(metadata, {.file_size_target_bytes = 1 << 18, .row_group_bytes = 125'000});
  ASSERT_GT(files.size(), 1U);
  EXPECT_GT(files[0].split_offsets.size(), 1U);
  ExpectAgreement(*metadata, files);
}

TEST_F(DataFileWriterTest, PartitionsHoldTheirRowsOnlyAndAreSorted) {
  MakeRows(4000, 3);
  const auto metadata = Metadata(*store_, {"day(ts)", "kind", "bucket(3, seq)"}, {"seq"});
  const auto files = WriteAll(metadata, {});
  const auto spec = metadata->spec();
  ASSERT_GT(files.size(), 20U);
  for (const auto& file : files) {
    ASSERT_EQ(file.partition.size(), 3U);
    EXPECT_EQ(file.sort_order_id, 1);
    // One day, one kind in each: bounds that meet say so, read by other software in ExpectAgreement.
    EXPECT_EQ(file.lower_bounds.at(spec.fields[1].source_id), file.upper_bounds.at(spec.fields[1].source_id));
    EXPECT_EQ(file.lower_bounds.at(spec.fields[1].source_id), std::get<std::string>(*file.partition[1]));
  }
  ExpectAgreement(*metadata, files, {"seq"});
}

TEST_F(DataFileWriterTest, ManyPartitionsStayWithinTheBuffer) {
  MakeRows(3000, 4);
  const auto metadata = Metadata(*store_, {"bucket(200, seq)"}, {});
  const auto files = WriteAll(metadata, {.buffer_bytes_max = 1 << 18});
  EXPECT_LT(most_buffered_, (1 << 18) * 3 / 2);
  EXPECT_GE(files.size(), 200U);
  ExpectAgreement(*metadata, files);
}

TEST_F(DataFileWriterTest, ManyPartitionsWaitOnDiskAndBecomeOneFileEach) {
  MakeRows(3000, 8);
  const auto metadata = Metadata(*store_, {"bucket(200, seq)"}, {});
  const auto spill_folder = folder_.path() / "spill";
  const auto files = WriteAll(metadata, {.buffer_bytes_max = 1 << 18, .spill_folder = spill_folder});
  EXPECT_LT(most_buffered_, (1 << 18) * 3 / 2);
  EXPECT_EQ(files.size(), 200U);
  EXPECT_TRUE(std::filesystem::exists(spill_folder));
  EXPECT_TRUE(std::filesystem::is_empty(spill_folder));
  EXPECT_EQ(budget_.used(), 0);
  ExpectAgreement(*metadata, files);
}

TEST_F(DataFileWriterTest, RowsThatWaitedOnDiskAreSortedAndRollBySize) {
  MakeRows(6000, 9);
  const auto metadata = Metadata(*store_, {"bucket(3, seq)"}, {"seq"});
  const auto files = WriteAll(metadata, {.file_size_target_bytes = 1 << 16,
                                         .row_group_bytes = 50'000,
                                         .buffer_bytes_max = 1 << 18,
                                         .spill_folder = folder_.path() / "spill"});
  EXPECT_GT(files.size(), 3U);
  ExpectAgreement(*metadata, files);
}

TEST_F(DataFileWriterTest, PressureOnTheBudgetClosesBuffers) {
  MakeRows(1000, 5);
  const auto metadata = Metadata(*store_, {}, {});
  const auto elsewhere = budget_.Force((int64_t{1} << 30) + 1);
  DataFileWriter writer(*store_, metadata, {.file_prefix = "w"}, budget_);
  writer.Write(batches_[0]);
  EXPECT_EQ(writer.buffered_bytes(), 0);
  EXPECT_GT(writer.encoded_bytes(), 0);
  EXPECT_EQ(budget_.used(), elsewhere.bytes());
}

TEST_F(DataFileWriterTest, AWriterThatRestsEncodesWhatIsWorthARowGroup) {
  MakeRows(1000, 5);
  const auto metadata = Metadata(*store_, {}, {});
  DataFileWriter large(*store_, metadata, {.file_prefix = "large"}, budget_);
  DataFileWriter small(*store_, metadata, {.row_group_bytes = 1 << 20, .file_prefix = "small"}, budget_);
  large.Write(batches_[0]);
  small.Write(batches_[0]);
  const auto held = large.buffered_bytes();
  ASSERT_LT(held, (int64_t{64} << 20) / 8);
  ASSERT_GT(held, (int64_t{1} << 20) / 8);
  large.Rest();
  EXPECT_EQ(large.buffered_bytes(), held);
  small.Rest();
  EXPECT_EQ(small.buffered_bytes(), 0);
  EXPECT_EQ(budget_.used(), held);
  EXPECT_GT(small.encoded_bytes(), 0);
}

TEST_F(DataFileWriterTest, MetricsModesAreHonoured) {
  MakeRows(1000, 6);
  const auto metadata = Metadata(*store_, {}, {});
  metadata->properties = {{"write.metadata.metrics.default", "counts"},
                          {"write.metadata.metrics.column.word", "full"},
                          {"write.metadata.metrics.column.big", "none"}};
  const auto files = WriteAll(metadata, {});
  const auto id = [&](const char* path) { return metadata->schema().Find(path)->id; };
  EXPECT_EQ(files[0].value_counts.count(id("seq")), 1U);
  EXPECT_EQ(files[0].lower_bounds.count(id("seq")), 0U);
  EXPECT_EQ(files[0].value_counts.count(id("big")), 0U);
  std::string longest;
  for (int i = 0; i < 20; ++i) longest += "\U0010ffff";
  EXPECT_EQ(files[0].upper_bounds.at(id("word")), longest);
}

TEST_F(DataFileWriterTest, ARequiredColumnWithoutAValueIsRefused) {
  MakeRows(10, 7);
  const auto metadata = Metadata(*store_, {}, {});
  DataFileWriter writer(*store_, metadata, {.file_prefix = "w"}, budget_);
  const auto rows = ValueOf(batches_[0]->RemoveColumn(1), "rows");
  EXPECT_THROW(writer.Write(rows), Error);
}

TEST_F(DataFileWriterTest, FilesThatAreJoinedKeepEveryValueAndMetric) {
  MakeRows(72'000, 11);
  const auto metadata = Metadata(*store_, {}, {});
  const auto all = std::exchange(batches_, {});
  std::vector<table::DatedFile> halves;
  for (size_t half = 0; half < 2; ++half) {
    const size_t middle = all.size() / 2;
    batches_.assign(all.begin() + static_cast<ptrdiff_t>(half * middle),
                    half == 0 ? all.begin() + static_cast<ptrdiff_t>(middle) : all.end());
    for (const auto& file : WriteAll(metadata, {.file_prefix = "half-" + std::to_string(half)}))
      halves.push_back({.file = file});
  }
  ASSERT_EQ(halves.size(), 2U);
  const auto joined = JoinFiles(*store_, *metadata, halves, {.key = "wh/t/data/joined.parquet"}, budget_, {});
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->footer->num_row_groups(), 1);
  EXPECT_EQ(budget_.used(), 0);
  auto made = Measure(*joined, metadata->schema(), MetricsConfig({}, metadata->schema()));
  made.file_path = store_->UriOf(joined->key);
  ExpectAgreement(*metadata, {made});

  // What was joined can be joined again, in as many row groups as were asked for.
  const auto again = JoinFiles(*store_, *metadata, {{.file = made}, halves[0], halves[1]},
                               {.key = "wh/t/data/again.parquet", .row_group_bytes = 1}, budget_, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->footer->num_row_groups(), 3);
  EXPECT_EQ(again->footer->num_rows(), 2 * 72'000);
}

TEST_F(DataFileWriterTest, FilesOfOtherColumnsOrFewRowsAreNotJoined) {
  MakeRows(1'500, 12);
  auto metadata = Metadata(*store_, {}, {});
  const auto few = WriteAll(metadata, {});
  const JoinOptions options{.key = "wh/t/data/joined.parquet"};
  EXPECT_FALSE(JoinFiles(*store_, *metadata, {{.file = few[0]}}, options, budget_, {}));

  batches_.clear();
  MakeRows(40'000, 13);
  auto many = WriteAll(metadata, {.file_prefix = "many"});
  EXPECT_TRUE(JoinFiles(*store_, *metadata, {{.file = many[0]}}, options, budget_, {}));
  auto wider = *metadata;
  wider.schemas[0].fields[4].type = schema::ParseType("long");
  EXPECT_FALSE(JoinFiles(*store_, wider, {{.file = many[0]}}, {.key = "wh/t/data/other.parquet"}, budget_, {}));
  many[0].record_count += 1;
  EXPECT_FALSE(JoinFiles(*store_, *metadata, {{.file = many[0]}}, {.key = "wh/t/data/other.parquet"}, budget_, {}));
}

}  // namespace
}  // namespace millrace::land

#include "land/parquet_file.h"

#include <arrow/api.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_writer.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "land/arrow_status.h"
#include "land/encoding_choice.h"
#include "land/land_events.h"
#include "land/object_stream.h"
#include "land/parquet_form.h"

namespace millrace::land {
namespace {

/// Encodings are shared between files with fewer rows than this, and chosen anew after so many files.
constexpr int64_t kSmallRows = 16'384;
constexpr int kUsesMax = 64;

void Apply(const ColumnEncoding& encoding, const std::string& path, parquet::WriterProperties::Builder& builder) {
  using Kind = ColumnEncoding::Kind;
  switch (encoding.kind) {
    case Kind::kDefault:
    case Kind::kDictionary:
      break;
    case Kind::kPlain:
      builder.disable_dictionary(path);
      builder.encoding(path, parquet::Encoding::PLAIN);
      break;
    case Kind::kDelta:
      builder.disable_dictionary(path);
      builder.encoding(path, parquet::Encoding::DELTA_BINARY_PACKED);
      break;
  }
  if (!encoding.compress) LeaveUncompressed(path, builder);
}

std::shared_ptr<parquet::WriterProperties> PropertiesFor(const arrow::Table& sample, int zstd_level) {
  parquet::WriterProperties::Builder builder;
  SetCommonProperties(zstd_level, builder);
  const auto descriptor = DescriptorOf(*sample.schema());
  const std::vector<Leaf> leaves = LeavesOf(sample);
  if (static_cast<int>(leaves.size()) != descriptor->num_columns()) {
    throw Error(ErrorCode::kInternal, "the leaves of a row group are not those of its Parquet schema");
  }
  for (int i = 0; i < descriptor->num_columns(); ++i) {
    Apply(ChooseEncoding(leaves[static_cast<size_t>(i)], zstd_level), descriptor->Column(i)->path()->ToDotString(),
          builder);
  }
  return builder.build();
}

std::shared_ptr<parquet::WriterProperties> PropertiesFor(const arrow::Table& sample, int zstd_level,
                                                         ChosenEncodings& chosen) {
  const int64_t rows = sample.num_rows();
  if (rows >= kSmallRows) return PropertiesFor(sample, zstd_level);
  const bool alike = rows <= 2 * chosen.rows && chosen.rows <= 2 * rows;
  if (!alike || chosen.uses == kUsesMax) {
    chosen = {.properties = PropertiesFor(sample, zstd_level), .rows = rows, .uses = 0};
  }
  ++chosen.uses;
  return chosen.properties;
}

template <typename ArrayType>
int64_t CountNans(const arrow::Array& array) {
  const auto& values = static_cast<const ArrayType&>(array);
  int64_t count = 0;
  for (int64_t i = 0; i < values.length(); ++i) count += std::isnan(values.Value(i)) && values.IsValid(i) ? 1 : 0;
  return count;
}

int64_t NansOf(const Leaf& leaf) {
  int64_t count = 0;
  for (const auto& chunk : leaf.chunks) {
    if (chunk->type_id() == arrow::Type::DOUBLE) count += CountNans<arrow::DoubleArray>(*chunk);
    if (chunk->type_id() == arrow::Type::FLOAT) count += CountNans<arrow::FloatArray>(*chunk);
  }
  return count;
}

/// Dictionaries stay: the writer takes them for what they stand for.
std::shared_ptr<arrow::ArrayData> Relabel(const arrow::ArrayData& data, const std::shared_ptr<arrow::DataType>& type) {
  auto relabelled = data.Copy();
  if (data.type->id() == arrow::Type::DICTIONARY) return relabelled;
  relabelled->type = type;
  for (size_t i = 0; i < data.child_data.size(); ++i) {
    relabelled->child_data[i] = Relabel(*data.child_data[i], type->field(static_cast<int>(i))->type());
  }
  return relabelled;
}

std::shared_ptr<arrow::Table> InSchema(const arrow::Table& rows, const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ChunkedArrayVector columns;
  for (int i = 0; i < rows.num_columns(); ++i) {
    const auto& type = schema->field(i)->type();
    arrow::ArrayVector chunks;
    for (const auto& chunk : rows.column(i)->chunks())
      chunks.push_back(arrow::MakeArray(Relabel(*chunk->data(), type)));
    columns.push_back(std::make_shared<arrow::ChunkedArray>(std::move(chunks), type));
  }
  return arrow::Table::Make(schema, std::move(columns), rows.num_rows());
}

}  // namespace

struct ParquetFile::State {
  io::ObjectStore& store;
  std::string key;
  std::shared_ptr<arrow::Schema> schema;
  int zstd_level;
  ChosenEncodings& chosen;
  std::shared_ptr<ObjectOutput> output;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  std::vector<int64_t> nan_counts;
  OpenDataFile counted{};

  void Open(const arrow::Table& sample) {
    FaultPoint("land.before_data_file");
    output = std::make_shared<ObjectOutput>(store.OpenWriter(key));
    writer = ValueOf(parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), output,
                                                      PropertiesFor(sample, zstd_level, chosen)),
                     "opening a Parquet file");
  }
};

ParquetFile::ParquetFile(io::ObjectStore& store, std::string key, const std::shared_ptr<arrow::Schema>& schema,
                         int zstd_level, ChosenEncodings& chosen)
    : state_(new State{store, std::move(key), ParquetSchemaOf(*schema), zstd_level, chosen, nullptr, nullptr, {}}) {}

ParquetFile::~ParquetFile() = default;

void ParquetFile::WriteRowGroup(const arrow::Table& rows) {
  State& state = *state_;
  const auto group = InSchema(rows, state.schema);
  if (!state.writer) state.Open(*group);
  Check(state.writer->NewRowGroup(), "row group");
  for (int i = 0; i < group->num_columns(); ++i) {
    Check(state.writer->WriteColumnChunk(group->column(i)), "column " + group->field(i)->name());
  }
  const std::vector<Leaf> leaves = LeavesOf(*group);
  state.nan_counts.resize(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) state.nan_counts[i] += NansOf(leaves[i]);
}

int64_t ParquetFile::written_bytes() const { return state_->output ? state_->output->written() : 0; }

WrittenParquet ParquetFile::Close() && {
  State& state = *state_;
  Check(state.writer->Close(), "closing a Parquet file");
  FinishDataFile(state.store, state.key, *state.output);
  return {.key = state.key,
          .size_bytes = state.output->written(),
          .footer = state.writer->metadata(),
          .nan_counts = std::move(state.nan_counts)};
}

void FinishDataFile(io::ObjectStore& store, const std::string& key, ObjectOutput& output) {
  Check(output.Close(), "closing a Parquet file");
  FaultPoint("land.before_data_file_finish");
  if (output.Finish() == io::PutOutcome::kExists) {
    throw Error(ErrorCode::kStop,
                "data file " + store.UriOf(key) +
                    " exists already: names are random, so two programs share one seed; stop one of them");
  }
  FaultPoint("land.after_data_file_finish");
}

}  // namespace millrace::land

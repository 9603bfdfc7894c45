#include "land/parquet_encoder.h"

#include <arrow/api.h>
#include <arrow/io/interfaces.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_writer.h>
#include <parquet/schema.h>

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "land/arrow_status.h"
#include "land/encoding_choice.h"
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

std::shared_ptr<parquet::WriterProperties> PropertiesFor(const arrow::Table& sample, const ParquetPacking& packing) {
  parquet::WriterProperties::Builder builder;
  SetCommonProperties(packing, builder);
  const auto descriptor = DescriptorOf(*sample.schema());
  const std::vector<Leaf> leaves = LeavesOf(sample);
  if (static_cast<int>(leaves.size()) != descriptor->num_columns()) {
    throw Error(ErrorCode::kInternal, "the leaves of a row group are not those of its Parquet schema");
  }
  for (int i = 0; i < descriptor->num_columns(); ++i) {
    Apply(ChooseEncoding(leaves[static_cast<size_t>(i)], packing.level), descriptor->Column(i)->path()->ToDotString(),
          builder);
  }
  return builder.build();
}

std::shared_ptr<parquet::WriterProperties> PropertiesFor(const arrow::Table& sample, const ParquetPacking& packing,
                                                         ChosenEncodings& chosen) {
  const int64_t rows = sample.num_rows();
  if (rows >= kSmallRows) return PropertiesFor(sample, packing);
  const bool alike = rows <= 2 * chosen.rows && chosen.rows <= 2 * rows;
  if (!alike || chosen.uses == kUsesMax) {
    chosen = {.properties = PropertiesFor(sample, packing), .rows = rows, .uses = 0};
  }
  ++chosen.uses;
  return chosen.properties;
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

struct ParquetEncoder::State {
  std::shared_ptr<arrow::io::OutputStream> output;
  std::shared_ptr<arrow::Schema> schema;
  ParquetPacking packing;
  ChosenEncodings& chosen;
  std::unique_ptr<parquet::arrow::FileWriter> writer = nullptr;
};

ParquetEncoder::ParquetEncoder(std::shared_ptr<arrow::io::OutputStream> output,
                               const std::shared_ptr<arrow::Schema>& schema, ParquetPacking packing,
                               ChosenEncodings& chosen)
    : state_(new State{std::move(output), ParquetSchemaOf(*schema), packing, chosen}) {}

ParquetEncoder::~ParquetEncoder() = default;

void ParquetEncoder::WriteRowGroup(const arrow::Table& rows) {
  State& state = *state_;
  const auto group = InSchema(rows, state.schema);
  if (!state.writer) {
    state.writer = ValueOf(parquet::arrow::FileWriter::Open(*state.schema, arrow::default_memory_pool(), state.output,
                                                            PropertiesFor(*group, state.packing, state.chosen)),
                           "opening a Parquet file");
  }
  Check(state.writer->NewRowGroup(), "row group");
  for (int i = 0; i < group->num_columns(); ++i) {
    Check(state.writer->WriteColumnChunk(group->column(i)), "column " + group->field(i)->name());
  }
}

std::shared_ptr<parquet::FileMetaData> ParquetEncoder::Close() && {
  Check(state_->writer->Close(), "closing a Parquet file");
  return state_->writer->metadata();
}

}  // namespace millrace::land

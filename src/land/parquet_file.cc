#include "land/parquet_file.h"

#include <arrow/api.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "land/arrow_status.h"
#include "land/encoding_choice.h"
#include "land/land_events.h"
#include "land/object_stream.h"
#include "land/parquet_encoder.h"

namespace millrace::land {
namespace {

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

}  // namespace

struct ParquetFile::State {
  io::ObjectStore& store;
  std::string key;
  std::shared_ptr<arrow::Schema> schema;
  int zstd_level;
  ChosenEncodings& chosen;
  std::shared_ptr<ObjectOutput> output = nullptr;
  std::unique_ptr<ParquetEncoder> encoder = nullptr;
  std::vector<int64_t> nan_counts = {};
  OpenDataFile counted{};

  void Open() {
    FaultPoint("land.before_data_file");
    output = std::make_shared<ObjectOutput>(store.OpenWriter(key));
    encoder = std::make_unique<ParquetEncoder>(output, schema, ParquetPacking{.level = zstd_level}, chosen);
  }
};

ParquetFile::ParquetFile(io::ObjectStore& store, std::string key, const std::shared_ptr<arrow::Schema>& schema,
                         int zstd_level, ChosenEncodings& chosen)
    : state_(new State{store, std::move(key), schema, zstd_level, chosen}) {}

ParquetFile::~ParquetFile() = default;

void ParquetFile::WriteRowGroup(const arrow::Table& rows) {
  State& state = *state_;
  if (!state.encoder) state.Open();
  state.encoder->WriteRowGroup(rows);
  const std::vector<Leaf> leaves = LeavesOf(rows);
  state.nan_counts.resize(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) state.nan_counts[i] += NansOf(leaves[i]);
}

int64_t ParquetFile::written_bytes() const { return state_->output ? state_->output->written() : 0; }

WrittenParquet ParquetFile::Close() && {
  State& state = *state_;
  auto footer = std::move(*state.encoder).Close();
  FinishDataFile(state.store, state.key, *state.output);
  return {.key = state.key,
          .size_bytes = state.output->written(),
          .footer = std::move(footer),
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

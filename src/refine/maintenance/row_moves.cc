#include "refine/maintenance/row_moves.h"

#include <arrow/api.h>

#include <algorithm>

namespace millrace::refine {

RowMoves::RowMoves(const std::filesystem::path& folder)
    : columns_(arrow::schema({arrow::field("number", arrow::int64())})), spill_(folder) {}

void RowMoves::Append(const arrow::Int64Array& numbers) {
  if (numbers.length() == 0) return;
  const auto column = arrow::MakeArray(numbers.data());
  pieces_.push_back(spill_.Write(*arrow::RecordBatch::Make(columns_, numbers.length(), {column})));
}

void RowMoves::ForEachOf(const std::vector<int64_t>& numbers,
                         const std::function<void(int64_t position)>& visit) const {
  int64_t position = 0;
  for (const auto& piece : pieces_) {
    const auto batch = spill_.Read(piece, columns_);
    const auto& moved = static_cast<const arrow::Int64Array&>(*batch->column(0));
    for (int64_t row = 0; row < moved.length(); ++row, ++position) {
      if (std::ranges::binary_search(numbers, moved.Value(row))) visit(position);
    }
  }
}

}  // namespace millrace::refine

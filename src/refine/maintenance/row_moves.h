#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "land/row_spill.h"

namespace millrace::refine {

/// Where the rows of a group of files went when they were rewritten as one: for each row of the new file, in its order,
/// its number among all rows of the group. Kept in a file without a name on local disk; single-threaded.
class RowMoves {
 public:
  explicit RowMoves(const std::filesystem::path& folder);

  void Append(const arrow::Int64Array& numbers);
  /// Calls `visit` with the position in the new file of each of the rows that are still there; `numbers` rise.
  void ForEachOf(const std::vector<int64_t>& numbers, const std::function<void(int64_t position)>& visit) const;

 private:
  std::shared_ptr<arrow::Schema> columns_;
  land::RowSpill spill_;
  std::vector<land::RowSpill::Piece> pieces_;
};

}  // namespace millrace::refine

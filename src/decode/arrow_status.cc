#include "decode/arrow_status.h"

#include "base/error.h"

namespace millrace::decode {

void ThrowIfError(const arrow::Status& status) {
  if (status.ok()) return;
  if (status.IsOutOfMemory()) {
    throw Error(ErrorCode::kUnavailable,
                "no memory for decoded columns; lower `memory` or the read size: " + status.message());
  }
  throw Error(ErrorCode::kInternal, "Arrow refused a decoded column: " + status.ToString());
}

}  // namespace millrace::decode

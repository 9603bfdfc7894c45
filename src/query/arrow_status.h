#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <string_view>
#include <utility>

namespace millrace::query {

/// The one place where Arrow's and Parquet's failures become ours: out of memory and I/O may be tried again, bad
/// data is the input's fault, the rest is a broken invariant. `doing` says what was being done.
[[noreturn]] void ThrowArrow(const arrow::Status& status, std::string_view doing);

inline void Check(const arrow::Status& status, std::string_view doing) {
  if (!status.ok()) [[unlikely]] {
    ThrowArrow(status, doing);
  }
}

template <typename T>
T ValueOf(arrow::Result<T> result, std::string_view doing) {
  Check(result.status(), doing);
  return std::move(result).ValueUnsafe();
}

}  // namespace millrace::query

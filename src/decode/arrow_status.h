#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <utility>

namespace millrace::decode {

/// Arrow's failures as ours: no memory is kUnavailable, anything else a broken invariant of this folder.
void ThrowIfError(const arrow::Status& status);

template <typename T>
T ValueOrThrow(arrow::Result<T> result) {
  ThrowIfError(result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace millrace::decode

#pragma once

#include <cstdint>

#include "decode/column.h"

namespace millrace::decode {

/// Whether two of the rows of `keys` from `begin` on are the same text.
bool HasDuplicateKeys(const Column& keys, int64_t begin);

}  // namespace millrace::decode

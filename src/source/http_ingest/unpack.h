#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"

namespace millrace::source {

struct UnpackLimits {
  int64_t bytes_max = 0;     // of what comes out
  double expansion_max = 0;  // times what went in, once a mebibyte came out
};

/// A body as its Content-Encoding says: "identity" or nothing, "gzip", "zstd". Throws io::HttpRefusal: 415 for another
/// one, 413 beyond the limits, 400 when it is broken or ends too early.
std::shared_ptr<PaddedBuffer> Unpack(std::string_view body, std::string_view encoding, const UnpackLimits& limits);

}  // namespace millrace::source

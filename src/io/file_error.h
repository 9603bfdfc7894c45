#pragma once

#include <string_view>

#include "base/error.h"

namespace millrace::io {

/// The Error for a failed system call on `path`. Full, read-only, denied and broken disks are kStop and say the mend;
/// what may pass by itself is kUnavailable. `doing` is a verb phrase: "write", "create the folder".
Error FileError(int error_number, std::string_view doing, std::string_view path);

}  // namespace millrace::io

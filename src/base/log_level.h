#pragma once

#include "base/log.h"

namespace millrace {

/// The lowest level of lines that are written now.
LogLevel CurrentLogLevel();

}  // namespace millrace

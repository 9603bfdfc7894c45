#pragma once

#include <cstdlib>

namespace millrace {

/// Whether tests that repeat themselves with other numbers take all of them (`./dev soak`) or a few.
inline bool LongTests() { return std::getenv("MILLRACE_LONG_TESTS") != nullptr; }

}  // namespace millrace

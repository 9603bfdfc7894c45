#pragma once

namespace millrace::app {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace millrace::app

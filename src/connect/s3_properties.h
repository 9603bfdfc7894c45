#pragma once

#include <vector>

#include "connect/plugin.h"

namespace millrace::connect {

inline constexpr const char* kS3Version = "10.5.0";

std::vector<Property> S3Properties();
std::vector<Property> S3Families();

}  // namespace millrace::connect

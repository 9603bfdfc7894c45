#pragma once

#include <vector>

#include "connect/plugin.h"

namespace millrace::connect {

inline constexpr const char* kIcebergVersion = "1.12.0";

std::vector<Property> IcebergProperties();
std::vector<Property> IcebergFamilies();

}  // namespace millrace::connect

#pragma once

#include <vector>

#include "connect/plugin.h"

namespace millrace::connect {

inline constexpr const char* kMongoVersion = "2.0.1";

std::vector<Property> MongoProperties();
std::vector<Property> MongoFamilies();

}  // namespace millrace::connect

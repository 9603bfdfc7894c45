#pragma once

#include <memory>

#include "connect/plugin.h"

namespace millrace::connect {

/// Confluent's source of made-up records, as far as our generator makes the like.
std::unique_ptr<Plugin> MakeDatagenSource();

}  // namespace millrace::connect

#pragma once

#include <memory>

#include "connect/plugin.h"

namespace millrace::connect {

/// castorm's source of JSON over HTTP, as far as rows are asked for round after round.
std::unique_ptr<Plugin> MakeHttpSource();

/// A JSON pointer (RFC 6901) as a JSON path: "/data/items" is "$.data.items".
std::string JsonPathOf(const std::string& pointer);

}  // namespace millrace::connect

#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace millrace::query {

/// Reads the JSON in which DuckDB prints statements and plans, which is JSON but for bare NaN and Infinity: those
/// become null.
nlohmann::json ParseDuckDbJson(std::string text);

}  // namespace millrace::query

#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "io/http_call.h"

namespace millrace::app {

struct NumberBounds {
  int64_t min = 0;
  int64_t max = 0;
};
/// A number of the query string; nullopt when it is not there. Throws io::HttpRefusal 400 for one out of bounds.
std::optional<int64_t> NumberOf(const io::HttpCall& call, std::string_view name, NumberBounds bounds);
std::string TextOf(const io::HttpCall& call, std::string_view name);

/// The body as a JSON object; without a body an empty one. Throws io::HttpRefusal 400 for anything else.
nlohmann::json ObjectOf(io::HttpCall& call);
/// Members of it; what is not there is the default. Throw io::HttpRefusal 400 for one of another type.
bool FlagOf(const nlohmann::json& object, const char* name);
std::string TextOf(const nlohmann::json& object, const char* name);

/// An answer of a handler: compact JSON, whatever bytes its texts are.
io::HttpReply JsonOf(const nlohmann::ordered_json& answer);

}  // namespace millrace::app

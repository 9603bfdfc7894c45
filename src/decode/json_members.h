#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "decode/json_scan.h"

namespace millrace::decode {

/// Calls `visit` with the name, as it is written between its quotes, and the value of each member of a JSON object, in
/// their order. White space may stand around it, nothing else. Up to 32 bytes behind `text` are read (json_scan.h).
Scanned ForEachMember(std::string_view text, int depth_max,
                      const std::function<void(std::string_view name, std::string_view value)>& visit);

/// The value of a member, of members of members for a dotted path; a name may itself hold dots, and the longest one
/// that is there wins. nullopt when there is none, or the text is no object.
std::optional<std::string_view> FindMember(std::string_view text, std::string_view dotted_path, int depth_max);

}  // namespace millrace::decode

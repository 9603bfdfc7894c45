#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connect/plugin.h"

namespace millrace::connect {

std::string_view ToString(PropertyType type);
std::string_view ToString(Importance importance);

/// What Connect shows of a password.
inline constexpr const char* kHidden = "[hidden]";

/// A property with what was given for it (nullopt: nothing), and what Connect finds wrong with it, in its words. The
/// value is as Connect prints it: the default where none was given, null where it cannot be read.
CheckedProperty CheckValue(const Property& property, const std::optional<std::string>& given);

/// "a, b" as a list; empty parts are left out.
std::vector<std::string> SplitList(std::string_view text);
std::string Trimmed(std::string_view text);
/// The last part of a class name, "DefaultPartitioner".
std::string SimpleName(std::string_view class_name);

}  // namespace millrace::connect

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connect/given.h"

namespace millrace::connect {

bool IsTopic(std::string_view name);

/// What the blocks of a sink take from: its topics one by one, or one pattern.
std::vector<std::string> OriginsOf(const Given& given);
/// All of them as one `from`: a topic, or a pattern of several.
std::string OneOrigin(const Given& given);

/// `topics.regex`, a regular expression of Java that whole names match, as a POSIX one; empty, with `why`, where there
/// is none alike.
std::string PosixPattern(const std::string& java, std::string& why);

/// Checks both.
void CheckOrigins(const Given& given, Findings& findings);

/// A name in our configuration: the connector's, and after '_' what else tells it apart.
std::string BlockName(const std::string& connector, const std::string& part);

}  // namespace millrace::connect

#pragma once

#include <string>
#include <vector>

namespace millrace::stream {

/// Whether what a reader subscribes to is a pattern of topic names, which begins with '^', and no name.
inline bool IsPattern(const std::string& subscription) { return subscription.starts_with('^'); }

/// Error kConfig unless it is a POSIX extended regular expression, as librdkafka takes them.
void CheckPattern(const std::string& pattern);

/// Those of the names that match.
std::vector<std::string> Matches(const std::string& pattern, std::vector<std::string> names);

}  // namespace millrace::stream

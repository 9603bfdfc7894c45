#include "stream/kafka/subscription.h"

#include <fmt/format.h>
#include <regex.h>

#include <memory>

#include "base/error.h"

namespace millrace::stream {
namespace {

struct RegexDeleter {
  void operator()(regex_t* regex) const {
    regfree(regex);
    delete regex;
  }
};
using Regex = std::unique_ptr<regex_t, RegexDeleter>;

/// As librdkafka compiles what is subscribed to.
Regex Compiled(const std::string& pattern) {
  auto regex = std::make_unique<regex_t>();
  if (const int error = regcomp(regex.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB); error != 0) {
    char why[128];
    regerror(error, regex.get(), why, sizeof(why));
    throw Error(ErrorCode::kConfig, fmt::format("'{}' is no pattern of topic names: {}", pattern, why));
  }
  return Regex(regex.release());
}

}  // namespace

void CheckPattern(const std::string& pattern) { Compiled(pattern); }

std::vector<std::string> Matches(const std::string& pattern, std::vector<std::string> names) {
  const auto regex = Compiled(pattern);
  std::erase_if(names, [&](const auto& name) { return regexec(regex.get(), name.c_str(), 0, nullptr, 0) != 0; });
  return names;
}

}  // namespace millrace::stream

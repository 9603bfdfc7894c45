#include "config/problems.h"

#include <fmt/format.h>

#include "base/error.h"

namespace millrace::config {

std::string ToString(const Mark& mark) {
  return mark.line > 0 ? fmt::format("{}:{}", mark.file, mark.line) : mark.file;
}

void Problems::Add(const Mark& mark, const std::string& message) {
  lines_.push_back(fmt::format("{}: {}", ToString(mark), message));
}

void Problems::ThrowIfAny() const {
  if (lines_.empty()) return;
  if (lines_.size() == 1) throw Error(ErrorCode::kConfig, lines_.front());
  throw Error(ErrorCode::kConfig,
              fmt::format("{} mistakes in the configuration:\n  {}", lines_.size(), fmt::join(lines_, "\n  ")));
}

}  // namespace millrace::config

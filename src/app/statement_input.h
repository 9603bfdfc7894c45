#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::app {

/// Lines that people type, cut into statements: at each ';' that stands in no string, quoted name or comment.
class StatementInput {
 public:
  void AddLine(std::string_view line);
  /// The next whole statement, without its ';'.
  std::optional<std::string> Next();
  /// What is begun; blank when nothing is.
  const std::string& rest() const { return text_; }
  void Clear() { text_.clear(); }

 private:
  std::string text_;
};

}  // namespace millrace::app

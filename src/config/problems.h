#pragma once

#include <string>
#include <vector>

#include "config/mark.h"

namespace millrace::config {

/// Every mistake of a configuration, so that all are told at once. Single-threaded.
class Problems {
 public:
  void Add(const Mark& mark, const std::string& message);
  bool empty() const { return lines_.empty(); }
  /// "file:line: message", in the order found.
  const std::vector<std::string>& lines() const { return lines_; }
  /// Error kConfig naming them all; nothing when there are none.
  void ThrowIfAny() const;

 private:
  std::vector<std::string> lines_;
};

}  // namespace millrace::config

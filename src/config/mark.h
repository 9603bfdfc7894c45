#pragma once

#include <map>
#include <string>

namespace millrace::config {

/// A place in a configuration file, or on the command line (line 0: `file` is then an option's name).
struct Mark {
  std::string file;
  int line = 0;
};

/// "millrace.yaml:12".
std::string ToString(const Mark& mark);

/// What a block knows of the text it was read from, so that checks made later can still say where.
struct Located {
  Mark mark;
  std::map<std::string, Mark> key_marks;

  /// Where `key` stands; the block itself when it was not given.
  const Mark& MarkOf(const std::string& key) const {
    const auto found = key_marks.find(key);
    return found == key_marks.end() ? mark : found->second;
  }
  bool Given(const std::string& key) const { return key_marks.contains(key); }
};

}  // namespace millrace::config

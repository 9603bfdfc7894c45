#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace millrace::refine {

/// What is about to be deleted, written down before anything else happens, so that a crash leaves no file that nobody
/// remembers. One text file a table, a URI a line, its last line "end"; one that was torn counts as none, for then
/// nothing has been deleted yet.
class DeletionJournal {
 public:
  explicit DeletionJournal(std::filesystem::path file) : file_(std::move(file)) {}

  /// Durable when it returns.
  void Write(const std::vector<std::string>& uris) const;
  /// What an earlier process left; empty when it finished.
  std::vector<std::string> Read() const;
  void Clear() const;

 private:
  std::filesystem::path file_;
};

}  // namespace millrace::refine

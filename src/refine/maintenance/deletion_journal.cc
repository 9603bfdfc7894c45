#include "refine/maintenance/deletion_journal.h"

#include <fcntl.h>

#include <cerrno>
#include <fstream>

#include "base/fault.h"
#include "io/file_descriptor.h"
#include "io/file_error.h"

namespace millrace::refine {
namespace {

constexpr const char* kEnd = "end";  // frozen

}  // namespace

void DeletionJournal::Write(const std::vector<std::string>& uris) const {
  std::string text;
  for (const auto& uri : uris) text += uri + "\n";
  text += std::string(kEnd) + "\n";
  const auto file = io::FileDescriptor::Open(file_, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!file.is_open()) throw io::FileError(errno, "write", file_.native());
  FaultPoint("maintain.before_journal");
  io::WriteAll(file, text, file_);
  io::Sync(file, file_);
  io::SyncDirectory(file_.parent_path());
  FaultPoint("maintain.after_journal");
}

std::vector<std::string> DeletionJournal::Read() const {
  std::ifstream in(file_);
  std::vector<std::string> uris;
  for (std::string line; std::getline(in, line);) {
    if (line == kEnd) return uris;
    uris.push_back(line);
  }
  return {};
}

void DeletionJournal::Clear() const {
  FaultPoint("maintain.before_journal_removed");
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

}  // namespace millrace::refine

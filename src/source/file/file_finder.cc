#include "source/file/file_finder.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "io/file_error.h"

namespace millrace::source {
namespace {

void AddFile(const std::string& path, std::vector<FoundFile>* files) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    throw io::FileError(errno, "look at", path);
  }
  if (!S_ISREG(status.st_mode)) return;
  files->push_back({path, status.st_dev, status.st_ino, status.st_size});
}

/// glob's callback has no argument of ours.
thread_local int folder_error = 0;

/// A folder that went away meanwhile has no matches; one that may not be read might have, and must not be passed over.
int OnFolderError(const char*, int error) {
  if (error == ENOENT || error == ENOTDIR) return 0;
  folder_error = error;
  return 1;
}

void AddMatches(const std::string& pattern, std::vector<FoundFile>* files) {
  glob_t matches{};
  const int result = ::glob(pattern.c_str(), GLOB_NOSORT, OnFolderError, &matches);
  try {
    if (result == GLOB_NOSPACE) throw Error(ErrorCode::kUnavailable, "no memory to list " + pattern);
    if (result == GLOB_ABORTED) throw io::FileError(folder_error, "list", pattern);
    for (size_t i = 0; i < matches.gl_pathc; ++i) AddFile(matches.gl_pathv[i], files);
  } catch (...) {
    ::globfree(&matches);
    throw;
  }
  ::globfree(&matches);
}

}  // namespace

bool IsPattern(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

std::vector<FoundFile> FindFiles(const std::vector<std::string>& patterns) {
  std::vector<FoundFile> files;
  for (const auto& pattern : patterns) {
    if (std::filesystem::is_directory(pattern)) {
      throw Error(ErrorCode::kConfig,
                  fmt::format("{} is a folder: name the files in it, as in '{}/*.jsonl'", pattern, pattern));
    }
    const auto absolute = std::filesystem::absolute(pattern).lexically_normal().native();
    const size_t before = files.size();
    AddFile(absolute, &files);
    if (files.size() == before && IsPattern(absolute)) AddMatches(absolute, &files);
  }
  const auto by_name = [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; };
  std::sort(files.begin(), files.end(), by_name);
  const auto same = [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; };
  files.erase(std::unique(files.begin(), files.end(), same), files.end());
  return files;
}

}  // namespace millrace::source

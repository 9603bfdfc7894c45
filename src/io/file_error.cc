#include "io/file_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace millrace::io {

Error FileError(int error_number, std::string_view doing, std::string_view path) {
  const auto stop = [](std::string message) { return Error(ErrorCode::kStop, std::move(message)); };
  switch (error_number) {
    case ENOSPC:
      return stop(fmt::format(
          "the disk that holds {} is full: free space, then run again; nothing that was confirmed is lost", path));
    case EDQUOT:
      return stop(
          fmt::format("the disk quota for {} is used up: raise it or free space, then run again; nothing that "
                      "was confirmed is lost",
                      path));
    case EROFS:
      return stop(
          fmt::format("{} is on a read-only file system: remount it writable or choose another folder, then "
                      "run again",
                      path));
    case EACCES:
    case EPERM:
      return stop(
          fmt::format("no permission to {} {}: grant it to this user (chmod, chown) or choose another folder, "
                      "then run again",
                      doing, path));
    case ENOTDIR:
      return stop(fmt::format("cannot {} {}: a part of the path is a file, not a folder; move it away, then run again",
                              doing, path));
    case ENAMETOOLONG:
      return stop(
          fmt::format("cannot {} {}: the name is too long for this file system; choose shorter names", doing, path));
    case EXDEV:
      return stop(
          fmt::format("cannot {} {}: it lies on another file system than the folder it belongs to; keep a "
                      "warehouse on one file system (no links into others)",
                      doing, path));
    case EIO:
      return stop(
          fmt::format("the disk that holds {} reported an input/output error: check the disk (dmesg), then run "
                      "again; nothing that was confirmed is lost",
                      path));
    default:
      return Error(ErrorCode::kUnavailable,
                   fmt::format("cannot {} {}: {}; run again", doing, path,
                               std::error_code(error_number, std::generic_category()).message()));
  }
}

}  // namespace millrace::io

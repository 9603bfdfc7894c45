#include "app/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "app/version.h"
#include "base/error.h"
#include "base/random.h"

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

constexpr int kDataFormat = 1;  // frozen
constexpr const char* kDataWord = "millrace data";
constexpr const char* kMarker = "format";

/// Turns errno into the sentence for a folder that cannot be used.
[[noreturn]] void ThrowUnusable(const fs::path& path, int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      throw Error(ErrorCode::kStop,
                  fmt::format("the disk that holds {} is full; free some space and run again", path.string()));
    case EROFS:
      throw Error(ErrorCode::kStop,
                  fmt::format("{} is on a read-only file system; choose another data_dir", path.string()));
    case EACCES:
    case EPERM:
      throw Error(
          ErrorCode::kStop,
          fmt::format("{} cannot be written by this user; change its owner or choose another data_dir", path.string()));
    default:
      throw Error(ErrorCode::kStop, fmt::format("{} cannot be used: {}", path.string(), std::strerror(error)));
  }
}

std::optional<std::string> ReadFirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return std::nullopt;
  return line;
}

/// Durable, and whole or absent.
void WriteMarker(const fs::path& path, const std::string& text) {
  // Several processes may begin with one folder.
  const auto temporary = fmt::format("{}.{}.new", path.string(), getpid());
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) ThrowUnusable(path.parent_path(), errno);
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
  const int error = errno;
  close(file);
  if (!written) ThrowUnusable(path.parent_path(), error);
  if (rename(temporary.c_str(), path.c_str()) != 0) ThrowUnusable(path.parent_path(), errno);
}

/// Something that is not ours, and is not hidden, in a folder without a marker.
std::optional<std::string> StrangeEntry(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with('.') && name != "lock" && !name.starts_with(kMarker)) return name;
  }
  return std::nullopt;
}

void MakeFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) ThrowUnusable(path, error.value());
}

}  // namespace

void EnsureFormat(const fs::path& folder, const std::string& marker_name, const std::string& what, int number) {
  const auto marker = folder / marker_name;
  const auto line = ReadFirstLine(marker);
  if (!line) {
    WriteMarker(marker, fmt::format("{} {}\n", what, number));
    return;
  }
  int found = 0;
  const auto* begin = line->data() + std::min(line->size(), what.size() + 1);
  const auto [end, error] = std::from_chars(begin, line->data() + line->size(), found);
  if (!line->starts_with(what + " ") || error != std::errc() || end != line->data() + line->size()) {
    throw Error(ErrorCode::kStop, fmt::format("{} was not made by millrace; choose another folder", folder.string()));
  }
  if (found != number) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("{} has format {} and millrace {} knows format {}; use the version of millrace that made it, "
                    "or another folder",
                    folder.string(), found, kVersion, number));
  }
}

void DataDirectory::RequireUsable(const fs::path& path) {
  if (fs::exists(path / kMarker)) return EnsureFormat(path, kMarker, kDataWord, kDataFormat);
  if (const auto strange = StrangeEntry(path)) {
    throw Error(ErrorCode::kStop,
                fmt::format("{} holds '{}' and no millrace data; choose an empty or a new folder as data_dir",
                            path.string(), *strange));
  }
}

DataDirectory DataDirectory::Make(const fs::path& path) {
  MakeFolder(path);
  RequireUsable(path);
  return DataDirectory(path);
}

DataDirectory DataDirectory::OpenToWrite(const fs::path& path) {
  auto directory = Make(path);
  directory.Lock();
  EnsureFormat(path, kMarker, kDataWord, kDataFormat);
  return directory;
}

DataDirectory DataDirectory::OpenToAppend(const fs::path& path) {
  auto directory = Make(path);
  EnsureFormat(path, kMarker, kDataWord, kDataFormat);
  return directory;
}

DataDirectory DataDirectory::OpenToRead(const fs::path& path) {
  if (!fs::exists(path / kMarker)) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("there is no data in {} yet; `millrace run` makes it, -c FILE names another pipeline",
                            path.string()));
  }
  EnsureFormat(path, kMarker, kDataWord, kDataFormat);
  return DataDirectory(path);
}

std::optional<std::string> DataDirectory::HolderOf(const fs::path& path) {
  const int file = open((path / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  const bool is_free = flock(file, LOCK_SH | LOCK_NB) == 0;
  close(file);
  if (is_free) return std::nullopt;
  return ReadFirstLine(path / "lock").value_or("unknown");
}

std::string DataDirectory::WorkerName() const {
  const auto file = path_ / "worker";
  if (const auto name = ReadFirstLine(file)) return *name;
  WriteMarker(file, Random::FromSystem().Uuid() + "\n");
  return ReadFirstLine(file).value_or("");
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

void DataDirectory::Lock() {
  const auto file = path_ / "lock";
  lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) ThrowUnusable(path_, errno);
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const auto pid = ReadFirstLine(file).value_or("unknown");
    throw Error(ErrorCode::kUnavailable,
                fmt::format("another process (pid {}) uses {}; stop it, or give this pipeline a data_dir "
                            "of its own",
                            pid, path_.string()));
  }
  const auto pid = fmt::format("{}\n", getpid());
  if (ftruncate(lock_, 0) != 0 || pwrite(lock_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    ThrowUnusable(path_, errno);
  }
}

}  // namespace millrace::app

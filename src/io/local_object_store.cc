#include "io/local_object_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "io/durable_folders.h"
#include "io/file_descriptor.h"
#include "io/file_error.h"
#include "io/hidden_file.h"
#include "io/object_key.h"

namespace millrace::io {
namespace {

using std::filesystem::path;

constexpr size_t kWriteBufferBytes = size_t{256} << 10;
/// Open at a time.
constexpr size_t kSyncedTogetherMax = 128;

class LocalObjectWriter final : public ObjectWriter {
 public:
  LocalObjectWriter(const path& hidden_folder, path target, std::shared_ptr<DurableFolders> folders)
      : file_(hidden_folder), target_(std::move(target)), folders_(std::move(folders)) {}

  void Write(std::string_view bytes) override {
    bytes_written_ += static_cast<int64_t>(bytes.size());
    if (buffer_.size() + bytes.size() > kWriteBufferBytes) Flush();
    if (bytes.size() >= kWriteBufferBytes) {
      file_.Write(bytes);
    } else {
      buffer_ += bytes;
    }
  }

  int64_t bytes_written() const override { return bytes_written_; }

  PutOutcome Finish() && override {
    Flush();
    folders_->Ensure(target_.parent_path());
    const auto named = file_.SyncAndName(target_);
    // Also when the name was taken: a writer that died may have left it unsynced, and kExists promises as much.
    FaultPoint("io.local.dirsync");
    SyncDirectory(target_.parent_path());
    FaultPoint("io.local.dirsync");
    return named == HiddenFile::Named::kDone ? PutOutcome::kCreated : PutOutcome::kExists;
  }

 private:
  void Flush() {
    if (!buffer_.empty()) file_.Write(buffer_);
    buffer_.clear();
  }

  HiddenFile file_;
  path target_;
  std::shared_ptr<DurableFolders> folders_;
  std::string buffer_;
  int64_t bytes_written_ = 0;
};

/// nullopt when there is no such file, or a folder has its name.
std::optional<int64_t> FileSize(const path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0) {
    return S_ISREG(status.st_mode) ? std::optional<int64_t>(status.st_size) : std::nullopt;
  }
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw FileError(errno, "look at", file.native());
}

/// Not open when there is no such file.
FileDescriptor OpenToRead(const path& file) {
  auto descriptor = FileDescriptor::Open(file, O_RDONLY);
  if (!descriptor.is_open() && errno != ENOENT && errno != ENOTDIR) throw FileError(errno, "open", file.native());
  return descriptor;
}

/// Walks a store in the byte order of keys, entering only folders that can hold what is asked for.
class Lister {
 public:
  Lister(const path& root, std::string_view prefix, std::string_view after,
         const std::function<bool(const ObjectInfo&)>& visit)
      : root_(root), prefix_(prefix), after_(after), visit_(visit) {}

  void Run() { Folder(Start()); }

 private:
  /// The folder that the prefix names, where that can be one of the store: those above may hold thousands of others.
  std::string Start() const {
    const auto slash = prefix_.rfind('/');
    if (slash == std::string_view::npos) return "";
    const auto folder = prefix_.substr(0, slash);
    const bool hidden = folder == kHiddenFolder || folder.starts_with(std::string(kHiddenFolder) + '/');
    return IsValidKey(folder) && !hidden ? std::string(folder) + '/' : "";
  }

  struct Entry {
    std::string key;  // ends in '/' for a folder, as it does in the keys below it
    int64_t size = 0;
  };

  /// False when the visitor has had enough.
  bool Folder(const std::string& base) {
    for (const auto& entry : Entries(base)) {
      const bool go_on = entry.key.back() == '/' ? Folder(entry.key) : File(entry);
      if (!go_on) return false;
    }
    return true;
  }

  bool File(const Entry& entry) {
    if (!entry.key.starts_with(prefix_) || entry.key <= after_) return true;
    return visit_({entry.key, entry.size});
  }

  bool MayHold(std::string_view folder) const {
    const bool on_the_way = folder.starts_with(prefix_) || prefix_.starts_with(folder);
    return on_the_way && (folder > after_ || after_.starts_with(folder));
  }

  std::vector<Entry> Entries(const std::string& base) const {
    std::vector<Entry> entries;
    std::error_code error;
    std::filesystem::directory_iterator it(root_ / base, error), end;
    if (error.value() == ENOENT || error.value() == ENOTDIR) return entries;
    for (; !error && it != end; it.increment(error)) {
      std::string key = base + it->path().filename().native();
      if (key == kHiddenFolder) continue;
      struct stat status {};
      if (::stat(it->path().c_str(), &status) != 0) continue;  // gone meanwhile, or a dangling link
      if (S_ISDIR(status.st_mode)) {
        key += '/';
        if (MayHold(key)) entries.push_back({std::move(key), 0});
      } else if (S_ISREG(status.st_mode)) {
        entries.push_back({std::move(key), status.st_size});
      }
    }
    if (error && error.value() != ENOENT) throw FileError(error.value(), "list", (root_ / base).native());
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
    return entries;
  }

  const path& root_;
  std::string_view prefix_;
  std::string_view after_;
  const std::function<bool(const ObjectInfo&)>& visit_;
};

/// The path a URI names: its scheme taken off, runs of '/' made one. nullopt for another scheme or host.
std::optional<std::string> PathOfUri(std::string_view uri) {
  if (uri.starts_with("file:")) {
    uri.remove_prefix(5);
    if (uri.starts_with("//localhost/")) uri.remove_prefix(11);
    if (uri.starts_with("//") && !uri.starts_with("///")) return std::nullopt;  // another host
  }
  if (!uri.starts_with('/')) return std::nullopt;
  std::string text;
  for (const char c : uri) {
    if (c != '/' || text.empty() || text.back() != '/') text += c;
  }
  return text;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return decoded;
}

}  // namespace

std::unique_ptr<LocalObjectStore> LocalObjectStore::Open(const path& root) {
  auto absolute = std::filesystem::absolute(root).lexically_normal();
  if (!absolute.has_filename() && absolute.has_relative_path()) absolute = absolute.parent_path();
  if (!IsValidKey(absolute.relative_path().native())) {
    throw Error(ErrorCode::kConfig,
                fmt::format("the folder '{}' cannot be a warehouse: '?', '#' and control characters are cut off or "
                            "refused by readers of file URIs; choose a path without them",
                            absolute.native()));
  }
  auto store = std::unique_ptr<LocalObjectStore>(new LocalObjectStore(std::move(absolute)));
  store->folders_->Ensure(store->root_);
  SweepHiddenFiles(store->root_ / kHiddenFolder);
  return store;
}

LocalObjectStore::LocalObjectStore(path root) : root_(std::move(root)), folders_(std::make_shared<DurableFolders>()) {}

LocalObjectStore::~LocalObjectStore() = default;

path LocalObjectStore::PathOf(const std::string& key) const {
  CheckKey(key);
  if (key == kHiddenFolder || key.starts_with(std::string(kHiddenFolder) + '/')) {
    throw Error(ErrorCode::kConfig, fmt::format("'{}' is where objects are being written; choose another name", key));
  }
  return root_ / key;
}

PutOutcome LocalObjectStore::PutIfAbsent(const std::string& key, std::string_view bytes) {
  auto writer = OpenWriter(key);
  writer->Write(bytes);
  return std::move(*writer).Finish();
}

std::unique_ptr<ObjectWriter> LocalObjectStore::OpenWriter(const std::string& key) {
  auto target = PathOf(key);
  return std::make_unique<LocalObjectWriter>(HiddenFolder(), std::move(target), folders_);
}

path LocalObjectStore::HiddenFolder() {
  auto hidden = root_ / kHiddenFolder;
  folders_->Ensure(hidden);
  return hidden;
}

PutOutcome LocalObjectStore::PutUnsynced(const std::string& key, std::string_view bytes) {
  const auto target = PathOf(key);
  HiddenFile file(HiddenFolder());
  file.Write(bytes);
  folders_->Ensure(target.parent_path());
  return file.NameOnly(target) == HiddenFile::Named::kDone ? PutOutcome::kCreated : PutOutcome::kExists;
}

std::vector<std::string> LocalObjectStore::Sync(const std::vector<std::string>& keys) {
  std::vector<std::string> missing;
  std::vector<std::pair<path, FileDescriptor>> files;
  std::set<path> folders;
  const auto sync = [&] {
    for (const auto& [file, descriptor] : files) io::Sync(descriptor, file);
    files.clear();
  };
  for (const auto& key : keys) {
    const auto file = PathOf(key);
    auto descriptor = OpenToRead(file);
    if (!descriptor.is_open()) {
      missing.push_back(key);
      continue;
    }
    // All are on their way before the first is waited for, and share what the file system commits.
    ::sync_file_range(descriptor.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    folders.insert(file.parent_path());
    files.emplace_back(file, std::move(descriptor));
    if (files.size() == kSyncedTogetherMax) sync();
  }
  sync();
  for (const auto& folder : folders) SyncDirectory(folder);
  return missing;
}

void LocalObjectStore::Replace(const std::string& key, std::string_view bytes) {
  const auto target = PathOf(key);
  HiddenFile file(HiddenFolder());
  file.Write(bytes);
  folders_->Ensure(target.parent_path());
  file.SyncAndReplace(target);
  SyncDirectory(target.parent_path());
}

std::optional<std::string> LocalObjectStore::Get(const std::string& key) {
  const auto size = Size(key);
  if (!size) return std::nullopt;
  const auto file = PathOf(key);
  const auto descriptor = OpenToRead(file);
  if (!descriptor.is_open()) return std::nullopt;
  std::string bytes(static_cast<size_t>(*size), '\0');
  bytes.resize(static_cast<size_t>(ReadAt(descriptor, bytes.data(), *size, 0, file)));
  return bytes;
}

std::optional<int64_t> LocalObjectStore::Size(const std::string& key) { return FileSize(PathOf(key)); }

std::string LocalObjectStore::GetRange(const std::string& key, int64_t offset, int64_t length) {
  const auto file = PathOf(key);
  const auto size = FileSize(file);
  if (!size) {
    throw Error(ErrorCode::kData, fmt::format("{} does not exist; something outside removed it", file.native()));
  }
  if (offset < 0 || length < 0 || offset > *size || length > *size - offset) {
    throw Error(ErrorCode::kData,
                fmt::format("{} has {} bytes, yet {} from byte {} on were asked for; it was cut short", file.native(),
                            *size, length, offset));
  }
  const auto descriptor = OpenToRead(file);
  std::string bytes(static_cast<size_t>(length), '\0');
  if (!descriptor.is_open() || ReadAt(descriptor, bytes.data(), length, offset, file) != length) {
    throw Error(ErrorCode::kData, fmt::format("{} was removed or cut short while it was read", file.native()));
  }
  return bytes;
}

void LocalObjectStore::List(const std::string& prefix, const std::string& after,
                            const std::function<bool(const ObjectInfo&)>& visit) {
  Lister(root_, prefix, after, visit).Run();
}

void LocalObjectStore::Delete(const std::string& key) {
  const auto file = PathOf(key);
  if (::unlink(file.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return;
  if (errno == EISDIR || (errno == EPERM && std::filesystem::is_directory(file))) return;  // no object has that name
  throw FileError(errno, "delete", file.native());
}

std::string LocalObjectStore::UriOf(const std::string& key) const { return "file://" + PathOf(key).native(); }

std::optional<std::string> LocalObjectStore::KeyOf(std::string_view uri) const {
  const auto literal = PathOfUri(uri);
  if (!literal) return std::nullopt;
  const std::string base = root_.native() == "/" ? "/" : root_.native() + '/';
  for (const auto& candidate : {literal, PercentDecoded(*literal)}) {
    if (!candidate || !candidate->starts_with(base)) continue;
    auto key = candidate->substr(base.size());
    if (IsValidKey(key) && !key.starts_with(kHiddenFolder)) return key;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace millrace::io

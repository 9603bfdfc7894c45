#include "query/object_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "io/file_descriptor.h"
#include "io/file_error.h"
#include "io/several_at_once.h"

namespace millrace::query {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBlockBytes = int64_t{8} << 20;
constexpr size_t kFetchersMax = 8;

/// The lock file with a lock on it; nullptr when it is not to be had at once.
std::shared_ptr<io::FileDescriptor> Locked(const fs::path& file, int operation) {
  auto descriptor = std::make_shared<io::FileDescriptor>(
      io::FileDescriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)));
  if (!descriptor->is_open()) throw io::FileError(errno, "open", file.native());
  while (::flock(descriptor->get(), operation) != 0) {
    if (errno == EWOULDBLOCK) return nullptr;
    if (errno != EINTR) throw io::FileError(errno, "lock", file.native());
  }
  return descriptor;
}

struct Copy {
  fs::file_time_type used;
  std::string key;
  int64_t size = 0;
};

}  // namespace

ObjectCache::ObjectCache(io::ObjectStore& store, const fs::path& folder, int64_t bytes_max)
    : store_(store),
      lock_file_(folder / "lock"),
      bytes_max_(bytes_max),
      copies_(io::LocalObjectStore::Open(folder / "objects")) {}

std::shared_ptr<void> ObjectCache::Hold() { return Locked(lock_file_, LOCK_SH); }

void ObjectCache::Fetch(const std::vector<Object>& objects) {
  io::SeveralAtOnce(objects.size(), kFetchersMax, [&](size_t i) { FetchOne(objects[i]); });
}

void ObjectCache::FetchOne(const Object& object) {
  const auto path = copies_->root() / object.key;
  if (const auto have = copies_->Size(object.key)) {
    if (*have == object.size) {
      std::error_code ignored;  // only the order of removal suffers
      fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
      return;
    }
    copies_->Delete(object.key);
  }
  const auto size = store_.Size(object.key);
  if (size != object.size)
    throw Error(ErrorCode::kData,
                fmt::format("{} has {} bytes and its table says {}; something outside replaced or removed it",
                            store_.UriOf(object.key), size ? std::to_string(*size) : "no", object.size));
  const auto writer = copies_->OpenWriter(object.key);
  for (int64_t at = 0; at < object.size; at += kBlockBytes) {
    writer->Write(store_.GetRange(object.key, at, std::min(kBlockBytes, object.size - at)));
  }
  std::move(*writer).Finish();  // kExists: another query brought the same
}

void ObjectCache::Trim() {
  const auto alone = Locked(lock_file_, LOCK_EX | LOCK_NB);
  if (!alone) return;
  std::vector<Copy> copies;
  int64_t bytes = 0;
  copies_->List("", "", [&](const io::ObjectInfo& info) {
    std::error_code ignored;
    copies.push_back({fs::last_write_time(copies_->root() / info.key, ignored), info.key, info.size});
    bytes += info.size;
    return true;
  });
  std::sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) { return a.used < b.used; });
  for (const auto& copy : copies) {
    if (bytes <= bytes_max_) return;
    copies_->Delete(copy.key);
    bytes -= copy.size;
  }
}

}  // namespace millrace::query

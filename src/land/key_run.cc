#include "land/key_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace millrace::land {
namespace {

constexpr std::string_view kMagicKeys = "MRKEYS1\n";
constexpr std::string_view kMagicRows = "MRROWS1\n";
constexpr size_t kMagicBytes = 8;
constexpr int64_t kHeaderBytes = 16;
constexpr int64_t kTrailerBytes = 8;
constexpr int64_t kFenceKeys = 256;
constexpr int64_t kPieceKeys = 1 << 16;
constexpr int64_t kFilterBitsPerKey = 12;
constexpr uint32_t kSalts[8] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
constexpr int64_t kKeyBytes = sizeof(KeyHash);
constexpr int64_t kRowBytes = sizeof(KeyEntry);
constexpr size_t kEntryBytesMax = sizeof(KeyEntry);
static_assert(sizeof(KeyHash) == 16 && sizeof(KeyEntry) == 32 && std::is_trivially_copyable_v<KeyEntry>);

std::string_view MagicOf(KeyRun::Form form) { return form == KeyRun::Form::kKeys ? kMagicKeys : kMagicRows; }

[[noreturn]] void ThrowErrno(const std::filesystem::path& path, const char* doing) {
  const int error = errno;
  const ErrorCode code = error == EIO || error == EINTR ? ErrorCode::kUnavailable : ErrorCode::kStop;
  throw Error(code, std::string(doing) + " key index file " + path.string() + ": " +
                        std::generic_category().message(error) +
                        "; free space or mend the disk, or delete the folder: the index is made anew from the table");
}

void WriteAll(int fd, const void* data, int64_t size, const std::filesystem::path& path) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(fd, at, static_cast<size_t>(size));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowErrno(path, "writing");
    at += written;
    size -= written;
  }
}

}  // namespace

BloomFilter::BloomFilter(int64_t keys)
    : blocks_(static_cast<size_t>(std::max<int64_t>(1, keys * kFilterBitsPerKey / 256 + 1))) {}

size_t BloomFilter::BlockOf(const KeyHash& key) const {
  return static_cast<size_t>((static_cast<__uint128_t>(key.high) * blocks_.size()) >> 64);
}

void BloomFilter::Add(const KeyHash& key) {
  Block& block = blocks_[BlockOf(key)];
  for (size_t i = 0; i < block.size(); ++i) block[i] |= 1U << (static_cast<uint32_t>(key.low) * kSalts[i] >> 27);
}

bool BloomFilter::MayHold(const KeyHash& key) const {
  const Block& block = blocks_[BlockOf(key)];
  bool held = true;
  for (size_t i = 0; i < block.size(); ++i)
    held &= (block[i] >> (static_cast<uint32_t>(key.low) * kSalts[i] >> 27) & 1U) != 0;
  return held;
}

KeyRun::KeyRun(std::filesystem::path path, int fd, Form form, int64_t keys_max)
    : path_(std::move(path)), fd_(fd), entry_bytes_(form == Form::kKeys ? kKeyBytes : kRowBytes), filter_(keys_max) {}

KeyRun::~KeyRun() { ::close(fd_); }

void KeyRun::Learn(const KeyHash& key) {
  filter_.Add(key);
  if (count_ % kFenceKeys == 0) fences_.push_back(key);
  ++count_;
}

/// The members of KeyEntry lie in memory as in the file, the key first: a run without places has the front part.
KeyEntry KeyRun::Decode(const char* bytes) const {
  KeyEntry entry;
  std::memcpy(static_cast<void*>(&entry), bytes, static_cast<size_t>(entry_bytes_));
  return entry;
}

std::unique_ptr<KeyRun> KeyRun::Write(const std::filesystem::path& path, Form form, int64_t keys_max,
                                      const Next& next) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) ThrowErrno(path, "creating");
  std::unique_ptr<KeyRun> run(new KeyRun(path, fd, form, keys_max));
  const std::string empty_header(kHeaderBytes, '\0');
  WriteAll(fd, empty_header.data(), kHeaderBytes, path);
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> checksum(XXH64_createState(), &XXH64_freeState);
  XXH64_reset(checksum.get(), 0);
  std::string piece;
  const auto pass_on = [&] {
    XXH64_update(checksum.get(), piece.data(), piece.size());
    WriteAll(fd, piece.data(), static_cast<int64_t>(piece.size()), path);
    piece.clear();
  };
  while (const auto entry = next()) {
    run->Learn(entry->key);
    piece.append(reinterpret_cast<const char*>(&*entry), static_cast<size_t>(run->entry_bytes_));
    if (static_cast<int64_t>(piece.size()) >= kPieceKeys * kKeyBytes) pass_on();
  }
  pass_on();
  const uint64_t sum = XXH64_digest(checksum.get());
  WriteAll(fd, &sum, kTrailerBytes, path);
  std::string header(MagicOf(form));
  header.append(reinterpret_cast<const char*>(&run->count_), sizeof(run->count_));
  if (::pwrite(fd, header.data(), header.size(), 0) != kHeaderBytes) ThrowErrno(path, "writing");
  return run;
}

std::unique_ptr<KeyRun> KeyRun::Open(const std::filesystem::path& path, Form form) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  struct stat status {};
  char header[kHeaderBytes];
  int64_t count = 0;
  const bool headed = ::fstat(fd, &status) == 0 && ::pread(fd, header, kHeaderBytes, 0) == kHeaderBytes;
  if (headed) std::memcpy(&count, header + kMagicBytes, sizeof(count));
  const int64_t entry_bytes = form == Form::kKeys ? kKeyBytes : kRowBytes;
  const bool sized = headed && count >= 0 && count <= status.st_size &&
                     std::string_view(header, kMagicBytes) == MagicOf(form) &&
                     status.st_size == kHeaderBytes + count * entry_bytes + kTrailerBytes;
  if (!sized) {
    ::close(fd);
    return nullptr;
  }
  std::unique_ptr<KeyRun> run(new KeyRun(path, fd, form, count));
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> checksum(XXH64_createState(), &XXH64_freeState);
  XXH64_reset(checksum.get(), 0);
  std::string piece;
  while (run->count_ < count) {
    const int64_t entries = std::min(kPieceKeys, count - run->count_);
    piece.resize(static_cast<size_t>(entries * entry_bytes));
    run->ReadBytes(run->count_, entries, piece.data());
    XXH64_update(checksum.get(), piece.data(), piece.size());
    for (int64_t i = 0; i < entries; ++i) run->Learn(run->Decode(piece.data() + i * entry_bytes).key);
  }
  uint64_t sum = 0;
  const bool whole = ::pread(fd, &sum, kTrailerBytes, kHeaderBytes + count * entry_bytes) == kTrailerBytes;
  if (!whole || sum != XXH64_digest(checksum.get())) return nullptr;
  return run;
}

void KeyRun::ReadBytes(int64_t first, int64_t count, char* out) const {
  int64_t offset = kHeaderBytes + first * entry_bytes_;
  for (int64_t left = count * entry_bytes_; left > 0;) {
    const ssize_t read = ::pread(fd_, out, static_cast<size_t>(left), offset);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) ThrowErrno(path_, "reading");
    out += read;
    offset += read;
    left -= read;
  }
}

std::optional<RowPlace> KeyRun::Find(const KeyHash& key) const {
  if (count_ == 0 || !filter_.MayHold(key)) return std::nullopt;
  const auto after = std::ranges::upper_bound(fences_, key);
  if (after == fences_.begin()) return std::nullopt;
  const int64_t first = (after - fences_.begin() - 1) * kFenceKeys;
  std::array<char, kFenceKeys * kEntryBytesMax> block;
  const int64_t size = std::min(kFenceKeys, count_ - first);
  ReadBytes(first, size, block.data());
  int64_t low = 0;
  for (int64_t high = size; low < high;) {
    const int64_t middle = low + (high - low) / 2;
    const KeyEntry entry = Decode(block.data() + middle * entry_bytes_);
    if (entry.key == key) return entry.place;
    if (entry.key < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::nullopt;
}

KeyRun::Next KeyRun::Scan() const {
  struct Cursor {
    std::string piece = {};
    size_t at = 0;
    int64_t next = 0;
  };
  return [this, cursor = std::make_shared<Cursor>()]() -> std::optional<KeyEntry> {
    if (cursor->at == cursor->piece.size()) {
      const int64_t entries = std::min(kPieceKeys, count_ - cursor->next);
      if (entries == 0) return std::nullopt;
      cursor->piece.resize(static_cast<size_t>(entries * entry_bytes_));
      ReadBytes(cursor->next, entries, cursor->piece.data());
      cursor->next += entries;
      cursor->at = 0;
    }
    const KeyEntry entry = Decode(cursor->piece.data() + cursor->at);
    cursor->at += static_cast<size_t>(entry_bytes_);
    return entry;
  };
}

void KeyRun::Remove() const {
  std::error_code ignored;  // a file that stays is swept at the next start
  std::filesystem::remove(path_, ignored);
}

KeyRun::Next MergedRuns(KeyRun::Next older, KeyRun::Next newer) {
  struct Heads {
    std::optional<KeyEntry> older;
    std::optional<KeyEntry> newer;
  };
  auto heads = std::make_shared<Heads>(Heads{older(), newer()});
  return [heads, older = std::move(older), newer = std::move(newer)]() -> std::optional<KeyEntry> {
    if (!heads->older && !heads->newer) return std::nullopt;
    const bool from_newer = heads->newer && (!heads->older || heads->newer->key <= heads->older->key);
    const KeyEntry entry = from_newer ? *heads->newer : *heads->older;
    if (heads->older && heads->older->key == entry.key) heads->older = older();
    if (heads->newer && heads->newer->key == entry.key) heads->newer = newer();
    return entry;
  };
}

}  // namespace millrace::land

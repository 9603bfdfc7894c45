#include "land/key_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace millrace::land {
namespace {

constexpr char kMagic[8] = {'M', 'R', 'K', 'E', 'Y', 'S', '1', '\n'};
constexpr int64_t kHeaderBytes = 16;
constexpr int64_t kTrailerBytes = 8;
constexpr int64_t kFenceKeys = 256;
constexpr int64_t kPieceKeys = 1 << 16;
constexpr int64_t kFilterBitsPerKey = 12;
constexpr uint32_t kSalts[8] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
constexpr int64_t kKeyBytes = sizeof(KeyHash);
static_assert(sizeof(KeyHash) == 16);

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

KeyRun::KeyRun(std::filesystem::path path, int fd, int64_t keys_max)
    : path_(std::move(path)), fd_(fd), filter_(keys_max) {}

KeyRun::~KeyRun() { ::close(fd_); }

void KeyRun::Learn(const KeyHash& key) {
  filter_.Add(key);
  if (count_ % kFenceKeys == 0) fences_.push_back(key);
  ++count_;
}

std::unique_ptr<KeyRun> KeyRun::Write(const std::filesystem::path& path, int64_t keys_max, const Next& next) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) ThrowErrno(path, "creating");
  std::unique_ptr<KeyRun> run(new KeyRun(path, fd, keys_max));
  const std::string empty_header(kHeaderBytes, '\0');
  WriteAll(fd, empty_header.data(), kHeaderBytes, path);
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> checksum(XXH64_createState(), &XXH64_freeState);
  XXH64_reset(checksum.get(), 0);
  std::vector<KeyHash> piece;
  const auto pass_on = [&] {
    XXH64_update(checksum.get(), piece.data(), piece.size() * kKeyBytes);
    WriteAll(fd, piece.data(), static_cast<int64_t>(piece.size()) * kKeyBytes, path);
    piece.clear();
  };
  while (const auto key = next()) {
    run->Learn(*key);
    piece.push_back(*key);
    if (piece.size() == kPieceKeys) pass_on();
  }
  pass_on();
  const uint64_t sum = XXH64_digest(checksum.get());
  WriteAll(fd, &sum, kTrailerBytes, path);
  std::string header(kMagic, sizeof(kMagic));
  header.append(reinterpret_cast<const char*>(&run->count_), sizeof(run->count_));
  if (::pwrite(fd, header.data(), header.size(), 0) != kHeaderBytes) ThrowErrno(path, "writing");
  return run;
}

std::unique_ptr<KeyRun> KeyRun::Open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  struct stat status {};
  char header[kHeaderBytes];
  int64_t count = 0;
  const bool headed = ::fstat(fd, &status) == 0 && ::pread(fd, header, kHeaderBytes, 0) == kHeaderBytes;
  if (headed) std::memcpy(&count, header + sizeof(kMagic), sizeof(count));
  const bool sized = headed && count >= 0 && count <= status.st_size &&
                     std::memcmp(header, kMagic, sizeof(kMagic)) == 0 &&
                     status.st_size == kHeaderBytes + count * kKeyBytes + kTrailerBytes;
  if (!sized) {
    ::close(fd);
    return nullptr;
  }
  std::unique_ptr<KeyRun> run(new KeyRun(path, fd, count));
  const std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> checksum(XXH64_createState(), &XXH64_freeState);
  XXH64_reset(checksum.get(), 0);
  std::vector<KeyHash> piece;
  while (run->count_ < count) {
    piece.resize(static_cast<size_t>(std::min(kPieceKeys, count - run->count_)));
    run->ReadKeys(run->count_, piece.data(), static_cast<int64_t>(piece.size()));
    XXH64_update(checksum.get(), piece.data(), piece.size() * kKeyBytes);
    for (const auto& key : piece) run->Learn(key);
  }
  uint64_t sum = 0;
  const bool whole = ::pread(fd, &sum, kTrailerBytes, kHeaderBytes + count * kKeyBytes) == kTrailerBytes;
  if (!whole || sum != XXH64_digest(checksum.get())) return nullptr;
  return run;
}

void KeyRun::ReadKeys(int64_t first, KeyHash* out, int64_t count) const {
  char* at = reinterpret_cast<char*>(out);
  int64_t offset = kHeaderBytes + first * kKeyBytes;
  for (int64_t left = count * kKeyBytes; left > 0;) {
    const ssize_t read = ::pread(fd_, at, static_cast<size_t>(left), offset);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) ThrowErrno(path_, "reading");
    at += read;
    offset += read;
    left -= read;
  }
}

bool KeyRun::Holds(const KeyHash& key) const {
  if (count_ == 0 || !filter_.MayHold(key)) return false;
  const auto after = std::ranges::upper_bound(fences_, key);
  if (after == fences_.begin()) return false;
  const int64_t first = (after - fences_.begin() - 1) * kFenceKeys;
  std::array<KeyHash, kFenceKeys> block;
  const int64_t size = std::min(kFenceKeys, count_ - first);
  ReadKeys(first, block.data(), size);
  return std::binary_search(block.begin(), block.begin() + size, key);
}

KeyRun::Next KeyRun::Scan() const {
  struct Cursor {
    std::vector<KeyHash> piece = {};
    size_t at = 0;
    int64_t next = 0;
  };
  return [this, cursor = std::make_shared<Cursor>()]() -> std::optional<KeyHash> {
    if (cursor->at == cursor->piece.size()) {
      const int64_t size = std::min(kPieceKeys, count_ - cursor->next);
      if (size == 0) return std::nullopt;
      cursor->piece.resize(static_cast<size_t>(size));
      ReadKeys(cursor->next, cursor->piece.data(), size);
      cursor->next += size;
      cursor->at = 0;
    }
    return cursor->piece[cursor->at++];
  };
}

void KeyRun::Remove() const {
  std::error_code ignored;  // a file that stays is swept at the next start
  std::filesystem::remove(path_, ignored);
}

}  // namespace millrace::land

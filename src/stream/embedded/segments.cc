#include "stream/embedded/segments.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "base/error.h"
#include "io/file_descriptor.h"

namespace millrace::stream {
namespace {

constexpr std::string_view kSuffix = ".seg";
constexpr size_t kFilesOpenMax = 4;

}  // namespace

SegmentFolder::SegmentFolder(const std::filesystem::path& stream_db, std::string vfs)
    : path_(std::filesystem::path(stream_db).replace_extension(".segments")), vfs_(std::move(vfs)) {
  std::error_code failed;
  if (std::filesystem::create_directory(path_, failed)) {
    io::SyncDirectory(std::filesystem::absolute(path_).parent_path());
  }
  if (failed) {
    throw Error(ErrorCode::kStop, fmt::format("{} cannot be made ({}); check that its folder exists and can be written "
                                              "by this user",
                                              path_.string(), failed.message()));
  }
}

std::filesystem::path SegmentFolder::PathOf(int64_t segment) const {
  return path_ / fmt::format("{:010}{}", segment, kSuffix);
}

std::unique_ptr<VfsFile> SegmentFolder::Open(int64_t segment, VfsFile::Mode mode) const {
  return std::make_unique<VfsFile>(PathOf(segment), vfs_, mode);
}

std::vector<int64_t> SegmentFolder::List() const {
  std::vector<int64_t> segments;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(path_, failed)) {
    const auto name = entry.path().filename().string();
    int64_t segment = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), segment);
    if (code == std::errc() && entry.path() == PathOf(segment)) segments.push_back(segment);
  }
  return segments;
}

std::optional<ReadEntry> EntryAt(const VfsFile& file, int64_t at) {
  std::string head(JournalHeader::kBytes, '\0');
  if (!file.Read(at, head.data(), head.size())) return std::nullopt;
  const auto header = DecodeHeader(head);
  const int64_t meta_at = at + static_cast<int64_t>(JournalHeader::kBytes);
  if (!header || meta_at + static_cast<int64_t>(header->meta_bytes) > file.size()) return std::nullopt;
  std::string meta(header->meta_bytes, '\0');
  if (!file.Read(meta_at, meta.data(), meta.size())) return std::nullopt;
  try {
    return ReadEntry{*header, DecodeMeta(*header, head, meta), meta_at + static_cast<int64_t>(meta.size())};
  } catch (const Error&) {
    return std::nullopt;  // torn, or not an entry at all
  }
}

std::string_view PayloadReader::Read(int64_t segment, int64_t at, size_t bytes) {
  auto it = files_.find(segment);
  if (it == files_.end()) {
    if (files_.size() == kFilesOpenMax) files_.erase(files_.begin());  // the oldest: reading goes on in the later ones
    it = files_.emplace(segment, folder_.Open(segment, VfsFile::Mode::kRead)).first;
  }
  room_.resize(bytes);
  if (!it->second->Read(at, room_.data(), bytes)) {
    throw Error(ErrorCode::kStop, fmt::format("{} ends before byte {}", folder_.PathOf(segment).string(),
                                              at + static_cast<int64_t>(bytes)));
  }
  return room_;
}

}  // namespace millrace::stream

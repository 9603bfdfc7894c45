#include "event/record_headers.h"

#include "base/error.h"

namespace millrace::event {
namespace {

void PutSize(std::string& out, size_t size) {
  for (; size >= 0x80; size >>= 7) out += static_cast<char>((size & 0x7F) | 0x80);
  out += static_cast<char>(size);
}

[[noreturn]] void Malformed() {
  throw Error(ErrorCode::kData, "its headers are not laid out as this program writes them");
}

size_t TakeSize(std::string_view& bytes) {
  size_t size = 0;
  for (int shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    size |= static_cast<size_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return size;
  }
  Malformed();
}

std::string_view Take(std::string_view& bytes, size_t size) {
  if (size > bytes.size()) Malformed();
  const auto taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

}  // namespace

void AppendHeader(std::string& block, std::string_view name, std::optional<std::string_view> value) {
  PutSize(block, name.size());
  block += name;
  PutSize(block, value ? value->size() + 1 : 0);
  if (value) block += *value;
}

std::vector<HeaderView> HeadersOf(std::string_view block) {
  std::vector<HeaderView> headers;
  while (!block.empty()) {
    HeaderView header;
    header.name = Take(block, TakeSize(block));
    if (const size_t size = TakeSize(block); size > 0) header.value = Take(block, size - 1);
    headers.push_back(header);
  }
  return headers;
}

void HeaderCollector::EndRecord() {
  const size_t begin = spans_.empty() ? 0 : size_t{spans_.back().begin} + spans_.back().size;
  spans_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(bytes_.size() - begin)});
}

void HeaderCollector::MoveInto(EventBatch& batch) {
  if (!bytes_.empty()) {
    batch.header_payload = PaddedBuffer::CopyOf(bytes_);
    batch.headers = std::move(spans_);
  }
  *this = {};
}

void SetHeaders(const HeaderList& headers, EventBatch& batch) {
  std::string block;
  for (const auto& [name, value] : headers) AppendHeader(block, name, value);
  batch.header_payload = PaddedBuffer::CopyOf(block);
  batch.headers.assign(batch.size(), {0, static_cast<uint32_t>(block.size())});
}

}  // namespace millrace::event

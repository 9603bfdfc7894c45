#include "table/avro_file.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "base/error.h"

namespace millrace::table {
namespace {

constexpr std::string_view kMagic("Obj\1", 4);
constexpr size_t kSyncBytes = 16;
constexpr size_t kBlockBytes = size_t{64} << 10;  // a written block, before compression: what Java writes
constexpr size_t kBlockBytesMax = size_t{256} << 20;
constexpr size_t kHeaderKeysMax = 1000;
constexpr size_t kSchemasKept = 64;
constexpr size_t kSchemaBytesKept = size_t{64} << 10;
constexpr std::string_view kSchemaKey = "avro.schema";
constexpr std::string_view kCodecKey = "avro.codec";

[[noreturn]] void Wrong(std::string_view what) {
  throw Error(ErrorCode::kData, fmt::format("it is no readable Avro file: {}", what));
}

AvroMetadata ReadMetadata(AvroDecoder& decoder) {
  AvroType bytes;
  bytes.kind = AvroType::Kind::kBytes;
  AvroType map;
  map.kind = AvroType::Kind::kMap;
  map.items = &bytes;
  AvroMetadata metadata;
  decoder.Pairs(map, [&](std::string_view key, const AvroType& type) {
    if (metadata.size() == kHeaderKeysMax) Wrong("its header has too many keys");
    metadata[std::string(key)] = decoder.ByteString(type);
  });
  return metadata;
}

std::string_view Value(const AvroMetadata& metadata, std::string_view key) {
  const auto found = metadata.find(std::string(key));
  return found == metadata.end() ? std::string_view() : std::string_view(found->second);
}

/// A table's manifests and lists have a few schemas, and to parse one takes longer than to read a small manifest.
std::shared_ptr<const AvroSchema> ParsedSchema(std::string_view json) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const AvroSchema>, std::less<>> parsed;
  {
    const std::lock_guard lock(mutex);
    if (const auto found = parsed.find(json); found != parsed.end()) return found->second;
  }
  auto schema = std::make_shared<const AvroSchema>(AvroSchema::Parse(json));
  if (json.size() > kSchemaBytesKept) return schema;
  const std::lock_guard lock(mutex);
  if (parsed.size() >= kSchemasKept) parsed.clear();
  parsed.emplace(json, schema);
  return schema;
}

}  // namespace

AvroFileReader::AvroFileReader(std::string bytes) : bytes_(std::move(bytes)) {
  if (!bytes_.starts_with(kMagic)) Wrong("it does not start with Avro's magic bytes");
  AvroDecoder decoder(std::string_view(bytes_).substr(kMagic.size()));
  metadata_ = ReadMetadata(decoder);
  sync_ = decoder.Take(kSyncBytes);
  blocks_start_ = bytes_.size() - decoder.rest().size();
  codec_ = ParseAvroCompression(Value(metadata_, kCodecKey));
  schema_ = ParsedSchema(Value(metadata_, kSchemaKey));
}

void AvroFileReader::ForEachRecord(const std::function<void(AvroDecoder&)>& record) const {
  AvroDecoder blocks(std::string_view(bytes_).substr(blocks_start_));
  while (!blocks.AtEnd()) {
    const int64_t count = blocks.Long();
    const std::string_view stored = blocks.Take(blocks.Long());
    if (blocks.Take(kSyncBytes) != sync_) Wrong("the marker behind a block is not the one of its header");
    const std::string block = Decompress(codec_, stored, kBlockBytesMax);
    if (count < 0 || static_cast<uint64_t>(count) > block.size()) Wrong("a block has fewer bytes than records");
    AvroDecoder decoder(block);
    for (int64_t i = 0; i < count; ++i) record(decoder);
    if (!decoder.AtEnd()) Wrong("a block has bytes left after its last record");
  }
}

AvroFileWriter::AvroFileWriter(const std::string& schema_json, AvroMetadata metadata, Random& random,
                               AvroCompression codec, int level)
    : codec_(codec), level_(level) {
  metadata[std::string(kSchemaKey)] = schema_json;
  metadata[std::string(kCodecKey)] = ToString(codec);
  AvroEncoder header;
  header.Fixed(kMagic);
  header.Long(static_cast<int64_t>(metadata.size()));
  for (const auto& [key, value] : metadata) {
    header.Bytes(key);
    header.Bytes(value);
  }
  header.Long(0);
  for (size_t i = 0; i < kSyncBytes; i += sizeof(uint64_t)) {
    const uint64_t bits = random.Next();
    sync_.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
  header.Fixed(sync_);
  bytes_ = header.bytes();
}

void AvroFileWriter::Append(const AvroEncoder& record) {
  block_.append(record.bytes());
  ++block_count_;
  if (block_.size() >= kBlockBytes) CloseBlock();
}

void AvroFileWriter::CloseBlock() {
  if (block_count_ == 0) return;
  AvroEncoder encoder;
  encoder.Long(block_count_);
  encoder.Bytes(Compress(codec_, block_, level_));
  encoder.Fixed(sync_);
  bytes_.append(encoder.bytes());
  block_.clear();
  block_count_ = 0;
}

std::string AvroFileWriter::Finish() && {
  CloseBlock();
  return std::move(bytes_);
}

}  // namespace millrace::table

#include "stream/kinesis/aggregate.h"

#include <utility>

#include "io/digest.h"
#include "stream/kinesis/aggregate.pb.h"

namespace millrace::stream {
namespace {

constexpr std::string_view kMagic = "\xF3\x89\x9A\xC2";
constexpr size_t kDigestBytes = 16;

}  // namespace

std::vector<UserRecord> Unpack(std::string_view data) {
  if (!data.starts_with(kMagic) || data.size() < kMagic.size() + kDigestBytes) return {};
  const auto message = data.substr(kMagic.size(), data.size() - kMagic.size() - kDigestBytes);
  if (io::Md5(message) != data.substr(data.size() - kDigestBytes)) return {};
  kpl::AggregatedRecord packed;
  // In two steps: the one that does both writes to stderr of its own when a field is missing.
  if (!packed.ParsePartialFromArray(message.data(), static_cast<int>(message.size()))) return {};
  if (!packed.IsInitialized()) return {};
  std::vector<UserRecord> records;
  for (auto& record : *packed.mutable_records()) {
    if (record.partition_key_index() >= static_cast<uint64_t>(packed.partition_key_table_size())) return {};
    records.push_back({.key = packed.partition_key_table(static_cast<int>(record.partition_key_index())),
                       .data = std::move(*record.mutable_data())});
  }
  return records;
}

}  // namespace millrace::stream

#include "stream/kinesis/aggregate.h"

#include <optional>

#include "io/digest.h"

namespace millrace::stream {
namespace {

constexpr std::string_view kMagic = "\xF3\x89\x9A\xC2";
constexpr size_t kDigestBytes = 16;

/// The fields of a protobuf message, one after the other. What is wrong with it ends it, with `good` false.
class Fields {
 public:
  explicit Fields(std::string_view message) : left_(message) {}

  bool Next() {
    if (left_.empty() || !good) return false;
    const auto tag = Varint();
    number = tag >> 3;
    switch (tag & 7) {
      case 0:
        value = Varint();
        break;
      case 1:
        bytes = Take(8);
        break;
      case 2:
        bytes = Take(Varint());
        break;
      case 5:
        bytes = Take(4);
        break;
      default:  // groups, which nobody writes any more
        good = false;
    }
    return good;
  }

  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
  bool good = true;

 private:
  uint64_t Varint() {
    uint64_t varint = 0;
    for (int shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(left_.front());
      left_.remove_prefix(1);
      varint |= uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80) == 0) return varint;
    }
    good = false;
    return 0;
  }
  std::string_view Take(uint64_t size) {
    if (!good || size > left_.size()) {
      good = false;
      return {};
    }
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
};

/// AggregatedRecord.Record: 1 the index of its partition key, 3 its data.
std::optional<UserRecord> UserRecordOf(std::string_view message, const std::vector<std::string_view>& keys) {
  UserRecord record;
  uint64_t key = keys.size();
  bool has_data = false;
  Fields fields(message);
  while (fields.Next()) {
    if (fields.number == 1) key = fields.value;
    if (fields.number != 3) continue;
    record.data = fields.bytes;
    has_data = true;
  }
  if (!fields.good || key >= keys.size() || !has_data) return std::nullopt;
  record.key = keys[key];
  return record;
}

}  // namespace

std::vector<UserRecord> Unpack(std::string_view data) {
  if (!data.starts_with(kMagic) || data.size() < kMagic.size() + kDigestBytes) return {};
  const auto message = data.substr(kMagic.size(), data.size() - kMagic.size() - kDigestBytes);
  if (io::Md5(message) != data.substr(data.size() - kDigestBytes)) return {};
  // AggregatedRecord: 1 the table of partition keys, 3 the records, which may come before the keys.
  std::vector<std::string_view> keys;
  std::vector<std::string_view> messages;
  Fields fields(message);
  while (fields.Next()) {
    if (fields.number == 1) keys.push_back(fields.bytes);
    if (fields.number == 3) messages.push_back(fields.bytes);
  }
  if (!fields.good) return {};
  std::vector<UserRecord> records;
  for (const auto& each : messages) {
    const auto record = UserRecordOf(each, keys);
    if (!record) return {};
    records.push_back(*record);
  }
  return records;
}

}  // namespace millrace::stream

#include "stream/kinesis/aggregate.h"

#include <gtest/gtest.h>

#include <string>

#include "io/digest.h"

namespace millrace::stream {
namespace {

std::string Packed(const std::string& message) { return "\xF3\x89\x9A\xC2" + message + io::Md5(message); }

std::string Field(char tag, const std::string& bytes) {
  return tag + std::string(1, static_cast<char>(bytes.size())) + bytes;
}
std::string RecordOf(char key, const std::string& data) { return std::string("\x08") + key + Field('\x1A', data); }

TEST(Aggregate, GivesEachRecordWithItsKey) {
  const auto message = Field('\x1A', RecordOf(1, "one")) + Field('\x0A', "a") + Field('\x0A', "b") +
                       Field('\x12', "7") + Field('\x1A', RecordOf(0, "") + Field('\x22', "tag"));
  const auto data = Packed(message);
  const auto records = Unpack(data);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].key, "b");
  EXPECT_EQ(records[0].data, "one");
  EXPECT_EQ(records[1].key, "a");
  EXPECT_EQ(records[1].data, "");
}

TEST(Aggregate, TakesWhatIsNoneAsAPlainRecord) {
  const auto good = Field('\x0A', "a") + Field('\x1A', RecordOf(0, "one"));
  ASSERT_EQ(Unpack(Packed(good)).size(), 1U);
  for (const auto& message : {std::string(), Field('\x0A', "a"), Field('\x0A', "a") + Field('\x1A', RecordOf(1, "key")),
                              Field('\x0A', "a") + Field('\x1A', std::string("\x08\x00", 2)), good + "\x1A\x7F",
                              good + "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", good + "\x0B"}) {
    EXPECT_TRUE(Unpack(Packed(message)).empty()) << io::Hex(message);
  }
  auto damaged = Packed(good);
  damaged[6] ^= 1;
  EXPECT_TRUE(Unpack(damaged).empty());
  EXPECT_TRUE(Unpack("{\"id\":1}").empty());
  EXPECT_TRUE(Unpack("\xF3\x89\x9A\xC2").empty());
}

TEST(Aggregate, BearsEveryCut) {
  const auto good = Field('\x0A', "a") + Field('\x1A', RecordOf(0, "one")) + Field('\x1A', RecordOf(0, "two"));
  for (size_t size = 0; size < good.size(); ++size) EXPECT_LE(Unpack(Packed(good.substr(0, size))).size(), 1U);
}

}  // namespace
}  // namespace millrace::stream

#include "table/deletion_vector.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "judge/python.h"

namespace millrace::table {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return hex;
}

/// What Spark 4.1 with Iceberg 1.12 wrote for a file of the rows 0 to 999: every tenth from 3, 100 to 250, and 7, 307,
/// ... 907 deleted.
const std::string kBySpark = FromHex(
    "00000193d1d339640100000000000000000000003b300000010000f3005e0003000000070000000d00000017000000210000002b00000035"
    "0000003f00000049000000530000005d00000064009600fd00000007010000110100001b010000250100002f010000330100003901000043"
    "0100004d01000057010000610100006b010000750100007f0100008901000093010000970100009d010000a7010000b1010000bb010000c5"
    "010000cf010000d9010000e3010000ed010000f7010000fb010000010200000b020000150200001f02000029020000330200003d02000047"
    "020000510200005b0200005f020000650200006f02000079020000830200008d02000097020000a1020000ab020000b5020000bf020000c3"
    "020000c9020000d3020000dd020000e7020000f1020000fb020000050300000f0300001903000023030000270300002d0300003703000041"
    "0300004b030000550300005f03000069030000730300007d030000870300008b030000910300009b030000a5030000af030000b9030000c3"
    "030000cd030000d7030000e1030000f55630c5");

TEST(DeletionVectorTest, SparksIsRead) {
  std::vector<int64_t> wanted;
  for (int64_t i = 0; i < 1000; ++i) {
    if (i % 10 == 3 || (i >= 100 && i <= 250) || i % 100 == 7) wanted.push_back(i);
  }
  EXPECT_EQ(DecodeDeletionVector(kBySpark, 1000), wanted);
}

TEST(DeletionVectorTest, EveryKindOfContainerIsReadAsPyroaringPacksIt) {
  std::vector<int64_t> wanted;
  std::string ranges;
  const auto add = [&](int64_t start, int64_t stop, int64_t step) {
    for (int64_t i = start; i < stop; i += step) wanted.push_back(i);
    ranges += std::to_string(start) + "," + std::to_string(stop) + "," + std::to_string(step) + " ";
  };
  add(0, 1, 1);
  add(5, 9, 1);
  add(65'536, 131'072, 2);
  add(200'000, 260'000, 1);
  add(400'000, 400'100, 7);
  add(int64_t{1} << 33, (int64_t{1} << 33) + 70'000, 3);
  std::istringstream blobs(judge::Python("roaring.py", ranges));
  for (std::string hex; std::getline(blobs, hex);) EXPECT_EQ(DecodeDeletionVector(FromHex(hex), 1'000'000), wanted);
  const std::string written = EncodeDeletionVector(wanted);
  EXPECT_EQ(DecodeDeletionVector(written, 1'000'000), wanted);
  EXPECT_EQ(judge::Python("roaring.py", ranges + "compare " + Hex(written)), "equal\n");
  EXPECT_EQ(DecodeDeletionVector(EncodeDeletionVector({}), 1), std::vector<int64_t>());
}

TEST(DeletionVectorTest, DamageIsFoundWhereverItIs) {
  for (size_t at = 0; at < kBySpark.size(); ++at) {
    std::string damaged = kBySpark;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_THROW(DecodeDeletionVector(damaged, 1000), Error) << at;
    EXPECT_THROW(DecodeDeletionVector(kBySpark.substr(0, at), 1000), Error) << at;
  }
  EXPECT_THAT([] { DecodeDeletionVector(kBySpark, 100); }, ThrowsMessage<Error>(HasSubstr("more positions")));
}

}  // namespace
}  // namespace millrace::table

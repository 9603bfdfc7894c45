#include "base/bytes.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace millrace {
namespace {

TEST(PaddedBuffer, ZeroBytesFollowTheLastOne) {
  const auto buffer = PaddedBuffer::CopyOf("abc");
  EXPECT_EQ(buffer->view(), "abc");
  EXPECT_EQ(std::string(buffer->data() + 3, PaddedBuffer::kPadding), std::string(PaddedBuffer::kPadding, '\0'));
}

TEST(PaddedBuffer, RefusesToGrowPastItsCapacity) {
  const auto buffer = PaddedBuffer::Allocate(4);
  EXPECT_NO_THROW(buffer->Resize(4));
  EXPECT_THROW(buffer->Resize(5), Error);
}

TEST(ByteSize, ReadsBinaryAndDecimalUnits) {
  EXPECT_EQ(ParseByteSize("512"), 512);
  EXPECT_EQ(ParseByteSize("256MiB"), uint64_t{256} << 20);
  EXPECT_EQ(ParseByteSize("1 GiB"), uint64_t{1} << 30);
  EXPECT_EQ(ParseByteSize("64kB"), 64'000);
  EXPECT_EQ(ParseByteSize("1.5mib"), 1'572'864);
  for (const auto* text : {"", "MiB", "-1", "5 parsecs", "nan", "1e30"})
    EXPECT_EQ(ParseByteSize(text), std::nullopt) << text;
}

TEST(ByteSize, PrintsForPeople) {
  EXPECT_EQ(FormatByteSize(512), "512 B");
  EXPECT_EQ(FormatByteSize(1536), "1.5 KiB");
  EXPECT_EQ(FormatByteSize(uint64_t{3} << 30), "3.0 GiB");
}

}  // namespace
}  // namespace millrace

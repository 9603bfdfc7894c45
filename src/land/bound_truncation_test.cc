#include "land/bound_truncation.h"

#include <gtest/gtest.h>

namespace millrace::land {
namespace {

TEST(BoundTruncation, ShortValuesStay) {
  EXPECT_EQ(TruncateTextLower("Größe", 5), "Größe");
  EXPECT_EQ(TruncateTextUpper("Größe", 5), "Größe");
  EXPECT_EQ(TruncateBinaryUpper("\xff", 1), "\xff");
}

TEST(BoundTruncation, TextIsCutByCodePointAndRaised) {
  EXPECT_EQ(TruncateTextLower("Größe", 4), "Größ");
  EXPECT_EQ(TruncateTextUpper("Größe", 4), "Gröà");
  EXPECT_EQ(TruncateTextUpper("a\U0010ffffb", 2), "b");
}

TEST(BoundTruncation, SurrogatesAreSkippedAndTheHighestHasNoUpperBound) {
  EXPECT_EQ(TruncateTextUpper("\uD7FFx", 1), "\uE000");
  EXPECT_EQ(TruncateTextUpper("\U0010ffff\U0010ffff", 1), std::nullopt);
}

TEST(BoundTruncation, BinaryIsRaisedByByte) {
  EXPECT_EQ(TruncateBinaryUpper("a\xff\xff"
                                "b",
                                3),
            "b");
  EXPECT_EQ(TruncateBinaryUpper("\xff\xff", 1), std::nullopt);
}

}  // namespace
}  // namespace millrace::land

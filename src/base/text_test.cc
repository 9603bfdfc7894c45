#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/letter_case.h"
#include "base/split.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SplitByCommasTest, BlanksAndEmptyPartsAreLeftOut) {
  EXPECT_THAT(SplitByCommas("a, b c ,,  ,d"), ElementsAre("a", "b c", "d"));
  EXPECT_THAT(SplitByCommas(" , "), IsEmpty());
  EXPECT_THAT(SplitByCommas(""), IsEmpty());
}

TEST(LetterCaseTest, OnlyLettersOfAsciiHaveCase) {
  EXPECT_EQ(Lower("AbZ[`\xC3\x84"), "abz[`\xC3\x84");
  EXPECT_TRUE(SameInAnyCase("Silver.Users", "sILVER.uSERS"));
  EXPECT_FALSE(SameInAnyCase("a", "ab"));
  EXPECT_FALSE(SameInAnyCase("[", "{")) << "they differ by the bit that case does";
}

}  // namespace
}  // namespace millrace

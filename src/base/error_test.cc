#include "base/error.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Error, ContextIsAddedOutermostFirstAndTheMessageStaysLast) {
  Error error(ErrorCode::kData, "no such column 'x'; known: id, ts");
  error.Within("line 3").Within("table silver.users");
  EXPECT_STREQ(error.what(), "table silver.users, line 3: no such column 'x'; known: id, ts");
  EXPECT_EQ(error.message(), "no such column 'x'; known: id, ts");
}

TEST(Error, WithContextPassesValuesAndNamesWhereAnErrorLeft) {
  EXPECT_EQ(WithContext("here", [] { return 7; }), 7);
  try {
    WithContext("topic events", [] { throw Error(ErrorCode::kStop, "offset 5 is gone"); });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kStop);
    EXPECT_STREQ(error.what(), "topic events: offset 5 is gone");
  }
}

TEST(Error, ExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(static_cast<int>(ExitCodeFor(ErrorCode::kUsage)), 64);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(ErrorCode::kUnavailable)), 69);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(ErrorCode::kConfig)), 78);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(ErrorCode::kData)), 1);
  EXPECT_EQ(static_cast<int>(ExitCodeFor(ErrorCode::kStop)), 1);
}

}  // namespace
}  // namespace millrace

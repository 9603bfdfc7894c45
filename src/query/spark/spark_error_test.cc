#include "query/spark/spark_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::query {
namespace {

using io::GrpcCode;

// Messages as Spark 4.1.4 sends them.
constexpr const char* kUnresolved =
    "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `nocol` cannot be "
    "resolved. Did you mean one of the following? [`id`]. SQLSTATE: 42703; line 3 pos 2;\n'Project ['id]\n+- 'Filter";
constexpr const char* kSyntax =
    "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'. SQLSTATE: 42601 (line 2, pos 10)\n\n== SQL ==\nSELECT id";
constexpr const char* kDivided =
    "[DIVIDE_BY_ZERO] Division by zero. If necessary set \"spark.sql.ansi.enabled\" to \"false\". SQLSTATE: 22012\n"
    "== SQL (line 3, position 3) ==\n  id / (id-id) = 3\n  ^^^";

TEST(SparkError, KnowsTheLine) {
  EXPECT_EQ(LineIn(kUnresolved), 3);
  EXPECT_EQ(LineIn(kSyntax), 2);
  EXPECT_EQ(LineIn(kDivided), 3);
  EXPECT_EQ(LineIn("the line is busy; line up, line 4 of the file"), 0);
  EXPECT_EQ(LineIn("ends with line "), 0);
}

TEST(SparkError, LeavesPlansOut) {
  const auto error = SparkErrorOf({GrpcCode::kInternal, kUnresolved}, "Spark at h:1");
  EXPECT_EQ(error.code(), ErrorCode::kData);
  EXPECT_EQ(error.line(), 3);
  EXPECT_EQ(error.message(),
            "Spark at h:1: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name "
            "`nocol` cannot be resolved. Did you mean one of the following? [`id`]. SQLSTATE: 42703; line 3 pos 2");
  EXPECT_EQ(SparkErrorOf({GrpcCode::kInternal, kSyntax}, "S").message(),
            "S: [PARSE_SYNTAX_ERROR] Syntax error at or near 'x'. SQLSTATE: 42601 (line 2, pos 10)");
}

TEST(SparkError, SaysWhatMayPassAndWhatToDo) {
  EXPECT_EQ(SparkErrorOf({GrpcCode::kResourceExhausted, "full"}, "S").code(), ErrorCode::kUnavailable);
  const auto refused = SparkErrorOf({GrpcCode::kUnauthenticated, "no"}, "S");
  EXPECT_EQ(refused.code(), ErrorCode::kConfig);
  EXPECT_EQ(refused.message(), "S: no; check `spark.token` and what it may do");
  EXPECT_EQ(SparkErrorOf({GrpcCode::kUnimplemented, ""}, "S").message(),
            "S: UNIMPLEMENTED; check that `spark.remote` is the port of Spark Connect, 15002 by itself");
}

}  // namespace
}  // namespace millrace::query

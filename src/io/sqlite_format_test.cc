#include "io/sqlite_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "judge/python.h"

namespace millrace::io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(SqliteFormatTest, AFileGetsItsFormatAndANewerOneIsLeftAlone) {
  const judge::Folder folder;
  const auto file = folder.path() / "a.db";
  Connection connection(file, "");
  EnsureLayout(connection, file, 1);
  EXPECT_EQ(connection.QueryInt("PRAGMA user_version"), 1);
  EnsureLayout(connection, file, 1);
  connection.Execute("PRAGMA user_version = 2");
  EXPECT_THAT([&] { EnsureLayout(connection, file, 1); },
              ThrowsMessage<Error>(AllOf(HasSubstr("a.db was written by a newer version"), HasSubstr("has format 2"))));
  EXPECT_EQ(connection.QueryInt("PRAGMA user_version"), 2);
}

}  // namespace
}  // namespace millrace::io
